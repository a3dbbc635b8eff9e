"""The capture langfuse (three tickets, SDK 5), and what other generations of its SDKs send."""

from decimal import Decimal
from typing import Any

import orjson
import pytest

from runs.recording.records.record import Cost, NodeRecord, Usage
from tests.runs.recording.captured import as_read, captured_traces, read_record

STEP = "langfuse.observation."


@pytest.fixture(scope="module")
def tickets() -> list[list[NodeRecord]]:
    return captured_traces("langfuse")


def observation(kind: str = "span", **fields: Any) -> NodeRecord:
    """An observation below another one; the names of values without their prefix."""
    values = {f"{STEP}{name.replace('__', '.')}": value for name, value in fields.items()}
    return read_record({STEP + "type": kind, **values}, parent_span_id="c" * 16)


def generation(**fields: Any) -> NodeRecord:
    return observation("generation", **fields)


def test_the_trace_is_the_run(tickets: list[list[NodeRecord]]) -> None:
    for run in tickets:
        root = run[0]
        assert (root.title, root.kind, root.is_run) == ("handle", "span", True)
        assert sum(step.is_run for step in run) == 1
        # Without a service name the name of the trace is the app's.
        assert {step.service for step in run} == {"support-ticket"}
        facts = root.run
        assert (facts.name, facts.version) == ("support-ticket", "1.4.2")
        assert (facts.environment, facts.tags) == ("staging", ("web", "beta"))
        assert (facts.user, facts.conversation) == ("user-7", root.run.conversation)
    assert [run[0].run.conversation for run in tickets] == ["sess-1", "sess-1", "sess-2"]


def test_kinds_are_those_sent(tickets: list[list[NodeRecord]]) -> None:
    kinds = {step.title: step.kind for step in tickets[0]}
    assert kinds["retrieve-docs"] == "retriever" and kinds["guard"] == "guardrail"
    assert kinds["ScriptedChat"] == "llm" and kinds["lookup_order"] == "tool"
    assert kinds["agent"] == "agent" and kinds["support_ticket"] == "chain"
    assert observation("EVENT").kind == "event" and observation("embedding").kind == "embedding"
    # SDKs before 3.3.1 gave generations the type "span" as well.
    assert observation("span", model__name="gpt-4o").kind == "llm"


def test_langgraph_below_langfuse(tickets: list[list[NodeRecord]]) -> None:
    nodes = [step.node_id for step in tickets[0] if step.node_id]
    assert nodes == ["classify", "agent", "tools", "agent", "tools", "agent", "finish"]
    taken = [(step.title, step.taken) for step in tickets[1] if step.kind == "branch"]
    assert taken == [("route", "plan"), ("fan", "retrieve"), ("ok", "draft"), ("ok", "approve")]
    items = [step for step in tickets[1] if step.node_id == "retrieve"]
    assert [step.fan_out_index for step in items] == [0, 1, 2]


def test_wrappers(tickets: list[list[NodeRecord]]) -> None:
    folded = [step.title for step in tickets[0] if step.folded]
    assert folded == ["RunnableSequence", "ChatPromptTemplate"]
    hidden = observation("chain", metadata__tags='["langsmith:hidden"]')
    assert hidden.folded and not observation("chain", metadata__tags='["mine"]').folded
    # A chain that is the root is the run.
    alone = read_record({STEP + "type": "chain"}, name="RunnableSequence")
    assert alone.is_run and not alone.folded


def test_kinds_of_tokens_are_counted_apart(tickets: list[list[NodeRecord]]) -> None:
    calls = [step for step in tickets[0] if step.kind == "llm"]
    # The first answer had 1 token of output; the SDK subtracted 3 of reasoning down to 0.
    assert calls[0].usage == Usage(16, 1, 2, None, 3, 17)
    assert calls[2].usage == Usage(23, 12, 2, None, 3, 35)
    assert calls[-1].usage == Usage(13, 2, 3, None, None, 15)
    assert not any(step.usage for step in tickets[0] if step.kind != "llm")


