"""Logfire by hand: pending spans, logs, messages, arguments, model calls; pydantic-graph."""

import json
from typing import Any

from runs.recording.records.record import Usage
from tests.runs.recording.captured import as_read, read_record

SPAN = {"logfire.span_type": "span"}
CHAT = SPAN | {"gen_ai.request.model": "gpt-4o", "gen_ai.system": "openai"}


def test_logfire_announces_a_span_that_has_begun() -> None:
    attributes = {"logfire.span_type": "pending_span", "logfire.pending_parent_id": "d" * 16}
    record = read_record(attributes, parent_span_id="c" * 16, end_us=1_000_000)
    assert (record.source_id, record.parent_source_id) == ("c" * 16, "d" * 16)
    assert (record.status, record.ended_us, record.is_run) == ("running", None, False)
    root = read_record(
        attributes | {"logfire.pending_parent_id": "0" * 16}, parent_span_id="c" * 16
    )
    assert (root.source_id, root.parent_source_id, root.is_run) == ("c" * 16, None, True)


def test_a_finished_span_outranks_the_one_that_announced_it() -> None:
    pending = read_record(SPAN | {"logfire.span_type": "pending_span"}, parent_span_id="c" * 16)
    finished = read_record(SPAN)
    assert all(finished.rank[name] > pending.rank.get(name, 0) for name in ("title", "received"))


def test_a_log_is_a_detail_of_its_step() -> None:
    attributes = {
        "logfire.span_type": "log", "logfire.msg_template": "hello {name}",
        "logfire.msg": "hello bob", "logfire.level_num": 9,
    }  # fmt: skip
    inside = read_record(attributes, name="hello {name}", parent_span_id="c" * 16)
    assert (inside.folded, inside.title, inside.node_id) == (True, "hello bob", "hello {name}")
    # A log outside of any span is shown.
    alone = read_record(attributes, name="hello {name}")
    assert (alone.folded, alone.is_run, alone.run.name) == (False, True, "hello bob")


def test_a_streamed_answer_is_a_step() -> None:
    attributes = CHAT | {
        "logfire.span_type": "log",
        "response_data": '{"combined_chunk_content": "Hello!", "chunk_count": 2}',
    }
    record = read_record(attributes, parent_span_id="c" * 16)
    assert (record.folded, record.kind) == (False, "llm")
    assert as_read(record.outputs) == {"messages": [{"role": "assistant", "content": "Hello!"}]}


def test_arguments_and_what_a_function_returned() -> None:
    schema = {"type": "object", "properties": {"order": {"type": "object"}, "return": {}}}
    attributes = SPAN | {
        "logfire.json_schema": json.dumps(schema),
        "order": '{"id": "A-17"}',
        "return": '["a", "b"]',
        "code.function": "work",
        "logfire.tags": ["beta", "web"],
    }
    record = read_record(attributes, name="Calling shop.work")
    assert (as_read(record.inputs), record.outputs) == ({"order": {"id": "A-17"}}, ["a", "b"])
    assert record.run.tags == ("beta", "web")
    assert record.received["attributes"]["code.function"] == "work"


def test_messages_as_a_list_of_events() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}}
    events: list[dict[str, Any]] = [
        {"event.name": "gen_ai.system.message", "content": "Be brief.", "role": "system"},
        {"event.name": "gen_ai.user.message", "content": "hi", "role": "user"},
        {"event.name": "gen_ai.assistant.message", "role": "assistant", "tool_calls": [call]},
        {"event.name": "gen_ai.tool.message", "id": "c1", "content": "2", "role": "tool"},
        {"event.name": "gen_ai.choice", "message": {"role": "assistant", "content": "Two."}},
    ]
    record = read_record(CHAT | {"events": json.dumps(events)})
    messages = as_read(record.inputs)["messages"]
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "tool"]
    assert messages[2]["tool_calls"] == [{"id": "c1", "name": "f", "arguments": {"x": 1}}]
    assert messages[3]["tool_call_id"] == "c1"
    reply = {"role": "assistant", "content": "Two."}
    assert as_read(record.outputs) == {"messages": [reply]}
    # The Responses API has no choice: the assistant's last messages are the answer.
    del events[4]["message"]
    events[4] |= {"event.name": "gen_ai.assistant.message", "role": "assistant", "content": "Two."}
    record = read_record(CHAT | {"events": json.dumps(events)})
    assert as_read(record.outputs) == {"messages": [reply]}


def test_a_call_in_the_form_of_its_api() -> None:
    request = {
        "model": "claude", "max_tokens": 50, "system": "Be brief.",
        "messages": [{"role": "user", "content": "hi"}],
    }  # fmt: skip
    response = {
        "message": {"role": "assistant", "content": "Hello."},
        "usage": {"input_tokens": 9, "output_tokens": 3},
    }
    attributes = CHAT | {"request_data": json.dumps(request), "response_data": json.dumps(response)}
    template = {"logfire.msg_template": "Message with {request_data[model]!r}"}
    record = read_record(attributes | template | {"logfire.msg": "Message with 'claude'"})
    assert (record.kind, record.title) == ("llm", "Message with 'claude'")
    assert [message["role"] for message in as_read(record.inputs)["messages"]] == ["system", "user"]
    assert record.inputs["parameters"] == {"max_tokens": 50}
    assert as_read(record.outputs) == {"messages": [{"role": "assistant", "content": "Hello."}]}
    assert record.usage == Usage(input=9, output=3, total=12)


def test_the_first_pydantic_graph_named_spans_by_templates() -> None:
    attributes = SPAN | {"logfire.msg": "run graph quiz", "graph": '{"name": "quiz"}'}
    graph = read_record(attributes, name="run graph {graph.name}")
    assert (graph.kind, graph.title, graph.is_run) == ("workflow", "quiz", True)
    assert graph.run.name == "quiz"
    attributes = SPAN | {
        "logfire.msg": "run node Ask", "node_id": "Ask", "node": '{"question": "why?"}',
    }  # fmt: skip
    node = read_record(attributes, name="run node {node_id}", parent_span_id="c" * 16)
    assert (node.kind, node.title, node.node_id) == ("task", "Ask", "Ask")
    assert node.inputs == {"question": "why?"}


def test_values_of_other_shapes_do_not_fail() -> None:
    odd = SPAN | {
        "logfire.json_schema": "[1]", "logfire.tags": 7, "logfire.msg": 3, "graph": 1,
        "node_id": 5, "events": '{"a": 1}', "request_data": "[[]]", "response_data": '{"usage": 2}',
    }  # fmt: skip
    assert read_record(odd).kind == "span"
    assert read_record(odd | {"gen_ai.request.model": "m"}).kind == "llm"
