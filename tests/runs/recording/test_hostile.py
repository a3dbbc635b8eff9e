"""Broken and hostile requests: the good part is stored on both databases and can be read again."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from nodes.models import NodeExecution
from runs.models import App, Note, RefusedRecord, Run, RunSource
from runs.recording.decoding.traces import decode_traces
from runs.recording.records.record import NodeRecord
from runs.recording.storing.store import save_records
from tests.hostile import NASTY, SECOND, START, Post, attributes, body, span

pytestmark = pytest.mark.django_db


@pytest.fixture
def post(ingest_key: str) -> Post:
    client = Client()

    def send(content: str | bytes, **extra: Any) -> Any:
        extra.setdefault("content_type", "application/json")
        return client.post("/v1/traces", content, headers={"x-api-key": ingest_key}, **extra)

    return send


def check_accepted(post: Post, *spans: dict[str, Any], **about: Any) -> None:
    """Every span is taken, twice over."""
    for _ in range(2):
        answer = post(body(*spans, **about))
        assert (answer.status_code, answer.content) == (200, b"{}"), answer.content


ODD = ["", 0, -1, 2**62, True, 1.5, "NaN", "abc", str(2**70), [], ["a"], [[[]]], {}, {"a": [1]},
       None, "[1,2]", '{"a":1}', "{" * 3000, "[" * 200 + "]" * 200]  # fmt: skip
READ = [
    "session.id", "user.id", "metadata", "tag.tags", "openinference.span.kind", "input.value",
    "output.value", "llm.token_count.prompt", "llm.token_count.total", "llm.model_name",
    "llm.cost.total", "llm.invocation_parameters", "llm.input_messages.0.message.role",
    "llm.input_messages.0.message.content", "llm.tools.0.tool.json_schema",
    "llm.input_messages.0.message.tool_calls.0.tool_call.function.name",
    "retrieval.documents.0.document.metadata", "reranker.query", "embedding.text", "tool.name",
    "agent.name", "graph.node.id", "gen_ai.operation.name", "gen_ai.request.model",
    "gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions",
    "gen_ai.tool.definitions", "gen_ai.tool.name", "gen_ai.tool.call.arguments",
    "gen_ai.prompt", "gen_ai.prompt.0.content", "gen_ai.usage.input_tokens",
    "gen_ai.conversation.id", "gen_ai.retrieval.documents", "operation.cost",
    "logfire.span_type", "logfire.pending_parent_id", "pydantic_ai.all_messages",
    "final_result", "pydantic_ai.tool.retry.attempt", "error.type", "http.request.method",
    "url.full", "dify_trace_id", "dify.wrapper.index", "dify.node.iteration_id",
]  # fmt: skip
CONTEXTS: list[dict[str, Any]] = [
    {},
    {"openinference.span.kind": "LLM"},
    {"openinference.span.kind": "RETRIEVER"},
    {"gen_ai.operation.name": "chat"},
    {"gen_ai.operation.name": "execute_tool"},
    {"logfire.span_type": "pending_span"},
    {"pydantic_ai.tool.retry.cause": "again"},
]


@pytest.mark.parametrize("context", CONTEXTS, ids=str)
def test_attributes_of_the_wrong_type(post, context):
    """One trace in which every known attribute has every wrong type."""
    pairs = [(name, value) for name in READ for value in ODD]
    spans = [
        span(number, parent=10**6, name=f"step {number % 9}", kind=number % 5, failed="x",
             attributes={**context, name: value})
        for number, (name, value) in enumerate(pairs, 1)
    ]  # fmt: skip
    answer = post(body(*spans))
    assert (answer.status_code, answer.content) == (200, b"{}")
    if "logfire.span_type" not in context:  # such a span describes its parent
        assert NodeExecution.objects.count() >= len(pairs) * 0.9
    assert not RefusedRecord.objects.exists()


def test_a_score_beyond_all_numbers_costs_neither_its_step_nor_its_note(post):
    scores = {"gen_ai.evaluation.score.value": 10**400, "gen_ai.evaluation.score.label": "good"}
    event = {"name": "gen_ai.evaluation.result", "timeUnixNano": str(START),
             "attributes": attributes(scores)}  # fmt: skip
    check_accepted(post, span(1, events=[event]))
    assert NodeExecution.objects.count() == 1
    assert (Note.objects.get().number, Note.objects.get().label) == (None, "good")


def test_a_json_schema_is_a_value_like_any_other(post):
    """Its types may be lists, and objects where it is wrong."""
    for number, kind in enumerate((["string", "null"], {"$ref": "#/x"}), 1):
        schema = json.dumps(
            {"schema": {"type": kind, "role": "user", "content": "x"}, "type": kind}
        )
        check_accepted(
            post, span(number, attributes={"input.value": schema, "output.value": schema})
        )
    assert NodeExecution.objects.count() == 2 and not RefusedRecord.objects.exists()


METADATA = [
    "node_id", "node_type", "app_name", "status", "status_message", "error", "elapsed_time",
    "total_tokens", "prompt_tokens", "total_price", "currency", "conversation_id", "message_id",
    "workflow_run_id", "version", "trace_entity_type", "triggered_from", "end_user_id",
    "ls_model_name", "iteration_index", "iteration_id", "loop_index",
]  # fmt: skip


@pytest.mark.parametrize("entity", ["workflow", "message", "dataset_retrieval", "node"])
def test_dify_metadata_of_the_wrong_type(entity):
    kind = {"node_type": "llm"} if entity == "node" else {"trace_entity_type": entity}
    values = [*ODD, "sNaN", "Infinity", "-5", 1e300, "\0", ["failed"], {"failed": 1}]
    spans = [
        span(number, name="message", attributes={"metadata": json.dumps({**kind, name: value})})
        for number, (name, value) in enumerate(((n, v) for n in METADATA for v in values), 1)
    ]
    decoded = decode_traces(
        body(*spans, scope="arize_phoenix_tracer_1").encode(), "application/json"
    )
    assert [refused.reason for refused in decoded.refused] == []
    assert len(decoded.records) == len(spans)


def test_numbers_beyond_the_columns(post, console):
    """Sums of absurd counts and prices stay within what both databases hold and read back."""
    counts = {"llm.token_count.prompt": 2**53, "llm.token_count.completion": 2**40}
    prices = ["999999999.99999999999999", "1e9", "1e400", 1e308, "-1", "NaN", "Infinity", "1e-30"]
    calls = [
        span(number, parent=1, name="model", attributes={
            "openinference.span.kind": "LLM", "llm.model_name": "gpt-4o", **counts,
            "llm.cost.total": prices[number % len(prices)]})
        for number in range(2, 1200)
    ]  # fmt: skip
    check_accepted(
        post, span(1, name="run", attributes={"openinference.span.kind": "CHAIN"}), *calls
    )
    run = Run.objects.get()
    assert run.total_tokens == 1198 * 2**40
    assert run.cost == Decimal("9999999999.9999")
    assert all(console.get(page).status_code == 200 for page in ("/", "/runs/", "/runs.json"))


def test_an_attempt_beyond_the_column(post):
    retry = {"pydantic_ai.tool.retry.cause": "x", "pydantic_ai.tool.retry.attempt": 2**33}
    check_accepted(post, span(1, parent=2, failed="again", attributes=retry))
    assert NodeExecution.objects.get().attempt == 1


def test_nested_iterations_deeper_than_the_column(post):
    """Two visits of the same node on each of many levels."""
    steps = [span(1, name="loop"), span(2, parent=1, name="loop", start=START + 2)]
    for number in range(3, 401, 2):
        steps += [
            span(number, parent=number - 1, name="loop", start=START + number),
            span(number + 1, parent=number - 1, name="loop", start=START + number + 1),
        ]
    check_accepted(post, *steps)
    longest = max(NodeExecution.objects.values_list("iteration", flat=True), key=len)
    assert 90 < len(longest) <= 100


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
def test_nasty_text_everywhere(post, text):
    dify = {
        "trace_entity_type": "workflow", "workflow_run_id": text, "conversation_id": text,
        "app_name": text, "version": text, "triggered_from": text, "end_user_id": text,
        "status": "failed", "status_message": text, "currency": text, "total_price": 1,
    }  # fmt: skip
    node = {**dify, "node_type": text or "llm", "node_id": text, "iteration_id": text}
    check_accepted(
        post,
        span(1, name=text, attributes={"metadata": json.dumps(dify), "session.id": text}),
        span(2, parent=1, name=text, attributes={"metadata": json.dumps(node), text: text}),
        service=text,
        scope="arize_phoenix_tracer_1",
    )
    agent = {"openinference.span.kind": "AGENT", "session.id": text, "tag.tags": [text, text]}
    check_accepted(post, span(1, "b" * 32, name=text, failed=text, attributes=agent),
          span(2, "b" * 32, parent=1, name=text, failed=text, attributes={
              "openinference.span.kind": "LLM", "llm.model_name": text, "graph.node.id": text,
              "llm.input_messages.0.message.content": text, "error.type": text}),
          service=text + "2", resource={"service.version": text})  # fmt: skip
    assert Run.objects.count() == 2
    for app in App.objects.all():
        assert "\n" not in app.name and app.get_absolute_url().count("/") == 3


def test_a_name_is_one_line_of_what_a_page_can_hold(post):
    check_accepted(post, span(1, parent=9, name="a\nb\x01c\x00d\ufffee"))
    assert NodeExecution.objects.get().title == "a b\u2401c\ufffdd\ufffde"


@pytest.mark.parametrize(
    ("start", "end"),
    [(0, 0), (START, 0), (0, START), (START + SECOND, START), (-5, 2**70), (1, 999),
     (253_402_300_799 * SECOND, 253_402_300_799 * SECOND), ("soon", [1])],
)  # fmt: skip
def test_times_that_are_none(post, console, settings, start, end):
    settings.TIME_ZONE = "Pacific/Kiritimati"
    check_accepted(post, span(1, start=start, end=end), span(2, parent=1, start=start, end=end))
    run = Run.objects.get()
    assert run.duration_us is None or run.duration_us >= 0
    for page in ("/", "/runs/", f"/runs/{run.id}/", f"/runs/{run.id}/tracing/", "/runs.json"):
        assert console.get(page).status_code == 200, page


def test_ids_in_upper_case_are_the_same_ids(post):
    upper = span(0xABCDEF, "AB" * 16, parent=0xFEDCBA)
    upper["spanId"], upper["parentSpanId"] = upper["spanId"].upper(), upper["parentSpanId"].upper()
    check_accepted(post, upper, span(0xABCDEF, "ab" * 16, parent=0xFEDCBA))
    assert RunSource.objects.get().source_id == "ab" * 16
    assert NodeExecution.objects.get().source_id == f"{0xABCDEF:016x}"


def test_json_nested_where_a_text_belongs(post):
    deep: Any = []
    for _ in range(900):
        deep = [deep]
    odd = {**span(1), "name": deep, "traceId": deep}
    answer = post(body(odd, {**span(2, parent=1), "name": deep}, scope=deep))
    assert answer.status_code == 200
    assert answer.json()["partialSuccess"]["rejectedSpans"] == "1"
    assert NodeExecution.objects.count() == 1


CYCLE = [span(n, parent=n % 40 + 1, name="round") for n in range(1, 41)]


@pytest.mark.parametrize("order", [1, -1])
def test_a_circle_of_parents(post, order):
    """The tree is the same, whichever span comes first."""
    check_accepted(post, *CYCLE[::order])
    rows = NodeExecution.objects.order_by("index").values_list("source_id", "depth")
    assert [depth for _, depth in rows] == list(range(40))
    assert rows[0][0] == f"{1:016x}"


def quadratic(number: int) -> list[list[dict[str, Any]]]:
    """Runs whose arrangement took time by the square of their length."""
    phoenix = json.dumps({"trace_entity_type": "workflow"})
    llm = json.dumps({"node_type": "llm", "app_name": "llm"})
    boxes = json.dumps({"node_type": "iteration", "app_name": "box", "iteration_index": 1})
    return [
        [span(n, parent=n - 1, name="deep", failed="x") for n in range(1, number)],
        [span(n, parent=n - 1, name="chat", attributes={"openinference.span.kind": "LLM"})
         for n in range(1, number)],
        [span(n, parent=n - 1, name="workflow" if n == 1 else "llm",
              attributes={"metadata": phoenix if n == 1 else llm}) for n in range(1, number)],
        [span(n, name="iteration", start=START + n, attributes={"metadata": boxes})
         for n in range(1, number)],
    ]  # fmt: skip


@pytest.mark.parametrize("shape", range(4), ids=["failed", "model", "chained", "iterations"])
def test_long_chains_are_accepted(post, shape):
    spans = quadratic(2001)[shape]
    answer = post(body(*spans, scope="arize_phoenix_tracer_1" if shape > 1 else ""))
    assert answer.status_code == 200
    assert NodeExecution.objects.count() == 2000


def test_a_record_that_names_no_step_is_refused_alone():
    """Whatever decoder lets it through: nothing could find it again."""
    good = NodeRecord("trace", "step", "shop", "Answer", "llm")
    records = [replace(good, source_id=""), replace(good, trace=""), good]
    saved = save_records(records)
    reasons = [refused.reason for refused in saved.refused]
    assert reasons == ["The record names no run or no step."] * 2
    assert NodeExecution.objects.get().source_id == "step"
    assert save_records([replace(good, trace="t\0" * 100)]).refused == []