def usage_of(**details: Any) -> Usage | None:
    return generation(usage_details=orjson.dumps(details).decode()).usage


def test_all_names_of_tokens() -> None:
    anthropic = usage_of(
        input=5, output=7, cache_read_input_tokens=100, cache_creation_input_tokens=20
    )
    assert anthropic == Usage(125, 7, 100, 20, None, 132)
    langchain = usage_of(input=5, input_cache_read=4, input_cache_creation=1, output=3, total=13)
    assert langchain == Usage(10, 3, 4, 1, None, 13)
    # OpenAI's own usage, in which details are part of the sums.
    openai = usage_of(
        prompt_tokens=20,
        completion_tokens=9,
        total_tokens=29,
        prompt_tokens_details={"cached_tokens": 12},
        completion_tokens_details={"reasoning_tokens": 4},
    )
    assert openai == Usage(20, 9, 12, None, 4, 29)
    assert usage_of(total=8) == Usage(None, None, None, None, None, 8)
    assert usage_of() is None and generation(usage_details="none").usage is None


def test_cost_is_the_total_or_the_sum(tickets: list[list[NodeRecord]]) -> None:
    assert tickets[0][-1].cost == Cost(Decimal("0.00003"))
    both = generation(cost_details='{"input": 0.1, "output": 0.2, "total": 0.3}')
    assert both.cost == Cost(Decimal("0.3"))
    assert (
        generation(cost_details="{}").cost is None
        and generation(cost_details='{"input": "x"}').cost is None
    )


def test_a_generation_is_shown_as_messages(tickets: list[list[NodeRecord]]) -> None:
    calls = [step for step in tickets[0] if step.kind == "llm"]
    assert calls[0].inputs == {
        "messages": [
            {"role": "system", "content": "Classify the ticket as refund or question."},
            {"role": "user", "content": "Please refund order A-17"},
        ],
        "parameters": {"temperature": 0.2},
    }
    assert as_read(calls[0].outputs) == {"messages": [{"role": "assistant", "content": "refund"}]}
    assert (calls[0].model, calls[0].provider) == ("gpt-4o-mini-2024-07-18", "openai")
    lookup = {"id": "call_1", "name": "lookup_order", "arguments": {"order_id": "A-17"}}
    assert as_read(calls[1].outputs)["messages"][0]["tool_calls"] == [lookup]
    assert as_read(calls[-1].outputs) == {"messages": [{"role": "assistant", "content": "short"}]}


def test_nothing_of_a_generation_is_lost() -> None:
    plain = generation(input='[{"role":"user","content":"hi"}]', output="yes")
    assert STEP + "input" not in plain.received["attributes"]
    richer = generation(input='[{"role":"user","content":"hi","additional_kwargs":{"a":1}}]')
    assert STEP + "input" not in richer.received["attributes"]
    assert richer.inputs["messages"][0]["additional_kwargs"] == {"a": 1}
    wrapped = generation(input='{"messages":[{"role":"user","content":"hi"}],"stop":["x"]}')
    assert STEP + "input" in wrapped.received["attributes"]
    value = generation(input='{"question": "hi"}', output='{"score": 1}')
    assert (value.inputs, value.outputs) == ({"question": "hi"}, {"score": 1})


def test_tool_definitions_that_are_sent_as_messages() -> None:
    tool = {"type": "function", "function": {"name": "lookup_order", "parameters": {}}}
    messages = [{"role": "user", "content": "hi"}, {"role": "tool", "content": tool}]
    call = generation(input=orjson.dumps(messages).decode())
    assert call.inputs == {
        "messages": [{"role": "user", "content": "hi"}],
        "tools": ["lookup_order"],
    }
    request = {"messages": [{"role": "user", "content": "hi"}], "tools": [tool]}
    assert generation(input=orjson.dumps(request).decode()).inputs == call.inputs


