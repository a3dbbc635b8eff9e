"""Variables of a run, without a database."""

from typing import Any

from nodes.lineage.steps import LineageStep
from nodes.lineage.values import MISSING
from nodes.lineage.variables import (
    declared_variables,
    input_variables,
    merge_by_name,
    node_variables,
    nodes_that_write_state,
    steps_by_node,
)


def node_step(name: str, number: int, parent_id: str = "", **fields: Any) -> LineageStep:
    step_id, start = f"{name}{number}", number * 10
    return LineageStep(step_id, parent_id, name, title=name.title(), index=number, start=start,
                       end=start + 5, outputs=step_id, **fields)  # fmt: skip


def test_steps_by_node_as_of_a_step() -> None:
    steps = [node_step("a", 0), node_step("b", 1), node_step("a", 2)]
    assert {node: [step.id for step in group] for node, group in steps_by_node(steps).items()} == {
        "a": ["a2", "a0"], "b": ["b1"],
    }  # fmt: skip
    assert [step.id for step in steps_by_node(steps, steps[1])["a"]] == ["a0"]
    assert steps_by_node([LineageStep("x", outputs="")]) == {}


def test_keys_of_the_outputs_are_variables() -> None:
    values = {"a2": {"text": "new", "n": 2}, "a0": {"text": "old"}}
    text, n = node_variables([node_step("a", 2), node_step("a", 0)], values.__getitem__, 5)
    assert (text.name, [write.value for write in text.writes]) == ("A.text", ["old", "new"])
    assert (n.name, n.last.value, n.key) == ("A.n", 2, "a.n")
    [whole] = node_variables([node_step("a", 2), node_step("a", 0)], lambda digest: "plain", 1)
    assert (whole.name, whole.output_key, whole.earlier) == ("A", None, 1)


def test_the_state_of_a_graph() -> None:
    nodes = {
        "plan": [node_step("plan", 0)],
        "write": [node_step("write", 1)],
        "odd": [node_step("odd", 2)],
    }
    outputs = {"plan0": {"docs": []}, "write1": {"draft": "x"}, "odd2": {"text": "y"},
               "": {"docs": [], "draft": "x", "question": "?"}}  # fmt: skip
    assert nodes_that_write_state(nodes, outputs) == {"plan", "write"}
    one_node = {"plan": nodes["plan"]}  # alone it shares nothing
    assert nodes_that_write_state(one_node, outputs) == set()
    assert nodes_that_write_state(nodes, {**outputs, "": "answer"}) == set()
    docs = [
        variable
        for group in ([node_step("plan", 0)], [node_step("more", 4), node_step("more", 2)])
        for variable in node_variables(group, lambda digest: {"docs": digest}, 5, state=True)
    ]
    [state] = merge_by_name(docs)
    assert [write.value for write in state.writes] == ["plan0", "more2", "more4"]
    assert (state.name, state.group) == ("docs", "state")


def is_system(name: str) -> bool:
    return name.startswith("sys.")


def test_what_comes_with_the_run() -> None:
    inputs = {"q": "hi", "sys.user_id": "u1"}
    variables = input_variables(inputs, is_system)
    assert [(variable.group, variable.name) for variable in variables] == [
        ("input", "q"),
        ("system", "sys.user_id"),
    ]
    assert input_variables(MISSING, is_system) == [] == input_variables(None, is_system)
    [whole] = input_variables(["a"], is_system)
    assert whole.name == "input"
    declarations = [
        {"name": "KEY", "type": "secret"},
        {"name": "n", "type": "number", "value": 3},
        "x",
    ]
    secret, number = declared_variables("environment", declarations)
    assert (secret.name, secret.last.redacted, secret.last.value) == ("env.KEY", True, MISSING)
    assert (number.name, number.last.value) == ("env.n", 3)
    assert declared_variables("conversation", None) == []
