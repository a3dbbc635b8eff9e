"""Variables of a run, without a database."""

from typing import Any

from nodes.lineage.executions import Visit
from nodes.lineage.values import MISSING
from nodes.lineage.variables import by_node, declared, joined, of_node, of_run, stateful


def visit(name: str, number: int, parent: str = "", **told: Any) -> Visit:
    return Visit(f"{name}{number}", parent, name, name.title(), index=number, start=number * 10,
                 end=number * 10 + 5, outputs=f"{name}{number}", **told)  # fmt: skip


def test_visits_by_node_as_of_a_step() -> None:
    visits = [visit("a", 0), visit("b", 1), visit("a", 2)]
    assert {node: [v.id for v in group] for node, group in by_node(visits).items()} == {
        "a": ["a2", "a0"], "b": ["b1"],
    }  # fmt: skip
    assert [v.id for v in by_node(visits, visits[1])["a"]] == ["a0"]
    assert by_node([Visit("x", outputs="")]) == {}


def test_keys_of_the_outputs_are_variables() -> None:
    values = {"a2": {"text": "new", "n": 2}, "a0": {"text": "old"}}
    text, n = of_node([visit("a", 2), visit("a", 0)], values.__getitem__, 5)
    assert (text.name, [write.value for write in text.writes]) == ("A.text", ["old", "new"])
    assert (n.name, n.last.value, n.key) == ("A.n", 2, "a.n")
    [whole] = of_node([visit("a", 2), visit("a", 0)], lambda digest: "plain", 1)
    assert (whole.name, whole.place, whole.earlier) == ("A", None, 1)


def test_the_state_of_a_graph() -> None:
    nodes = {"plan": [visit("plan", 0)], "write": [visit("write", 1)], "odd": [visit("odd", 2)]}
    whole = {"plan0": {"docs": []}, "write1": {"draft": "x"}, "odd2": {"text": "y"},
             "": {"docs": [], "draft": "x", "question": "?"}}  # fmt: skip
    assert stateful(nodes, whole) == {"plan", "write"}
    assert stateful({"plan": nodes["plan"]}, whole) == set()  # one node alone shares nothing
    assert stateful(nodes, {**whole, "": "answer"}) == set()
    docs = [
        variable
        for group in ([visit("plan", 0)], [visit("more", 4), visit("more", 2)])
        for variable in of_node(group, lambda digest: {"docs": digest}, 5, state=True)
    ]
    [state] = joined(docs)
    assert [write.value for write in state.writes] == ["plan0", "more2", "more4"]
    assert (state.name, state.group) == ("docs", "state")


def test_what_comes_with_the_run() -> None:
    found = of_run({"q": "hi", "sys.user_id": "u1"})
    assert [(one.group, one.name) for one in found] == [("input", "q"), ("system", "sys.user_id")]
    assert of_run(MISSING) == [] and of_run(None) == []
    [whole] = of_run(["a"])
    assert whole.name == "input"
    told = [{"name": "KEY", "type": "secret"}, {"name": "n", "type": "number", "value": 3}, "x"]
    secret, number = declared("environment", told)
    assert (secret.name, secret.last.masked, secret.last.value) == ("env.KEY", True, MISSING)
    assert (number.name, number.last.value) == ("env.n", 3)
    assert declared("conversation", None) == []
