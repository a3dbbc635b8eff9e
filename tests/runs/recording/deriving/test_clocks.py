"""Steps whose clocks disagree, from bare rows: no database."""

import pytest

from runs.recording.deriving.clocks import clock_of
from runs.recording.deriving.derive import derive
from runs.recording.deriving.summary import summarize
from runs.recording.records.row import ExecutionRow
from tests.runs.recording.deriving.test_derive import RUN, row

SECOND = 1_000_000
CLOCKS = {
    name: clock
    for name, resource in {
        "web": {"service.name": "web"},
        "parts": {"service.name": "parts"},
        "stock": {"service.name": "stock", "host.name": "b"},
        "neighbour": {"service.name": "neighbour", "host.name": "b"},
    }.items()
    if (clock := clock_of(resource))
}


def step(
    name: str,
    parent: str,
    at: tuple[float, float | None],
    service: str = "parts",
    **columns: object,
) -> ExecutionRow:
    start, end = at
    times = (round(start * SECOND), None if end is None else round(end * SECOND))
    return row(name, parent, times, resource_id=service, **columns)


def moved(*rows: ExecutionRow) -> dict[str, float]:
    """Return the steps that were moved, by how many seconds."""
    before = {step.source_id: step.started_us or 0 for step in rows}
    derive(RUN, list(rows), CLOCKS)
    after = {step.source_id: step.started_us or 0 for step in rows}
    again = [step.started_us for step in rows]
    derive(RUN, list(reversed(rows)), CLOCKS)
    assert [step.started_us for step in rows] == again
    return {
        name: (after[name] - before[name]) / SECOND
        for name in before
        if after[name] != before[name]
    }


def agent(at: tuple[float, float | None] = (100, 103)) -> ExecutionRow:
    return step("agent", "", at, "web", hints={"is_run": True})


@pytest.mark.parametrize("ahead", [7200, 40, 1.5, -0.3, -40, -7200])
def test_a_step_outside_its_caller_is_put_into_its_middle(ahead):
    inner = step("inner", "call", (101.2 + ahead, 101.7 + ahead))
    below = step("below", "inner", (101.3 + ahead, 101.4 + ahead))
    rows = [agent(), step("call", "agent", (101, 102), "web"), inner, below]
    shifts = moved(*rows)
    assert shifts == {"inner": pytest.approx(0.05 - ahead), "below": pytest.approx(0.05 - ahead)}
    assert inner.hints["clock"] == ["parts", inner.started_us - round((101.2 + ahead) * SECOND)]
    assert inner.duration_us == SECOND // 2
    columns = summarize(*derive(RUN, rows, CLOCKS)).columns
    assert (columns["started_us"], columns["ended_us"]) == (100 * SECOND, 103 * SECOND)


def test_steps_that_fit_are_left_as_they_are():
    assert not moved(agent(), step("inner", "agent", (101, 102)))
    # As far as two clocks that are kept by the network may differ.
    assert not moved(agent(), step("inner", "agent", (99.99, 102)))
    # The same machine; a machine that nobody told.
    assert not moved(
        step("a", "", (1, 2), "stock"), step("b", "a", (50, 51), "neighbour"),
        step("c", "a", (50, 51), "unknown"),
    )  # fmt: skip


def test_work_that_goes_on_after_its_caller_is_no_wrong_clock():
    assert not moved(agent((100, 101)), step("streams", "agent", (100.1, 108)))
    assert not moved(agent(), step("later", "agent", (500, 501), hints={"deferred": True}))
    given_up = step("call", "agent", (101, 102), "web", told_status="failed")
    assert not moved(agent(), given_up, step("goes on", "call", (101.5, 102.4)))
    # One of several went on: the others show that the clock is right.
    assert not moved(
        agent(), step("within", "agent", (100.1, 102.8)), step("beyond", "agent", (102.5, 105))
    )


def test_a_message_is_not_worked_on_before_it_was_sent():
    deferred = step("later", "agent", (90, 91), hints={"deferred": True})
    assert moved(agent(), deferred) == {"later": 10}


def test_all_steps_of_a_clock_tell_how_far_it_is_off():
    """The second fits its caller only if the clock is ahead by 40.9 to 41 seconds."""
    assert moved(
        agent(), step("first", "agent", (141, 142)), step("second", "agent", (141, 143.9))
    ) == {"first": pytest.approx(-40.95), "second": pytest.approx(-40.95)}


def test_clocks_are_compared_along_the_calls():
    """What runs behind a service whose clock is wrong is seen from that service."""
    assert moved(
        agent((100, 110)),
        step("parts", "agent", (161, 167)),
        step("stock", "parts", (101.5, 104.5), "stock"),
        step("without caller", "lost", (102, 103), "stock"),
    ) == {"parts": -59, "stock": pytest.approx(2), "without caller": pytest.approx(2)}
