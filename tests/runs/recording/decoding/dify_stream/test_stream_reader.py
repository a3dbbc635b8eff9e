"""Dify's streaming protocol as records."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runs.recording.decoding.dify_stream.stream_event import RunRequest
from runs.recording.decoding.dify_stream.stream_reader import StreamReader
from runs.recording.records.moments import Moment, moment_from_text
from runs.recording.records.record import Decoded, NodeRecord, Usage
from tests.runs.recording.decoding.dify_stream.streams import (
    AT,
    MESSAGE,
    RUN,
    chat_event,
    chatflow,
    event,
    finished,
    ndjson,
    node,
    recorded,
    sse,
    started,
    workflow_event,
)

SECOND = 1_000_000


def read(*parts: bytes) -> Decoded:
    reader = StreamReader(RunRequest("shop"))
    decoded = Decoded([], [])
    for part in parts:
        more = reader.feed(part)
        decoded.records.extend(more.records)
        decoded.refused.extend(more.refused)
    last = reader.end()
    return Decoded(decoded.records + last.records, decoded.refused + last.refused)


def records(*events: dict[str, Any]) -> list[NodeRecord]:
    decoded = read(sse(*events))
    assert decoded.refused == []
    return decoded.records


def only_record(*events: dict[str, Any]) -> NodeRecord:
    [record] = records(*events)
    return record


# -- the wire --------------------------------------------------------------------------------------


@settings(max_examples=50)
@given(st.sets(st.integers(1, len(recorded()) - 1), max_size=40))
def test_pieces_of_any_size(cuts: set[int]) -> None:
    body, places = recorded(), sorted(cuts)
    pieces = [body[a:b] for a, b in zip([0, *places], [*places, len(body)], strict=True)]
    assert read(*pieces) == read(body)


def test_line_ends_and_ndjson_are_the_same_stream() -> None:
    events = [started(), node("node_started", "a"), finished()]
    expected = read(sse(*events))
    assert len(expected.records) == 3
    assert read(sse(*events).replace(b"\n", b"\r\n")) == expected
    assert read(ndjson(*events)) == expected
    assert read(b"\xef\xbb\xbf" + ndjson(*events).rstrip()) == expected
    several = sse(started()).replace(b", ", b",\ndata: ", 1)
    assert read(several) == read(sse(started()))


def test_keep_alives_and_speech_are_no_news() -> None:
    speech = event("tts_message", audio="AAAA", message_id=MESSAGE)
    decoded = read(b": hello\n\nevent: ping\n\nid: 1\nretry: 5\n\n" + sse(speech, event("ping")))
    assert decoded == Decoded([], [])


@pytest.mark.parametrize(
    "bad",
    [
        b"data: {not json}\n\n", b"data: 5\n\n", b"<html>\n", b'data: {"task_id": "t"}\n\n',
        b'data: {"event": "workflow_started", "data": {}}\n\n',
        b'data: {"event": "node_started", "workflow_run_id": 5, "data": {}}\n\n',
        b'data: {"event": "node_started", "workflow_run_id": "r", "data": {"id": ""}}\n\n',
        b'data: {"event": "agent_log", "workflow_run_id": "r", "data": {"id": "x"}}\n\n',
        b'data: {"event": "message", "id": "' + b"x" * 200 + b'"}\n\n',
    ],
)  # fmt: skip
def test_a_bad_event_is_refused_alone(bad: bytes) -> None:
    decoded = read(sse(started()) + bad + sse(finished()))
    assert len(decoded.records) == 2
    [refused] = decoded.refused
    assert refused.reason.endswith(".")


def test_a_cut_event_is_not_refused() -> None:
    decoded = read(sse(started(), finished())[:-40])
    assert (len(decoded.records), decoded.refused) == (1, [])


@settings(max_examples=60)
@given(st.sampled_from(range(40)), st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
), st.data())  # fmt: skip
def test_any_value_in_any_field_raises_nothing(place: int, value: Any, data: Any) -> None:
    lines = [line[6:] for line in recorded().split(b"\n") if line.startswith(b"data: ")]
    event_ = orjson.loads(lines[place % len(lines)])
    inner = data.draw(st.sampled_from([event_, event_["data"]]))
    inner[data.draw(st.sampled_from(sorted(inner)))] = value
    try:
        line = orjson.dumps(event_)
    except TypeError:
        return
    decoded = read(line + b"\n", sse(finished()))
    assert len(decoded.records) + len(decoded.refused) >= 1
    assert all("understood" not in refused.reason for refused in decoded.refused)


# -- a workflow ------------------------------------------------------------------------------------


def test_a_run() -> None:
    begun, ended = records(started(), finished("partial-succeeded", created_by={"user": "u1"}))
    for record in (begun, ended):
        assert (record.trace, record.source_id, record.service) == (RUN, RUN, "shop")
        assert (record.is_run, record.kind, record.started_us) == (True, "workflow", AT * 1_000_000)
        assert record.run.mode == "workflow"
        assert record.run.source_ids == (("dify-run", RUN), ("dify-task", "task-1"))
    assert (begun.status, begun.inputs, begun.ended_us) == ("running", {"q": "hi"}, None)
    assert (ended.status, ended.run.status) == ("succeeded", "partial-succeeded")
    assert (ended.outputs, ended.ended_us) == ({"answer": "yes"}, AT * 1_000_000 + 3_500_000)
    assert (ended.run.reported_tokens, ended.run.user) == (7, "u1")


def test_a_model_call() -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15,
             "total_price": "0.002", "currency": "EUR"}  # fmt: skip
    record = only_record(
        node(
            "node_finished", "a", node_type="llm", status="succeeded", elapsed_time=1.5,
            process_data={"usage": usage, "model_name": "m", "model_provider": "p/m"},
            outputs={"text": "x"}, execution_metadata={"total_price": "0.002", "currency": "EUR"},
        )
    )  # fmt: skip
    assert (record.source_id, record.node_id, record.title, record.kind) == ("a", "n-a", "a", "llm")
    assert (record.model, record.provider) == ("m", "p/m")
    assert record.usage == Usage(input=10, output=5, total=15)
    assert record.cost and (str(record.cost.amount), record.cost.currency) == (
        "0.0020000000",
        "EUR",
    )
    assert record.started_us is not None and record.ended_us == record.started_us + 1_500_000


def test_each_event_names_the_one_before_it() -> None:
    read_records = records(started(), *(node("node_started", str(i), index=1) for i in (3, 1, 2)))
    moments = [moment_from_text(text) for record in read_records for text in record.moments]
    stamp = AT * SECOND
    assert moments == [
        Moment(False, stamp, after=before)
        for before in ("", f"begin {stamp} {RUN}", f"begin {stamp} 3", f"begin {stamp} 1")
    ]


def test_a_retry_is_an_attempt_before_its_step() -> None:
    attempt = node("node_retry", "a", status="retry", retry_index=1, error="busy", index=4)
    _, first, last = records(
        node("node_started", "a"), attempt, node("node_finished", "a", status="succeeded")
    )
    assert (first.source_id, first.status, first.attempt, first.error) == (
        "a/retry/1", "retry", 1, "busy",
    )  # fmt: skip
    assert (first.started_us or 0) <= (last.started_us or 0)
    assert first.node_id == last.node_id


def test_a_handled_failure_and_a_branch() -> None:
    failed = only_record(
        node("node_finished", "a", status="exception", error="late",
             outputs={"error_type": "TimeoutError"})
    )  # fmt: skip
    assert (failed.handled, failed.error, failed.error_type) == (True, "late", "TimeoutError")
    branch = only_record(
        node("node_finished", "b", node_type="if-else", status="succeeded",
             outputs={"result": True, "selected_case_id": "true"})
    )  # fmt: skip
    assert branch.taken == "IF"


def test_containers_and_what_runs_in_them() -> None:
    fields = {"id": "it", "node_id": "it", "node_type": "iteration", "title": "Each"}
    begun, inside, ended = records(
        workflow_event("iteration_started", **fields, created_at=AT,
                       inputs={"iterator_selector": [1]}),
        workflow_event("iteration_next", **fields, index=0),
        node("node_finished", "a", status="succeeded",
             execution_metadata={"iteration_id": "it", "iteration_index": 0}),
        workflow_event("iteration_completed", **fields, created_at=AT, finished_at=AT + 2,
                       elapsed_time=2.2,
               status="succeeded", outputs={"output": [2]}, total_tokens=9),
    )  # fmt: skip
    assert begun.source_id != ended.source_id and begun.stand_in and ended.stand_in
    assert (begun.kind, begun.node_id, begun.status) == ("iteration", "it", "running")
    assert (inside.container, inside.iteration_index) == ("it", 0)
    assert (ended.outputs, ended.usage) == ({"output": [2]}, Usage(total=9))
    assert (begun.started_us, ended.ended_us) == (AT * SECOND, (AT + 2) * SECOND)
    [end] = map(moment_from_text, ended.moments)
    assert end == Moment(True, (AT + 2) * SECOND, 2_200_000, after="end - a")


def test_a_container_that_runs_again() -> None:
    """Its executions have no ids: what their events say tells them apart, in any response."""
    fields = {"id": "in", "node_id": "in", "node_type": "loop", "title": "Inner"}
    begins = [workflow_event("loop_started", **fields, created_at=AT + at) for at in (0, 5)]
    ends = [workflow_event("loop_completed", **fields, elapsed_time=took) for took in (2.5, 1.5)]
    events = [begins[0], begins[0], ends[0], begins[1], ends[1], ends[1]]
    ids = [record.source_id for record in records(*events)]
    assert len(set(ids)) == 4
    assert (ids[0], ids[4]) == (ids[1], ids[5])
    assert ids == [only_record(event).source_id for event in events]


def test_old_parallel_events_and_unknown_ones_are_kept_as_details() -> None:
    strange = workflow_event("parallel_branch_started", parallel_id="p", created_at=AT)
    first, again, unknown = records(strange, strange, workflow_event("from_tomorrow", x=1))
    assert first == again
    assert first.folded and first.title == "parallel_branch_started"
    assert first.received == {"attributes": strange}
    assert unknown.source_id != first.source_id


def test_the_log_of_an_agent() -> None:
    entry = {"id": "l1", "node_execution_id": "a", "node_id": "n-a", "label": "ROUND 1"}
    call = {"id": "l2", "node_execution_id": "a", "parent_id": "l1", "label": "CALL search",
            "data": {"result": 1},
            "metadata": {"elapsed_time": 0.5, "started_at": 11.0}}  # fmt: skip
    read_records = records(
        node("node_started", "a", node_type="agent"),
        workflow_event("agent_log", **entry, status="start", metadata={"started_at": 10.0}),
        workflow_event("agent_log", **call, status="success"),
    )
    _, round_, search = read_records
    assert (round_.container, round_.kind, round_.status) == ("a", "task", "running")
    assert (search.parent_source_id, search.kind, search.outputs) == ("l1", "tool", {"result": 1})
    begun, ended = map(moment_from_text, search.moments)
    assert begun == Moment(False, 11 * SECOND, after=f"begin {10 * SECOND} l1")
    assert ended == Moment(True, length_us=500_000)
    log = [{**entry, "status": "success", "metadata": {"started_at": 10.0}},
           {**call, "status": "success"}]  # fmt: skip
    end = node("node_finished", "a", node_type="agent", status="succeeded",
               execution_metadata={"agent_log": log})  # fmt: skip
    again = records(end)
    assert [record.parent_source_id for record in again] == [None, "a", "l1"]
    assert again[2].moments == search.moments


def test_a_form_waits_and_is_filled_in() -> None:
    required = workflow_event(
        "human_input_required",
        form_id="f",
        node_id="n-h",
        node_title="Approve",
        form_content="Sure?",
        form_token="a-secret",
    )
    paused = workflow_event("workflow_paused", paused_nodes=["n-h"], reasons=[{"type": "form"}],
                    status="paused", created_at=AT)  # fmt: skip
    filled = workflow_event("human_input_form_filled", node_id="n-h", node_title="Approve",
                    action_id="yes", submitted_data={"why": "because"})  # fmt: skip
    form, run, waits, done = records(required, paused, filled)
    assert len({form.source_id, waits.source_id, done.source_id}) == 1
    assert (form.status, form.container, form.title) == ("paused", "n-h", "Waiting for a person")
    assert "a-secret" not in repr(form)
    assert (run.source_id, run.status, run.run.status) == (RUN, "paused", None)
    assert (done.status, done.outputs) == (
        "succeeded", {"action_id": "yes", "submitted_data": {"why": "because"}},
    )  # fmt: skip
    late = only_record(
        workflow_event("human_input_form_timeout", node_id="n-h", node_title="Approve")
    )
    assert (late.source_id, late.status) == (form.source_id, "stopped")


def test_text_is_recorded_as_it_grows_and_the_end_beats_it() -> None:
    chunks = [workflow_event("text_chunk", text="word ") for _ in range(1000)]
    read_records = records(started(), *chunks, finished())
    texts = [r for r in read_records if isinstance(r.outputs, str)]
    assert len(texts) < 15
    assert max(texts, key=lambda r: r.rank["outputs"]).outputs == "word " * 1000
    assert read_records[-1].outputs == "word " * 1000  # what was left when the stream ended
    assert max(r.rank["outputs"] for r in texts) < 0
    [end] = [r for r in read_records if r.run.status]
    assert end.rank["outputs"] == 1


def test_replaced_text_and_reasoning() -> None:
    read_records = records(
        workflow_event("text_chunk", text="something forbidden"),
        workflow_event("text_replace", text="no"),
        workflow_event("reasoning_chunk", reasoning="hm ", node_id="n"),
        workflow_event("reasoning_chunk", reasoning="well", node_id="n", is_final=True),
    )
    best = max((r for r in read_records if r.outputs), key=lambda r: r.rank["outputs"])
    assert best.outputs == "no"
    thought = max((r for r in read_records if r.process_data), key=lambda r: r.rank["process_data"])
    assert thought.process_data == {"reasoning": "hm well"}


NAMELESS = {"event": "error", "status": 400, "code": "invalid_param", "message": "q is required"}


def test_an_error_that_names_nothing_belongs_to_the_run_before_it() -> None:
    started_, failed = StreamReader(RunRequest("shop")).feed(sse(started(), NAMELESS)).records
    assert (failed.source_id, failed.error) == (started_.source_id, "q is required")


def test_an_error_that_names_nothing_is_the_answer_to_a_request() -> None:
    reader = StreamReader(RunRequest("shop"), is_answer=True)
    assert reader.feed(sse(NAMELESS)) == Decoded([], []) and reader.refusal == NAMELESS
    [refused] = StreamReader(RunRequest("shop")).feed(sse(NAMELESS)).refused
    assert "Dify refused the request" in refused.reason


def test_an_error_that_names_its_task_alone() -> None:
    record = only_record(event("error", status=400, code="invalid_param", message="No such file"))
    assert (record.trace, record.is_run, record.status) == ("task-1", True, "failed")
    assert (record.error, record.error_type) == ("No such file", "invalid_param")
    assert ("dify-task", "task-1") in record.run.source_ids


# -- chats -----------------------------------------------------------------------------------------


def test_a_message() -> None:
    usage = {"prompt_tokens": 4, "completion_tokens": 3, "total_tokens": 7, "latency": 1.25,
             "total_price": "0.1", "currency": "USD"}  # fmt: skip
    documents = [{"content": "doc", "score": 0.5}]
    read_records = records(
        chat_event("message", id=MESSAGE, answer="Hel"),
        chat_event("message", id=MESSAGE, answer="lo"),
        chat_event("message_file", id="f1", type="image", url="https://example.com/1"),
        chat_event("message_end", id=MESSAGE,
                metadata={"usage": usage, "retriever_resources": documents}),
    )  # fmt: skip
    assert {r.trace for r in read_records} == {MESSAGE}
    message, call = read_records[-2:]
    assert (message.source_id, message.is_run, message.outputs) == (MESSAGE, True, "Hello")
    assert (message.status, message.process_data) == (
        "succeeded", {"retriever_resources": documents},
    )  # fmt: skip
    facts = message.run
    assert (facts.mode, facts.conversation) == ("chatflow", "talk-1")
    assert ("dify-message", MESSAGE) in facts.source_ids
    assert (call.source_id, call.kind, call.parent_source_id) == (f"{MESSAGE}/llm", "llm", MESSAGE)
    assert call.usage == Usage(input=4, output=3, total=7)
    assert call.ended_us == AT * 1_000_000 + 1_250_000


def test_a_chatflow_is_one_trace_and_its_message_another() -> None:
    read_records = records(*chatflow())
    assert {r.trace for r in read_records} == {RUN, MESSAGE}
    assert all(
        ("dify-message", MESSAGE) in r.run.source_ids for r in read_records if r.is_run
    )  # by which both are one run


def test_thoughts_of_an_agent_app() -> None:
    growing = [
        chat_event("agent_thought", id="t1", position=1, thought="I look"),
        chat_event("agent_thought", id="t1", position=1, thought="I look", tool="search;fetch",
                tool_input='{"q": 1}'),
        chat_event("agent_thought", id="t1", position=1, thought="I look", tool="search;fetch",
                tool_input='{"q": 1}', observation="found"),
    ]  # fmt: skip
    read_records = [r for r in records(*growing) if r.source_id == "t1"]
    assert [r.status for r in read_records] == ["succeeded", "running", "succeeded"]
    last = max(read_records, key=lambda r: r.rank["outputs"])
    assert (last.title, last.kind, last.parent_source_id) == (
        "search, fetch", "tool", f"{MESSAGE}/llm",
    )  # fmt: skip
    assert (last.inputs, last.outputs, last.process_data) == (
        {"q": 1}, "found", {"thought": "I look"},
    )  # fmt: skip


# -- blocking --------------------------------------------------------------------------------------


def test_a_blocking_reply_of_a_workflow() -> None:
    request = RunRequest("shop", inputs={"q": "hi"}, user="u1", trigger="app-run")
    data = finished()["data"]
    body = ndjson({"task_id": "task-1", "workflow_run_id": RUN, "data": data})
    reader = StreamReader(request)
    [run] = reader.whole(body.replace(b", ", b",\n  ")).records
    assert reader.finished
    assert (run.source_id, run.inputs, run.outputs) == (RUN, {"q": "hi"}, {"answer": "yes"})
    assert (run.run.status, run.run.user, run.run.trigger) == ("succeeded", "u1", "app-run")


def test_a_blocking_reply_of_a_chat() -> None:
    request = RunRequest("shop", query="hi?", user="u1")
    reply = chat_event("message", id=MESSAGE, mode="chat", answer="Hello", metadata={"usage": {}})
    message, call = StreamReader(request).whole(ndjson(reply)).records
    assert (message.inputs, message.outputs, message.status) == ("hi?", "Hello", "succeeded")
    assert (call.kind, call.outputs) == ("llm", "Hello")
