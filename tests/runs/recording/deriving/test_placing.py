"""When the steps of a stream ran, and what else follows from the order of its events."""

from dataclasses import replace
from typing import Any

from runs.recording.decoding.dify_stream.stream_event import RunRequest
from runs.recording.decoding.dify_stream.stream_reader import StreamReader
from runs.recording.records.row import ExecutionRow
from tests.runs.recording.decoding.dify_stream.streams import (
    AT,
    finished,
    ndjson,
    node,
    sse,
    started,
    workflow_event,
)
from tests.runs.recording.streamed_rows import records_of_stream, rows_of_records

SECOND = 1_000_000
Times = tuple[int, int | None]


def rows_of(*requests: list[dict[str, Any]]) -> dict[str, ExecutionRow]:
    return rows_of_records(records_of_stream(ndjson(*events)) for events in requests)


def times_of(row: ExecutionRow) -> Times:
    assert row.started_us is not None
    return row.started_us - AT * SECOND, row.ended_us and row.ended_us - AT * SECOND


def ran(id_: str, seconds: float, at: int = 0, **data: Any) -> list[dict[str, Any]]:
    """Return the events of a step that ran, from the second `at` on."""
    end = {"created_at": AT + at, "finished_at": AT + int(at + seconds), "elapsed_time": seconds}
    return [
        node("node_started", id_, created_at=AT + at, **data),
        node("node_finished", id_, status="succeeded", **end, **data),
    ]


def test_a_stream_that_was_read_live_is_placed_by_arrivals() -> None:
    reader = StreamReader(RunRequest("shop"))
    first, second = ran("a", 0.1), ran("b", 0.2)
    arrivals = [(started(), 50_000), (first[0], 60_000), (first[1], 165_000), (second[0], 500_000)]
    records = [
        record
        for event, arrived in arrivals
        for record in reader.feed(sse(event), AT * SECOND + arrived).records
    ]
    rows = rows_of_records([records])
    (begun, ended), (later, _) = times_of(rows["a"]), times_of(rows["b"])
    assert 50_000 <= begun <= 60_000 and ended == begun + 100_000
    assert later == 500_000  # it waited


def test_what_another_source_knows_exactly_tells_when_the_steps_around_it_ran() -> None:
    events = [started(), *ran("a", 0.1), *ran("b", 0.2), *ran("c", 0.1), finished()]
    streamed = records_of_stream(ndjson(*events))
    exact = replace(
        next(record for record in streamed if record.source_id == "b"),
        started_us=AT * SECOND + 612_345, ended_us=AT * SECOND + 812_345,
        rank={"started_us": 1, "ended_us": 1}, moments=(),
    )  # fmt: skip
    for requests in ([streamed, [exact]], [[exact], streamed]):
        rows = rows_of_records(requests)
        assert times_of(rows["b"]) == (612_345, 812_345)
        assert times_of(rows["a"]) == (512_344, 612_344)
        assert times_of(rows["c"]) == (812_346, 912_346)


def test_a_wait_for_a_person_lasts_until_the_run_goes_on() -> None:
    form = {"node_id": "n-ask", "node_title": "Ask"}
    asked = node("node_started", "ask", node_type="human-input")
    before = [started(), asked, workflow_event("human_input_required", form_id="f", **form)]
    answered = workflow_event("human_input_form_filled", action_id="yes", **form)
    after = [started(AT + 1800), answered, *ran("b", 0.1, at=1800)]
    for requests in ([before, after], [after, before]):
        wait = rows_of(*requests)["run-1/n-ask/wait"]
        assert wait.duration_us and abs(wait.duration_us - 1800 * SECOND) < SECOND


def test_the_start_of_a_container_is_its_end_once_that_is_known() -> None:
    fields = {"id": "it", "node_id": "it", "node_type": "iteration", "title": "Each"}
    begin = workflow_event("iteration_started", **fields, created_at=AT)
    inside = ran("a", 1.5, iteration_id="it")
    end = workflow_event("iteration_completed", **fields, created_at=AT + 1, finished_at=AT + 1,
                         elapsed_time=1.5, status="failed", error="No")  # fmt: skip
    [running] = [row for row in rows_of([started(), begin, *inside]).values()
                 if row.kind == "iteration"]  # fmt: skip
    assert (running.folded, running.status) == (False, "running")
    for requests in ([[started(), begin, *inside, end]], [[end], inside, [begin], [started()]]):
        rows = rows_of(*requests)
        first, last = (row for row in sorted(rows.values(), key=lambda row: row.source_id)
                       if row.kind == "iteration")  # fmt: skip
        assert (first.folded, last.folded) == (True, False)
        assert first.status == last.status
        assert rows["a"].parent_id == last.id
        assert last.duration_us == 1_500_000


def test_a_log_that_names_its_node_is_below_the_execution_at_work() -> None:
    def log(id_: str) -> dict[str, Any]:
        return workflow_event("agent_log", id=id_, node_execution_id="n-x", label="ROUND",
                              status="success", metadata={"started_at": 5.0})  # fmt: skip

    first = ran("x1", 0.2, node_id="n-x", node_type="agent")
    second = ran("x2", 0.2, node_id="n-x", node_type="agent")
    events = [started(), first[0], log("l1"), first[1], second[0], log("l2"), second[1]]
    for requests in ([events], [events[4:], events[:4]], [events[5:], events[:5]]):
        rows = rows_of(*requests)
        assert [rows[f"l{n}"].parent_id for n in (1, 2)] == [rows[f"x{n}"].id for n in (1, 2)]
        for number in (1, 2):
            assert rows[f"l{number}"].started_us == (rows[f"x{number}"].started_us or 0) + 1