def test_a_tool_gives_back_its_result(tickets: list[list[NodeRecord]]) -> None:
    lookup, refund = [step for step in tickets[0] if step.kind == "tool"]
    assert lookup.inputs == {"order_id": "A-17"}
    assert lookup.outputs["items"] == ["天气 radio", "USB cable"]
    assert refund.inputs == {"order_id": "A-17", "amount": 49.9}
    assert refund.outputs == "refund of 49.9 for A-17 accepted"


def test_levels(tickets: list[list[NodeRecord]]) -> None:
    failed = [step.title for step in tickets[2] if step.status == "failed"]
    assert failed == ["handle", "support_ticket", "tools", "lookup_order"]
    assert tickets[2][-1].error == "order A-404 not found in the warehouse database"
    guard = next(step for step in tickets[0] if step.title == "guard")
    assert (guard.status, guard.error) == ("succeeded", "borderline")  # a warning
    # A step that was updated by hand has its failure in the level only.
    updated = observation(level="ERROR", status_message="no stock")
    assert (updated.status, updated.error) == ("failed", "no stock")
    waiting = observation("chain", level="DEFAULT", status_message="(Interrupt(value='ok?'),)")
    assert waiting.status == "paused" and waiting.error is None


def test_values_of_the_trace_are_those_of_the_run() -> None:
    attributes = {
        "langfuse.trace.input": '{"q": "hi"}', STEP + "input": '{"args": []}',
        "langfuse.trace.output": "bye", STEP + "type": "span",
    }  # fmt: skip
    root = read_record(attributes)
    assert (root.inputs, root.outputs) == ({"q": "hi"}, "bye")
    assert STEP + "input" in root.received["attributes"]
    assert read_record(attributes, parent_span_id="c" * 16).inputs == {"args": []}


def test_compatible_names() -> None:
    attributes = {
        "langfuse.session.id": "s1", "langfuse.user.id": "u1", "langfuse.release": "r1",
        "langfuse.trace.tags": "a, b",
    }  # fmt: skip
    facts = read_record(attributes).run
    assert (facts.conversation, facts.user) == ("s1", "u1")
    assert (facts.version, facts.tags) == ("r1", ("a", "b"))
    facts = read_record({STEP + "metadata.langfuse_session_id": "s2"}).run
    assert facts.conversation == "s2"
    resource = {"langfuse.release": "r2", "langfuse.environment": "prod", "service.name": "shop"}
    record = read_record({"langfuse.trace.name": "ticket"}, resource=resource)
    assert (record.service, record.run.name) == ("shop", "ticket")
    assert (record.run.version, record.run.environment) == ("r2", "prod")


@pytest.mark.parametrize("mark", ["as_root", "is_app_root"])
def test_a_root_with_a_parent_in_another_process(mark: str) -> None:
    attributes = {f"langfuse.internal.{mark}": True, STEP + "type": "agent"}
    record = read_record(attributes, parent_span_id="c" * 16)
    assert record.is_run and record.parent_source_id == "c" * 16
    lone = read_record({**attributes, STEP + "type": "generation"}, parent_span_id="c" * 16)
    assert not lone.is_run


def test_metadata_in_one_attribute_or_by_key() -> None:
    whole = observation("chain", metadata='{"langgraph_node": "plan"}', output="draft")
    parts = observation("chain", metadata__langgraph_node='"plan"', output="draft")
    assert (whole.kind, whole.taken) == (parts.kind, parts.taken) == ("branch", "draft")


def test_the_origin_of_fields_is_kept(tickets: list[list[NodeRecord]]) -> None:
    call = next(step for step in tickets[0] if step.kind == "llm")
    assert call.read_from["usage"] == ("langfuse", STEP + "usage_details")
    assert call.read_from["run.name"] == ("langfuse", "langfuse.trace.name")
