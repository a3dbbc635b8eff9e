"""What producers declare without settings: senders, calls of tools and their results."""

from typing import Any

import pytest

from nodes.lineage.origins import origins_of_inputs
from tests.nodes.lineage.run_builder import certain_links, run_of_graph, step_at


def tool_request(call_id: str, city: str) -> dict[str, Any]:
    call = {"id": call_id, "name": "weather", "arguments": {"city": city}}
    return {"role": "assistant", "content": "", "tool_calls": [call]}


def tool_message(call_id: str, content: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def test_senders_are_certain_only_where_the_value_says_which() -> None:
    run = run_of_graph(
        {},
        (step_at("s0", "first", 0), None, {"general": "when do you open?", "n": 3}),
        (step_at("s1", "second", 10), None, {"count": 3}),
        (step_at("s2", "third", 20, senders=("first", "second")),
         {"query": "when do you open?", "count": 3, "top_k": 3, "docs": []}, None),
    )  # fmt: skip
    assert certain_links(run, "s2") == [
        ("inputs/query", "s0", "/general", "same"), ("inputs/count", "s1", "/count", "same"),
    ]  # fmt: skip


def test_a_tool_and_the_call_that_asked_for_it() -> None:
    run = run_of_graph(
        {},
        (
            step_at("m0", "llm", 0, kind="llm"),
            {"messages": []},
            {"messages": [tool_request("c1", "Basel")]},
        ),
        (step_at("t0", "weather", 10, kind="tool"), {"city": "Basel"}, "sun"),
        (
            step_at("m1", "llm", 20, kind="llm"),
            {"messages": []},
            {"messages": [tool_request("c2", "Bern")]},
        ),
        (step_at("t1", "weather", 30, kind="tool"), {"city": "Bern"}, "rain"),
        (step_at("m2", "llm", 40, kind="llm"), {"messages": [tool_message("c2", "rain")]}, None),
    )
    for tool, model, call_id in (("t0", "m0", "c1"), ("t1", "m1", "c2")):
        step = run.steps.by_id[tool]
        [by_arguments] = origins_of_inputs(run, step)
        [by_id] = origins_of_inputs(run, step, call_id)
        assert (by_arguments.certain, by_id.certain) == (False, True)
        for link in (by_arguments, by_id):
            assert link.source.step is run.steps.by_id[model]
    assert origins_of_inputs(run, run.steps.by_id["t0"], "c9") == []
    assert certain_links(run, "m2") == [("inputs/messages/0", "t1", "", "same")]


@pytest.mark.parametrize("second", ["c2", "c1"])
def test_calls_repeated_in_all_messages_and_ids_used_again(second: str) -> None:
    basel, bern = tool_request("c1", "Basel"), tool_request(second, "Bern")
    before = [basel, tool_message("c1", "sun")]
    run = run_of_graph(
        {},
        (step_at("m0", "llm", 0, kind="llm"), {"messages": []}, {"messages": [basel]}),
        (step_at("t0", "weather", 10, kind="tool"), {"city": "Basel"}, "sun"),
        (step_at("n0", "state", 20, kind="code"), None, {"messages": before}),
        (step_at("m1", "llm", 30, kind="llm"), {"messages": before}, {"messages": [*before, bern]}),
        (step_at("t1", "weather", 40, kind="tool"), {"city": "Bern"}, "rain"),
        (step_at("m2", "llm", 50, kind="llm"),
         {"messages": [*before, bern, tool_message(second, "rain")]}, None),
    )  # fmt: skip
    assert [(place, source) for place, source, *_ in certain_links(run, "m2")] == [
        ("inputs/messages/1", "t0"), ("inputs/messages/3", "t1"),
    ]  # fmt: skip
