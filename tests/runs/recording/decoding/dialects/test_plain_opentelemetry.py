"""Spans that follow no convention of language models."""

from typing import Any

import pytest

from runs.recording.records.record import NodeRecord
from tests.runs.recording.captured import exception_event, read_record


@pytest.mark.parametrize(
    ("resource", "service"),
    [
        ({"openinference.project.name": "support", "service.name": "bot"}, "support"),
        ({"service.name": "bot"}, "bot"),
        ({"service.name": "unknown_service:python"}, "unnamed"),
        ({"service.name": ""}, "unnamed"),
        ({}, "unnamed"),
    ],
)
def test_the_service_names_the_app(resource: dict[str, Any], service: str) -> None:
    assert read_record(resource=resource).service == service


def test_facts_about_the_run_from_the_resource() -> None:
    attributes = {
        "service.name": "bot",
        "service.version": "1.2",
        "deployment.environment": "staging",
    }
    run = read_record({"session.id": "s", "enduser.id": "u"}, resource=attributes).run
    assert (run.version, run.environment) == ("1.2", "staging")
    assert (run.conversation, run.user) == ("s", "u")


def test_a_root_that_contains_others_is_the_run() -> None:
    root = read_record(name="handle")
    assert (root.is_run, root.run.name, root.kind) == (True, "handle", "span")
    assert not read_record(name="handle", parent_span_id="c" * 16).is_run
    assert not read_record({"openinference.span.kind": "LLM"}).is_run
    assert not read_record({"gen_ai.operation.name": "execute_tool"}).is_run


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"status": "unset"}, "succeeded"),
        ({"status": "ok"}, "succeeded"),
        ({"status": "error"}, "failed"),
        ({"status": "unset", "end_us": None}, None),
        ({"status": "unset", "events": [exception_event("ValueError", "broke off")]}, "failed"),
        ({"status": "ok", "events": [exception_event("ValueError", "broke off")]}, "failed"),
        ({"attributes": {"error.type": "timeout"}}, "failed"),
        ({"attributes": {"http.response.status_code": 500}}, "failed"),
        ({"attributes": {"http.response.status_code": 404}, "kind": "server"}, "succeeded"),
        ({"attributes": {"http.response.status_code": "404"}, "kind": "client"}, "failed"),
    ],
)
def test_status(changes: dict[str, Any], status: str | None) -> None:
    assert read_record(**changes).status == status


def test_an_exception_beside_a_result_was_handled() -> None:
    caught = [exception_event("ValueError", "caught")]
    answer = {"input.value": "q", "output.value": "a"}
    record = read_record(answer, events=caught)
    assert (record.status, record.error) == ("exception", "caught")
    assert read_record(answer, events=caught, status="ok").status == "succeeded"
    assert read_record({"output.value": "{}"}, events=caught, status="ok").status == "failed"


@pytest.mark.parametrize(
    ("error_type", "message", "status"),
    [
        ("langgraph.errors.GraphInterrupt", "(Interrupt(value='ok?'),)", "paused"),
        ("pydantic_ai.exceptions.ApprovalRequired", "", "paused"),
        ("strands.interrupt.InterruptException", "", "paused"),
        ("langgraph.errors.ParentCommand", "Command(goto='x')", "succeeded"),
        ("asyncio.exceptions.CancelledError", "", "stopped"),
        ("System.Threading.Tasks.TaskCanceledException", "A task was canceled.", "stopped"),
        (
            "System.Threading.Tasks.TaskCanceledException",
            "The request was canceled due to the configured HttpClient.Timeout of 100 seconds.",
            "failed",
        ),
        ("*url.Error", 'Post "https://api.example.com": context canceled', "stopped"),
        ("*url.Error", "context deadline exceeded", "failed"),
        ("ValueError", "the order was cancelled", "failed"),
    ],
)
def test_exceptions_that_are_no_failures(error_type: str, message: str, status: str) -> None:
    record = failed(events=[exception_event(error_type, message)])
    assert record.status == status
    if status == "stopped":
        assert record.error == (message or error_type)
    assert failed(status_message=f"{error_type}: {message}").status == status


