"""Long waits on the time line, and gaps that say why."""

from hypothesis import given
from hypothesis import strategies as st

from nodes.trace.collapsing import TreeState, trace_lines
from nodes.trace.tree import build_trace_tree
from nodes.trace.waterfall import MAX_BREAKS, SECOND, TimeScale, breaks
from tests.nodes.trace.test_lanes import span


def test_a_long_wait_is_drawn_short_and_what_follows_keeps_its_room() -> None:
    day = 86_400 * SECOND
    waits = breaks(
        TimeScale(0, day + 10 * SECOND), [(0, 5 * SECOND), (day + 5 * SECOND, day + 10 * SECOND)]
    )
    assert waits == ((5 * SECOND, day + 5 * SECOND),)
    scale = TimeScale(0, day + 10 * SECOND, waits)
    first, last = scale.place(0, 5 * SECOND), scale.place(day + 5 * SECOND, None)
    assert first and last and first.width == last.width and float(first.width) > 40
    assert [lasted for _, lasted in scale.broken()] == [day]
    assert scale.ticks()[0].label == "0"


def test_work_all_the_time_breaks_nothing() -> None:
    assert breaks(TimeScale(0, 10 * SECOND), [(0, 4 * SECOND), (5 * SECOND, 10 * SECOND)]) == ()
    assert breaks(TimeScale(0, 10 * SECOND), []) == ()


@given(
    st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**7)), max_size=8),
    st.integers(0, 10**9),
)
def test_places_on_a_broken_line_keep_their_order(
    intervals: list[tuple[int, int]], time_between: int
) -> None:
    plain = TimeScale(0, 10**9)
    busy = [(start, min(start + lasted, plain.end)) for start, lasted in intervals]
    scale = TimeScale(0, 10**9, breaks(plain, busy))
    marks = sorted({0, time_between, plain.end, *(time for interval in busy for time in interval)})
    places = [float(bar.start) for time in marks if (bar := scale.place(time, time))]
    assert places == sorted(places) and places[0] == 0 and places[-1] == 100


def test_gaps_say_why() -> None:
    steps = [
        span(1, 0, 1, node_id="call", status="retry"), span(2, 11, 12, node_id="call"),
        span(3, 12, 13, kind="human-input"), span(4, 40, 41),
    ]  # fmt: skip
    lines = trace_lines(build_trace_tree(steps), TreeState(), TimeScale(0, 60 * SECOND), None)
    gaps = [line.gap for line in lines if line.form == "gap"]
    assert gaps == ["before another attempt", "waiting for a person", "nothing ran"]


def test_of_many_long_waits_the_longest_are_drawn_short() -> None:
    hour = 3600 * SECOND
    starts = [*(number * hour for number in range(60)), 100 * hour]
    busy = [(start, start + 1) for start in starts]
    waits = breaks(TimeScale(0, 100 * hour + 1), busy)
    assert len(waits) == MAX_BREAKS and list(waits) == sorted(waits)
    assert waits[-1] == (59 * hour + 1, 100 * hour)
