"""One run from several of Dify's sources, and a stream in any pieces: the same rows."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.models import NodeExecution
from runs.models import Run
from runs.recording.decoding.dify_stream.stream_event import RunRequest
from runs.recording.decoding.dify_stream.stream_reader import StreamReader
from runs.recording.records.record import NodeRecord
from runs.recording.storing.related_rows import app_ids
from runs.recording.storing.store import save_records
from tests.conftest import rolled_back
from tests.runs.recording.captured import captured_records
from tests.runs.recording.decoding.dify_stream.streams import (
    AT,
    MESSAGE,
    chat_event,
    chatflow,
    finished,
    ndjson,
    node,
    recorded,
    started,
    workflow_event,
)
from tests.runs.recording.test_rules import stored

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

SERVICE = "My App"


def read(events: list[dict[str, Any]]) -> list[NodeRecord]:
    """Return the records of one upload."""
    reader = StreamReader(RunRequest(SERVICE))
    decoded = reader.feed(ndjson(*events))
    last = reader.end()
    assert decoded.refused == last.refused == []
    return decoded.records + last.records


def events_of_recorded() -> list[dict[str, Any]]:
    lines = recorded().split(b"\n")
    return [orjson.loads(line[6:]) for line in lines if line.startswith(b"data: ")]


def by_events() -> list[NodeRecord]:
    return read(events_of_recorded())


def by_telemetry() -> list[NodeRecord]:
    return [r for r in captured_records("dify-phoenix") if r.trace.startswith("822f1c")]


def paused_and_resumed() -> list[dict[str, Any]]:
    form = {"node_id": "n-h", "node_title": "Approve"}
    waiting = {**node("node_started", "h", node_id="n-h", node_type="human-input", index=2)}
    done = node("node_finished", "h", node_id="n-h", node_type="human-input", index=2,
                status="succeeded", elapsed_time=3)  # fmt: skip
    return [
        started(),
        node("node_finished", "a", index=1, status="succeeded", elapsed_time=0.5),
        waiting,
        workflow_event("human_input_required", form_id="f", **form),
        workflow_event("workflow_paused", paused_nodes=["n-h"], status="paused"),
        {**started(AT + 60), "task_id": "task-2"},
        workflow_event("human_input_form_filled", action_id="yes", **form),
        done,
        finished(),
    ]


STREAMS = {
    "workflow": events_of_recorded(), "chatflow": chatflow(), "form": paused_and_resumed(),
    "strange": [started(), workflow_event("news"), chat_event("message_file", id="f"),
                finished("failed")],
}  # fmt: skip
# A text is sent in pieces without a number: only one upload can hold the whole.
IN_PIECES = ("message", "message_end", "text_chunk")


@st.composite
def uploads(draw: st.DrawFn, count: int) -> list[range]:
    """Return a whole stream and parts of it, in any order: parts from anywhere, as from a process
    that followed the run later or lost its connection."""
    parts = draw(st.lists(st.tuples(st.integers(0, count - 1), st.integers(1, count)), max_size=6))
    ranges = [range(start, min(start + length, count)) for start, length in parts]
    return list(draw(st.permutations([range(count), *ranges])))


@pytest.mark.parametrize("name", STREAMS)
def test_splitting_and_repetition_do_not_matter_once_the_whole_stream_was_sent(name: str) -> None:
    events = [event for event in STREAMS[name] if event["event"] not in IN_PIECES]
    app_ids([SERVICE])
    expected = _without_payloads(stored([read(events)]))
    assert len(expected["runs"]) == 1

    @settings(max_examples=15)
    @given(uploads(len(events)))
    def check(delivery: list[range]) -> None:
        rows_now = stored([read([events[index] for index in upload]) for upload in delivery])
        for table, rows in expected.items():
            assert rows_now[table] == rows, table

    check()


@pytest.mark.parametrize("name", STREAMS)
@settings(max_examples=15)
@given(st.data())
def test_a_broken_upload_that_starts_again_from_the_beginning(name: str, data: Any) -> None:
    """With texts, too: what grew before is grown again, and further."""
    events = STREAMS[name]
    cut = data.draw(st.integers(1, len(events)))
    app_ids([SERVICE])
    whole, broken = read(events), read(events[:cut])
    expected = _without_payloads(stored([whole]))
    assert _without_payloads(stored([broken, whole])) == expected
    assert _without_payloads(stored([whole, broken])) == expected


def _without_payloads(tables: dict[str, Any]) -> dict[str, Any]:
    """Bodies of texts that were still growing stay until their day is dropped."""
    return {table: rows for table, rows in tables.items() if table != "payloads"}


def test_a_chatflow_is_one_run_with_the_steps_of_its_workflow() -> None:
    save_records(read(chatflow()))
    run = Run.objects.get()
    assert (run.mode, run.status, run.outputs_preview) == ("chatflow", "succeeded", "Hello there")
    assert run.conversation and run.conversation.source_id == "talk-1"
    assert (run.steps, run.duration_us) == (2, 3_500_000)
    titles = NodeExecution.objects.filter(run=run, folded=False).order_by("index")
    assert [step.title for step in titles] == ["a", "b"]


def test_a_chat_without_a_workflow_has_its_model_call() -> None:
    usage = {"prompt_tokens": 4, "completion_tokens": 3, "total_tokens": 7, "latency": 1.5}
    save_records(
        read([
            chat_event("message", id=MESSAGE, answer="Hello"),
            chat_event("message_end", id=MESSAGE, metadata={"usage": usage}),
        ])
    )  # fmt: skip
    run = Run.objects.get()
    assert (run.status, run.outputs_preview, run.total_tokens) == ("succeeded", "Hello", 7)
    assert (run.steps, run.model_calls, run.duration_us) == (1, 1, 1_500_000)


def test_a_run_waits_and_goes_on() -> None:
    events = paused_and_resumed()
    statuses = []
    for end in (1, 3, 5, 7, 9):
        save_records(read(events[:end]))
        statuses.append(Run.objects.get().status)
    assert statuses == ["running", "running", "paused", "running", "succeeded"]
    form = NodeExecution.objects.get(title="Waiting for a person")
    assert form.parent_id == NodeExecution.objects.get(title="h").id
    duration = Run.objects.get().duration_us
    assert duration is not None and 60_000_000 <= duration < 65_000_000


def test_a_loop_in_a_loop_keeps_its_executions_apart() -> None:
    def container_event(kind: str, name: str, **fields: Any) -> dict[str, Any]:
        return workflow_event(f"{kind}_{name}", id=kind, node_id=kind, title=kind, **fields)

    start = 1_795_326_158
    events = [started(), container_event("loop", "started", created_at=start)]
    for number in range(2):
        begun = start + 1 + number * 10
        inside = {"iteration_id": "iteration", "iteration_index": 0}
        events += [
            container_event("iteration", "started", created_at=begun),
            node("node_finished", f"x{number}", node_id="x", index=number, status="succeeded",
                 created_at=begun + 1, elapsed_time=1, execution_metadata=inside),
            container_event("iteration", "completed", created_at=begun, finished_at=begun + 5,
                            elapsed_time=5, status="succeeded"),
        ]  # fmt: skip
    save_records(read(events))
    inner = NodeExecution.objects.filter(kind="iteration", folded=False).order_by("index")
    assert [i.index for i in inner] and len(inner) == 2
    for number, container in enumerate(inner):
        [step] = NodeExecution.objects.filter(parent_id=container.id)
        assert step.title == f"x{number}"


def _visible_run(run: Run) -> dict[str, Any]:
    """Return the run as a person sees it, without what only one of the sources sends."""
    steps = NodeExecution.objects.filter(run=run, folded=False).order_by("index")
    return {
        "run": (run.status, run.error, run.mode, run.user, run.inputs_preview, run.outputs_preview,
                run.failed_title, run.steps, run.iterations, run.exceptions, run.model_calls,
                run.tool_calls, run.total_tokens, run.input_tokens, run.cost, run.cost_state,
                run.reported_tokens, run.duration_us, run.app.name),
        "steps": [
            (step.title, step.kind, step.status, step.depth, step.iteration, step.total_tokens,
             step.cost, step.counted, step.model, step.error, step.error_type,
             step.outputs_preview, step.orphan)
            for step in steps
        ],
    }  # fmt: skip


def test_the_same_run_by_events_by_telemetry_and_by_both() -> None:
    views = []
    for sources in (
        [by_events],
        [by_telemetry],
        [by_events, by_telemetry],
        [by_telemetry, by_events],
    ):
        with rolled_back():
            for source in sources:
                save_records(source())
            views.append(_visible_run(Run.objects.get()))
    assert views[0]["steps"] and views[0]["run"][0] == "failed"
    for view in views[1:]:
        assert view == views[0]


def test_both_sources_in_any_order_are_the_same_rows() -> None:
    app_ids([SERVICE])
    events, spans = by_events(), by_telemetry()
    events_first, spans_first = stored([events, spans]), stored([spans, events])
    mixed = stored([[record] for pair in zip(spans, events, strict=False) for record in pair]
                   + [spans, events])  # fmt: skip
    assert len(events_first["runs"]) == 1
    assert events_first == spans_first == mixed
    # What each knows best: the graph's ids, and times with fractions of a second.
    steps = {row["title"]: row for row in events_first["executions"] if not row["folded"]}
    assert steps["Search"]["node_id"] == "1005"
    assert steps["Search"]["started_at"].microsecond == 133_560
    assert steps["Each item"]["node_id"] == "1002"
