"""When the steps of a stream ran, from stamps of whole seconds, exact lengths and their order."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from runs.recording.deriving.stream_clock import SECOND, StreamClock

AT = 1_795_326_158 * SECOND
LENGTHS = st.lists(st.integers(1, 5 * SECOND), min_size=1, max_size=40)


def second_of(time_us: int) -> int:
    return time_us // SECOND * SECOND


@given(LENGTHS, st.integers(0, SECOND - 1))
def test_steps_one_after_another_neither_overlap_nor_wait(lengths: list[int], offset: int) -> None:
    clock, now = StreamClock(), AT + offset
    for number, length in enumerate(lengths):
        clock.begin(str(number), second_of(now))
        clock.end(str(number), length, second_of(now + length))
        now += length + 1
    start = AT + offset
    reached = None
    for number, length in enumerate(lengths):
        began, ended = clock.times(str(number))
        assert ended == began + length
        assert reached in (None, began - 1)
        assert second_of(began) == second_of(start)
        start, reached = start + length + 1, ended


@given(LENGTHS, st.integers(3 * SECOND, 60 * SECOND))
def test_a_wait_of_seconds_is_kept(lengths: list[int], wait: int) -> None:
    clock, now = StreamClock(), AT
    for number, length in enumerate(lengths):
        clock.begin(str(number), second_of(now))
        clock.end(str(number), length, second_of(now + length))
        now += length + wait
    times = [clock.times(str(number)) for number in range(len(lengths))]
    for (_, ended), (began, _) in pairwise(times):
        assert ended is not None
        assert began > ended and abs(began - ended - wait) < 2 * SECOND  # each is known to one


def test_branches_at_the_same_time_overlap_and_what_joins_them_comes_after() -> None:
    clock = StreamClock()
    clock.begin("left", AT)
    clock.begin("right", AT)
    clock.end("right", 300_000, AT)
    clock.end("left", 700_000, AT)
    clock.begin("join", AT)
    left, right, join = (clock.times(key) for key in ("left", "right", "join"))
    assert left[0] < right[0] < (right[1] or 0) < (left[1] or 0) < join[0]


def test_attempts_follow_one_another_within_their_step() -> None:
    clock = StreamClock()
    clock.begin("step", AT)
    for number in (1, 2):
        clock.begin_attempt(f"step/{number}", "step")
        clock.end(f"step/{number}", 200_000, AT)
    clock.end("step", 600_000, AT)
    first, second, step = (clock.times(key) for key in ("step/1", "step/2", "step"))
    assert first[0] == step[0]
    assert first[1] == second[0]
    assert step[1] == step[0] + 600_000


def test_a_step_that_was_sent_later_lies_in_the_second_of_its_stamp() -> None:
    """The iterations that run at the same time are sent one after the other."""
    clock = StreamClock()
    clock.begin("first", AT)
    clock.end("first", 2 * SECOND, AT + 2 * SECOND)
    clock.begin("second", AT, is_sent_later=True)
    clock.end("second", 400_000, AT)
    began, ended = clock.times("second")
    assert began >= AT and ended == began + 400_000 and second_of(ended) == AT
    clock.begin("after", AT + 2 * SECOND, is_sent_later=True)
    assert clock.times("after")[0] > (clock.times("first")[1] or 0)


def test_a_container_begins_with_its_first_step() -> None:
    clock = StreamClock()
    clock.begin("before", AT)
    clock.begin("container", AT)  # sent before the step before it had ended
    clock.end("before", 400_000, AT)
    clock.begin_first_inside("container")
    clock.begin("inside", AT)
    before, container, inside = (clock.times(key) for key in ("before", "container", "inside"))
    assert (before[1] or 0) < container[0] < inside[0]


def test_stamps_that_contradict_the_order_do_not_stop_the_clock() -> None:
    clock = StreamClock()
    clock.begin("a", AT + 10 * SECOND)
    clock.end("a", SECOND, AT)
    clock.begin("b", AT)
    assert clock.times("b")[0] > (clock.times("a")[1] or 0)


def test_a_step_that_went_on_after_a_wait_lasts_until_then() -> None:
    clock = StreamClock()
    clock.begin("form", AT)
    clock.begin("form", AT + 1800 * SECOND)
    clock.end("form", 10_000, AT + 1800 * SECOND)
    began, ended = clock.times("form")
    assert second_of(began) == AT and second_of(ended or 0) == AT + 1800 * SECOND


def test_a_step_whose_start_was_not_seen() -> None:
    clock = StreamClock()
    clock.begin("a", AT)
    clock.end("a", 5 * SECOND, AT + 5 * SECOND)
    clock.end_unbegun("beside", AT + SECOND, 4 * SECOND, AT + 5 * SECOND)  # began before a ended
    clock.end_unbegun("after", AT + 5 * SECOND, 2 * SECOND, AT + 7 * SECOND)
    a, beside, after = (clock.times(key) for key in ("a", "beside", "after"))
    assert second_of(beside[0]) == AT + SECOND and (beside[1] or 0) - beside[0] == 4 * SECOND
    assert after[0] > (a[1] or 0) and after[1] == after[0] + 2 * SECOND


@given(
    st.lists(st.tuples(st.integers(1, SECOND), st.integers(0, SECOND)), min_size=1, max_size=20),
    st.integers(0, SECOND - 1),
)
def test_a_stream_that_was_read_live_tells_times_and_waits(
    steps: list[tuple[int, int]], offset: int
) -> None:
    """Each event arrives two milliseconds after it happened."""
    clock, now, expected, delay = StreamClock(), AT + offset, [], 2_000
    for number, (length, wait) in enumerate(steps):
        clock.begin(str(number), second_of(now), now + delay)
        clock.end(str(number), length, second_of(now + length), now + length + delay)
        expected.append((now, now + length))
        now += length + wait
    reached = 0
    for number, (start, end) in enumerate(expected):
        began, ended = clock.times(str(number))
        assert ended == began + end - start
        assert began > reached
        assert abs(began - start) <= 25_000
        reached = ended


def test_an_arrival_that_does_not_agree_with_the_stamp_tells_nothing() -> None:
    """The clocks of two machines differ, or the stream was held up."""
    for arrived in (AT - 5 * SECOND, AT + 60 * SECOND):
        clock = StreamClock()
        clock.begin("a", AT, arrived)
        clock.end("a", 300_000, AT, arrived)
        assert clock.times("a") == (AT, AT + 300_000)
