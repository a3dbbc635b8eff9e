"""Which node of a sent graph a step is."""

from dataclasses import replace

from nodes.graph.alignment import GraphMatch, align_ids, match_steps
from nodes.graph.graph import complete_graph, infer_graph, sent_graph
from nodes.graph.steps import GraphStep

SENT = sent_graph({
    "nodes": [
        {"id": "1", "kind": "start", "title": "Start"},
        {"id": "2", "kind": "iteration", "title": "Each"},
        {"id": "3", "kind": "llm", "title": "Write", "parent": "2"},
        {"id": "4", "kind": "code", "title": "Same"},
        {"id": "5", "kind": "code", "title": "Same"},
    ],
    "edges": [{"source": "1", "target": "2"}, {"source": "2", "target": "4"}],
})  # fmt: skip


def run(*steps: tuple[str, str, str], run: str = "r") -> list[GraphStep]:
    """Steps one after the other: (node id, kind, title)."""
    return [
        GraphStep(
            f"{run}{n}",
            node_id=key,
            kind=kind,
            title=title,
            started_us=n * 10,
            ended_us=n * 10 + 5,
            index=n,
        )
        for n, (key, kind, title) in enumerate(steps)
    ]


BY_ID = (("1", "start", "Start"), ("2", "iteration", "Each"))
BY_TITLE = (("Start", "start", "Start"), ("Each", "iteration", "Each"))


def test_ids_are_taken_as_they_are() -> None:
    runs = [run(*BY_ID)]
    assert align_ids(SENT, runs) is SENT


def test_a_node_takes_the_name_that_its_runs_give_it() -> None:
    runs = [run(*BY_TITLE, ("Write", "llm", "Write"))]
    graph = complete_graph(align_ids(SENT, runs), infer_graph(runs))
    assert [node.id for node in graph.nodes] == ["Start", "Each", "Write", "4", "5"]
    assert graph.nodes[2].parent == "Each"
    assert {(e.source, e.target): e.runs for e in graph.edges} == {
        ("Start", "Each"): 1, ("Each", "4"): 0,
    }  # fmt: skip


def test_runs_that_name_a_node_by_id_or_title_are_counted_together() -> None:
    runs = [run(*BY_ID, run="a"), run(*BY_TITLE, run="b")]
    graph = complete_graph(align_ids(SENT, runs), infer_graph(runs))
    assert [node.id for node in graph.nodes] == ["1", "2", "3", "4", "5"]
    assert [node.runs for node in graph.nodes] == [2, 2, 0, 0, 0]
    assert {(e.source, e.target): e.runs for e in graph.edges}["1", "2"] == 2


def test_a_title_that_two_nodes_have_identifies_neither() -> None:
    runs = [run(*BY_TITLE, ("Same", "code", "Same"))]
    assert [node.id for node in align_ids(SENT, runs).nodes] == ["Start", "Each", "3", "4", "5"]
    assert match_steps(SENT, runs) is GraphMatch.NONE


def test_how_sure_a_match_is() -> None:
    assert match_steps(SENT, [run(*BY_ID)]) is GraphMatch.IDS
    assert match_steps(SENT, [run(*BY_ID), run(*BY_TITLE)]) is GraphMatch.TITLES
    assert match_steps(SENT, [run(*BY_TITLE, ("x", "tool", "Other"))]) is GraphMatch.NONE
    beside = ("suggested_question", "tool", "suggested_question")
    assert match_steps(SENT, [run(*BY_TITLE, beside)]) is GraphMatch.TITLES
    assert match_steps(SENT, [run(("Start", "start", "Start"))]) is GraphMatch.NONE  # all have one
    assert match_steps(SENT, []) is GraphMatch.NONE


def test_what_a_node_did_inside_is_no_node_of_the_graph() -> None:
    steps = run(*BY_ID, ("thought", "llm", "Thought"), ("Write", "llm", "Write"))
    steps[2] = replace(steps[2], parent_id=steps[0].id)
    steps[3] = replace(steps[3], parent_id=steps[1].id)
    assert match_steps(SENT, [steps]) is GraphMatch.TITLES
