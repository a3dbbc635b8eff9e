"""Where values of iterations, loops and their passes came from, as Dify runs them."""

from typing import Any

from nodes.lineage.executions import Visit
from nodes.lineage.origins import made_from
from nodes.lineage.trace import back
from nodes.lineage.uses import used_by
from nodes.lineage.values import pointer
from tests.nodes.lineage.test_declared import at, story, told
from tests.nodes.lineage.test_settings import LANGUAGE, SET, wrote


def test_what_a_loop_gives_out_and_what_ended_it() -> None:
    nodes = {
        "loop": ("loop", {"loop_variables": [{"label": "n", "value_type": "constant", "value": 0}],
                          "break_conditions": [{"variable_selector": ["inner", "ok"]}]}),
        "inner": ("code", {}),
        "set": ("assigner", {"items": [{"variable_selector": ["loop", "n"], "operation": "+=",
                                        "input_type": "constant", "value": 1}]}),
    }  # fmt: skip
    container = Visit("l", node_id="loop", start=1, end=99)
    steps: list[tuple[Any, ...]] = [(container, {"n": 0}, {"n": 2, "loop_round": 2})]
    for number in range(2):
        inside: dict[str, Any] = {"parent": "l", "iteration": (number,)}
        steps += [
            (at(f"inner{number}", "inner", number * 40 + 2, **inside), {}, {"ok": number == 1}),
            (at(f"set{number}", "set", number * 40 + 12, **inside), {}, {}, {"n": number + 1}),
        ]
    found = story(nodes, *steps)
    assert told(found, "l") == []
    made = {
        pointer(link.path or ()): (link.source.visit and link.source.visit.id, link.change)
        for link in made_from(found, container)
        if link.certain
    }
    assert made == {"/n": ("set1", "same"), "/loop_round": ("inner1", "")}
    [use] = used_by(found, found.visits.by_id["inner1"])
    assert (use.user, use.link.certain) == (container, True)


def test_passes_of_a_long_iteration_are_all_known() -> None:
    nodes = {"it": ("iteration", {"output_selector": ["c", "r"]}), "c": ("code", {})}
    container = Visit("l", node_id="it", start=1, end=99_999)
    steps = [
        (at(f"c{n}", "c", n * 10 + 2, parent="l", iteration=(n,)), None, {"r": n})
        for n in range(700)
    ]
    found = story(nodes, (container, {}, {"output": list(range(700))}), *steps)
    way = back(found, container, "outputs", ("output", 3))
    assert [hop.source.visit and hop.source.visit.id for hop in way] == ["l", "c3"]


def test_passes_at_the_same_time_do_not_see_what_the_others_write() -> None:
    nodes = {"it": ("iteration", {}), "set": ("assigner", SET),
             "get": ("code", {"variables": [{"variable": "x", "value_selector": LANGUAGE}]}),
             }  # fmt: skip
    passes: list[dict[str, Any]] = [{"parent": "l", "iteration": (number,)} for number in range(3)]
    found = story(
        nodes,
        (Visit("l", node_id="it", start=1, end=99), {}, {}),
        (at("set0", "set", 2, **passes[0]), {}, {}, wrote(language="de")),
        (at("set1", "set", 3, **passes[1]), {}, {}, wrote(language="fr")),
        (at("get0", "get", 22, **passes[0]), {"x": "de"}, {}),
        (at("get2", "get", 32, **passes[2]), {"x": "fr"}, {}),
    )
    assert [source for _, source, *_ in told(found, "get0")] == ["set0"]
    assert [source for _, source, *_ in told(found, "get2")] == ["set1"]