@pytest.mark.parametrize(
    "result",
    [
        '{"isError": true, "content": [{"type": "text", "text": "no stock"}]}',
        '{"status": "error", "content": "no stock", "tool_call_id": "c1"}',
        '{"output": {"kwargs": {"status": "error", "content": "no stock", "type": "tool"}}}',
        '{"toolResult": {"status": "error", "content": [{"text": "no stock"}]}}',
    ],
)
def test_results_that_call_themselves_errors(result: str) -> None:
    tool = {"openinference.span.kind": "TOOL", "output.value": result}
    record = read_record(tool)
    assert (record.status, record.error) == ("failed", "no stock")
    assert read_record(tool | {"openinference.span.kind": "CHAIN"}).status == "succeeded"


def test_a_status_that_a_tool_returns_is_its_result() -> None:
    tool = {"openinference.span.kind": "TOOL", "output.value": '{"status": "error", "lamp": "red"}'}
    assert read_record(tool).status == "succeeded"


def failed(**changes: Any) -> NodeRecord:
    return read_record(status="error", **changes)


def test_the_error_is_kept_whole() -> None:
    text = "the whole story " * 1000
    assert failed(status_message=text).error == text
    events = [
        exception_event("TimeoutError", "first try"),
        exception_event("app.RefundError", text),
    ]
    record = failed(status_message="RefundError('…')Traceback …", events=events)
    assert (record.error, record.error_type) == (text, "app.RefundError")
    assert record.received["events"][1]["attributes"]["exception.stacktrace"] == "Traceback …"
    assert failed(attributes={"error.type": "timeout"}).error_type == "timeout"


def test_http_calls() -> None:
    attributes = {
        "http.request.method": "GET",
        "url.full": "https://api.example.com/v1/orders?id=1",
    }
    record = read_record(attributes | {"http.response.status_code": 404}, kind="client", name="GET")
    assert (record.kind, record.title) == ("http-request", "GET api.example.com")
    assert record.inputs == {"method": "GET", "url": "https://api.example.com/v1/orders?id=1"}
    assert record.outputs == {"status_code": 404}
    old = read_record({"http.method": "POST", "http.url": "http://[bad"}, kind="client", name="")
    assert (old.kind, old.title) == ("http-request", "POST")
    assert read_record(attributes, kind="server", name="GET /").kind == "span"


def test_a_span_with_nothing_is_still_a_step() -> None:
    record = read_record(name="", resource={})
    assert (record.title, record.kind) == ("(no name)", "span")
    assert record.received is None


NAMES = (
    "openinference.span.kind",
    "input.value",
    "output.value",
    "metadata",
    "session.id",
    "user.id",
    "tag.tags",
    "llm.model_name",
    "llm.token_count.prompt",
    "llm.cost.total",
    "llm.input_messages.0.message.role",
    "llm.input_messages.0.message.content",
    "llm.tools.0.tool.json_schema",
    "tool.parameters",
    "llm.invocation_parameters",
    "retrieval.documents.0.document.content",
    "graph.node.id",
    "gen_ai.operation.name",
    "gen_ai.input.messages",
    "gen_ai.output.messages",
    "gen_ai.tool.definitions",
    "gen_ai.system_instructions",
    "gen_ai.prompt.0.content",
    "gen_ai.usage.input_tokens",
    "gen_ai.tool.name",
    "gen_ai.tool.call.arguments",
    "gen_ai.response.model",
    "final_result",
    "pydantic_ai.all_messages",
    "operation.cost",
    "logfire.span_type",
    "pydantic_ai.tool.retry.cause",
    "dify_trace_id",
    "dify.node.execution_id",
    "dify.wrapper.index",
    "error.type",
    "http.method",
)


@pytest.mark.parametrize("value", [None, "", 0, 1.5, True, [], {}, [1, {"a": None}], "x" * 100_000])
def test_no_value_of_any_attribute_fails(value: Any) -> None:
    for kind in ("LLM", "TOOL", "RETRIEVER", value):
        for operation in ("chat", "execute_tool", "invoke_agent", value):
            attributes: dict[str, Any] = dict.fromkeys(NAMES, value)
            attributes |= {"openinference.span.kind": kind, "gen_ai.operation.name": operation}
            record = read_record(attributes, kind="client", status="error", scope="pydantic-ai 1")
            assert isinstance(record.title, str)
            assert isinstance(record.kind, str)
