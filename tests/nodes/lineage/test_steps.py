"""Which steps could see which: before, inside of the same iteration, around."""

from nodes.lineage.steps import LineageStep, StepIndex, precedes


def test_only_what_had_ended_precedes() -> None:
    first = LineageStep("a", start=10, end=30, index=0)
    overlapping = LineageStep("b", start=20, end=40, index=1)
    assert not precedes(first, overlapping) and not precedes(overlapping, first)
    assert precedes(first, LineageStep("c", start=30, end=30, index=2))
    assert not precedes(LineageStep("r", start=1, end=2, status="retry"), overlapping)
    second = 1_000_000
    in_whole_seconds = LineageStep("d", start=5 * second, end=6 * second, index=2)
    within_second = LineageStep("e", start=5 * second, end=5 * second + 400, index=1)
    assert precedes(within_second, in_whole_seconds)
    without_start = LineageStep("f", end=3)
    assert not precedes(without_start, overlapping) or overlapping.start is not None


def test_of_several_executions_the_last_of_the_same_iteration_is_visible() -> None:
    writers = [
        LineageStep(f"w{number}", "loop", "write", iteration=str(number), index=number + 1,
                    start=10 + number, end=20 + number)
        for number in range(3)
    ]  # fmt: skip
    reader = LineageStep("r", "loop", "read", iteration="1", index=9, start=40, end=41)
    outside = LineageStep("o", "", "read", index=10, start=50, end=51)
    loop = LineageStep("loop", "", "loop", start=1, end=45)
    steps = StepIndex([*writers, reader, outside, loop])
    assert steps.visible_from(reader, ["write"]) is writers[1]
    assert steps.visible_from(outside, ["write"]) is writers[2]
    assert steps.visible_from(reader, ["loop"]) is loop
    assert steps.visible_from(reader, ["never"]) is None


def test_steps_that_are_parents_of_each_other() -> None:
    first, second = LineageStep("a", "b", start=1, end=2), LineageStep("b", "a", start=1, end=2)
    steps = StepIndex([first, second])
    assert list(steps.containers(first)) == [second]
    assert steps.descendants(first) == [second]
