"""What producers tell, without a database: settings, senders, calls of tools."""

from typing import Any

import pytest

from nodes.graph.graph import Graph, GraphNode
from nodes.lineage.executions import Visit
from nodes.lineage.origins import came_from, made_from
from nodes.lineage.run_index import Story, Whole
from nodes.lineage.uses import used_by
from nodes.lineage.values import pointer

FILE = {"filename": "contract-2026-06.pdf", "size": 812}


def story(
    nodes: dict[str, tuple[str, dict[str, Any]]],
    *steps: tuple[Any, ...],
    whole: Whole | None = None,
) -> Story:
    """Steps with their inputs, outputs and process data, of a graph {node id: (kind, settings)}."""
    stored: dict[str, Any] = {}
    for number, (visit, inputs, outputs, *process) in enumerate(steps):
        visit.kind = nodes[visit.node_id][0] if visit.node_id in nodes else visit.kind
        visit.title = visit.title or visit.node_id
        visit.index = number
        visit.inputs, visit.outputs = f"{visit.id}-in", f"{visit.id}-out"
        stored |= {visit.inputs: inputs, visit.outputs: outputs}
        if process:
            visit.process = f"{visit.id}-process"
            stored[visit.process] = process[0]

    def load(digests: list[str], add: Any) -> None:
        for digest in digests:
            if stored.get(digest) is not None:
                add(digest, stored[digest])

    graph = Graph(
        tuple(GraphNode(node_id, kind, node_id, config=config)
              for node_id, (kind, config) in nodes.items())
    )  # fmt: skip
    return Story([visit for visit, *_ in steps], whole or Whole(), graph, load)


def at(name: str, node_id: str, start: int, **told: Any) -> Visit:
    return Visit(name, node_id=node_id, start=start + 1, end=start + 9, **told)


def told(found: Story, name: str) -> list[tuple[str, str, str, str]]:
    return [
        (link.part + pointer(link.path) if link.path is not None else "-",
         link.source.visit.id if link.source.visit else link.source.form,
         pointer(link.source.path), link.change)
        for link in came_from(found, found.visits.by_id[name])
        if link.certain
    ]  # fmt: skip


def test_a_setting_lands_where_its_value_stands() -> None:
    nodes = {
        "a": ("start", {}),
        "b": ("document-extractor", {"variable_selector": ["a", "file"]}),
        "c": ("if-else", {"cases": [{"conditions": [{"variable_selector": ["a", "n"]}]}]}),
        "d": ("code", {"variables": [{"variable": "x", "value_selector": ["a", "n"]}]}),
        "e": ("llm", {"prompt_template": [{"role": "user", "text": "{{#a.n#}} of {{#a.file#}}"}]}),
    }  # fmt: skip
    found = story(
        nodes,
        (at("s0", "a", 0), None, {"file": FILE, "n": 17}),
        (at("s1", "b", 10), {"files": [FILE]}, {"text": "…"}),
        (at("s2", "c", 20), {"conditions": [{"actual_value": 17, "expected_value": 3}]}, None),
        (at("s3", "d", 30), {"x": 17, "y": 17}, None),
        (at("s4", "e", 40), {"messages": [{"content": "About 17 of it"}, {"content": "ok"}]}, None),
    )
    assert told(found, "s1") == [("inputs/files/0", "s0", "/file", "same")]
    assert told(found, "s2") == [("inputs/conditions/0/actual_value", "s0", "/n", "same")]
    assert told(found, "s3") == [("inputs/x", "s0", "/n", "same")]
    assert told(found, "s4") == [
        ("inputs/messages/0/content", "s0", "/n", "inserted"), ("-", "s0", "/file", ""),
    ]  # fmt: skip
    users = {(use.user.id if use.user else "", use.link.certain)
             for use in used_by(found, found.visits.by_id["s0"])}  # fmt: skip
    assert users == {("s1", True), ("s2", True), ("s3", True), ("s4", True)}


def test_a_node_that_had_not_run_is_named() -> None:
    nodes = {
        "a": ("code", {}),
        "b": ("code", {"variables": [{"variable": "x", "value_selector": ["a", "n"]}]}),
        "c": ("variable-aggregator", {"variables": [["a", "n"], ["b", "n"]]}),
    }
    found = story(
        nodes, (at("s1", "b", 10), {"x": None}, {"n": "short"}),
        (at("s2", "c", 20), {}, {"output": "short"}),
    )  # fmt: skip
    [(place, form, *_)] = told(found, "s1")
    assert (place, form) == ("inputs/x", "nothing")
    assert told(found, "s2") == [("outputs/output", "s1", "/n", "same")]


def test_of_several_attempts_the_one_that_counted() -> None:
    nodes = {
        "a": ("http-request", {}),
        "b": ("code", {"variables": [{"variable": "x", "value_selector": ["a", "n"]}]}),
    }
    found = story(
        nodes,
        (at("first", "a", 0), None, {"n": 1}),
        (at("failed", "a", 10, status="retry"), None, {"n": 2}),
        (at("second", "a", 20, attempt=2), None, {"n": 3}),
        (at("use", "b", 30), {"x": 3}, None),
        (at("later", "a", 40), None, {"n": 4}),
    )
    assert told(found, "use") == [("inputs/x", "second", "/n", "same")]
    without_times = found.visits.by_id["use"]
    without_times.start = without_times.end = None
    assert [source for _, source, *_ in told(found, "use")] == ["second"]


def test_a_loop_variable_is_what_the_assigner_wrote_last() -> None:
    nodes = {
        "loop": ("loop", {"loop_variables": [{"label": "n", "value": "0"}]}),
        "set": ("assigner", {"items": [{"variable_selector": ["loop", "n"], "value": 1}]}),
        "get": ("code", {"variables": [{"variable": "n", "value_selector": ["loop", "n"]}]}),
    }  # fmt: skip
    container = Visit("l", node_id="loop", start=1, end=99)
    steps = [(container, {"n": 0}, {"n": 2})]
    for number in range(2):
        inside: dict[str, Any] = {"parent": "l", "iteration": (number,)}
        steps.append((at(f"get{number}", "get", number * 20 + 2, **inside), {"n": number}, None))
        steps.append((at(f"set{number}", "set", number * 20 + 12, **inside), {}, {}))
    found = story(nodes, *steps)
    assert told(found, "get0") == [("inputs/n", "l", "/n", "same")]
    assert [source for _, source, *_ in told(found, "get1")] == ["set0"]


def test_senders_are_certain_only_where_the_value_says_which() -> None:
    found = story(
        {},
        (at("s0", "one", 0), None, {"general": "when do you open?", "n": 3}),
        (at("s1", "two", 10), None, {"count": 3}),
        (at("s2", "three", 20, senders=("one", "two")),
         {"query": "when do you open?", "count": 3, "top_k": 3, "docs": []}, None),
    )  # fmt: skip
    assert told(found, "s2") == [
        ("inputs/query", "s0", "/general", "same"), ("inputs/count", "s1", "/count", "same"),
    ]  # fmt: skip


def test_a_tool_and_the_call_that_asked_for_it() -> None:
    def asked(call_id: str, city: str) -> dict[str, Any]:
        call = {"id": call_id, "name": "weather", "arguments": {"city": city}}
        return {"messages": [{"role": "assistant", "content": "", "tool_calls": [call]}]}

    answer = {"role": "tool", "tool_call_id": "c2", "content": "rain"}
    found = story(
        {},
        (at("m0", "llm", 0, kind="llm"), {"messages": []}, asked("c1", "Basel")),
        (at("t0", "weather", 10, kind="tool"), {"city": "Basel"}, "sun"),
        (at("m1", "llm", 20, kind="llm"), {"messages": []}, asked("c2", "Bern")),
        (at("t1", "weather", 30, kind="tool"), {"city": "Bern"}, "rain"),
        (at("m2", "llm", 40, kind="llm"), {"messages": [answer]}, None),
    )
    for tool, model, call_id in (("t0", "m0", "c1"), ("t1", "m1", "c2")):
        visit = found.visits.by_id[tool]
        [by_arguments], [by_id] = came_from(found, visit), came_from(found, visit, call_id)
        assert (by_arguments.certain, by_id.certain) == (False, True)
        for link in (by_arguments, by_id):
            assert link.source.visit is found.visits.by_id[model]
    assert came_from(found, found.visits.by_id["t0"], "c9") == []
    assert told(found, "m2") == [("inputs/messages/0", "t1", "", "same")]


def asked(call_id: str, city: str) -> dict[str, Any]:
    call = {"id": call_id, "name": "weather", "arguments": {"city": city}}
    return {"role": "assistant", "content": "", "tool_calls": [call]}


def answer(call_id: str, content: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


@pytest.mark.parametrize("second", ["c2", "c1"])
def test_calls_told_again_with_all_messages_and_ids_used_again(second: str) -> None:
    one, two = asked("c1", "Basel"), asked(second, "Bern")
    before = [one, answer("c1", "sun")]
    found = story(
        {},
        (at("m0", "llm", 0, kind="llm"), {"messages": []}, {"messages": [one]}),
        (at("t0", "weather", 10, kind="tool"), {"city": "Basel"}, "sun"),
        (at("n0", "state", 20, kind="code"), None, {"messages": before}),
        (at("m1", "llm", 30, kind="llm"), {"messages": before}, {"messages": [*before, two]}),
        (at("t1", "weather", 40, kind="tool"), {"city": "Bern"}, "rain"),
        (at("m2", "llm", 50, kind="llm"), {"messages": [*before, two, answer(second, "rain")]},
         None),
    )  # fmt: skip
    assert [(place, source) for place, source, *_ in told(found, "m2")] == [
        ("inputs/messages/1", "t0"), ("inputs/messages/3", "t1"),
    ]  # fmt: skip


def test_an_item_of_an_iteration_is_of_a_pass_only_where_that_gave_it_out() -> None:
    nodes = {"it": ("iteration", {"output_selector": ["c", "r"]}), "c": ("code", {})}
    container = Visit("l", node_id="it", start=1, end=99)
    inside: dict[str, Any] = {"node_id": "c", "parent": "l"}
    found = story(
        nodes,
        (container, {}, {"output": ["x", "y"]}),  # two lists laid flat
        (Visit("c0", iteration=(0,), start=2, end=9, **inside), None, {"r": ["x", "y"]}),
        (Visit("c1", iteration=(1,), start=12, end=19, **inside), None, {"r": []}),
    )
    assert not [link for link in made_from(found, container) if link.certain]


def test_a_pass_does_not_see_what_its_nodes_gave_out_in_the_one_before() -> None:
    nodes = {
        "loop": ("loop", {}),
        "a": ("code", {}),
        "b": ("code", {"variables": [{"variable": "x", "value_selector": ["a", "n"]}]}),
    }
    first: dict[str, Any] = {"parent": "l", "iteration": (0,)}
    found = story(
        nodes,
        (Visit("l", node_id="loop", start=1, end=99), {}, {}),
        (at("a0", "a", 2, **first), None, {"n": 7}),
        (at("b0", "b", 12, **first), {"x": 7}, None),
        (at("b1", "b", 22, parent="l", iteration=(1,)), {"x": None}, None),
    )
    assert [source for _, source, *_ in told(found, "b0")] == ["a0"]
    assert [source for _, source, *_ in told(found, "b1")] == ["nothing"]
