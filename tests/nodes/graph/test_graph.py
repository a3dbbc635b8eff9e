"""The graph that runs show: nodes, edges, counts; the graph that somebody sent."""

import random
from collections.abc import Sequence
from itertools import count
from typing import Any

from nodes.graph.graph import (
    Graph,
    branches_not_taken,
    complete_graph,
    edges_taken,
    infer_graph,
    sent_graph,
)
from nodes.graph.steps import GraphStep
from nodes.graph.taken_edges import END

ids = count()


def step(
    node_id: str, start: int | None = None, end: int | None = None, **fields: Any
) -> GraphStep:
    number = next(ids)
    fields.setdefault("title", node_id.rpartition("/")[2])
    fields.setdefault("kind", "llm")
    return GraphStep(
        f"{number:06}", node_id=node_id, started_us=start, ended_us=end, index=number, **fields
    )


def in_turn(*node_ids: str) -> list[GraphStep]:
    """Steps that ran one after the other."""
    return [step(node_id, 10 * n, 10 * n + 8) for n, node_id in enumerate(node_ids)]


def edges(graph: Graph) -> dict[str, int]:
    """{"a>b" or "a>b:handle": runs}."""
    return {
        f"{e.source}>{e.target}" + (f":{e.handle}" if e.handle else ""): e.runs for e in graph.edges
    }


def test_steps_in_turn_are_joined_and_counted_by_run() -> None:
    graph = infer_graph([in_turn("a", "b", "c"), in_turn("a", "b")])
    assert edges(graph) == {"a>b": 2, "b>c": 1}
    assert [(node.id, node.runs) for node in graph.nodes] == [("a", 2), ("b", 2), ("c", 1)]
    assert (graph.inferred, graph.runs) == (True, 2)


def test_a_loop_leads_back() -> None:
    graph = infer_graph([in_turn("agent", "tools", "agent", "tools", "agent", "finish")])
    assert edges(graph) == {"agent>tools": 1, "tools>agent": 1, "agent>finish": 1}


def test_steps_that_overlap_are_parallel_and_join() -> None:
    run = [
        step("plan", 0, 10), step("retrieve-1", 11, 30), step("retrieve-2", 12, 25),
        step("retrieve-3", 13, 40), step("draft", 41, 50),
    ]  # fmt: skip
    assert set(edges(infer_graph([run]))) == {
        "plan>retrieve-1", "plan>retrieve-2", "plan>retrieve-3",
        "retrieve-1>draft", "retrieve-2>draft", "retrieve-3>draft",
    }  # fmt: skip


def test_items_of_a_fan_out_are_parallel_however_they_were_run() -> None:
    items = [step("retrieve", 20 + 10 * n, 28 + 10 * n, fan_out=n) for n in range(3)]
    graph = infer_graph([[step("plan", 0, 8), *items, step("draft", 60, 70)]])
    assert edges(graph) == {"plan>retrieve": 1, "retrieve>draft": 1}


def test_what_the_producer_reports_beats_time() -> None:
    a, b = step("a", 0, 10), step("b", 11, 20)
    graph = infer_graph([[a, b, step("c", 21, 30, ran_after=(a.id,))]])
    assert edges(graph) == {"a>b": 1, "a>c": 1}


def test_an_inner_router_names_the_edge_of_its_node() -> None:
    classify = step("classify", 0, 20)
    route = step("classify/route", 15, 18, parent_id=classify.id, kind="branch", taken="agent")
    graph = infer_graph([[classify, route, step("agent", 21, 30)]])
    assert edges(graph) == {"classify>agent:agent": 1}
    assert graph.edges[0].via == "classify/route"
    assert graph.node("classify/route").parent == "classify"


def test_a_case_that_is_no_node_labels_the_edge() -> None:
    runs = [
        [step("if", 0, 5, kind="if-else", taken=case), step(after, 6, 9)]
        for case, after in (("true", "refund"), ("false", "reject"), ("true", "refund"))
    ]
    assert edges(infer_graph(runs)) == {"if>refund:true": 2, "if>reject:false": 1}


def test_a_router_may_end_the_run() -> None:
    review = step("review", 0, 20)
    ok = step("review/ok", 15, 18, parent_id=review.id, kind="branch", taken=END)
    graph = infer_graph([[review, ok], in_turn("review", "draft")])
    assert edges(graph) == {"review>__end__:__end__": 1, "review>draft": 1}
    assert graph.node(END).runs == 1


def test_an_edge_that_was_chosen_and_not_reached_is_known_from_other_runs() -> None:
    crashed = [step("if", 0, 5, kind="if-else", taken="refund")]
    assert edges(infer_graph([crashed])) == {}
    assert edges(infer_graph([crashed, in_turn("if", "refund")]))["if>refund:refund"] == 1


def test_iterations_of_a_loop_are_inside_it_and_apart() -> None:
    each = step("each", 0, 100, kind="iteration")
    inner = [
        step(node_id, 10 * n + at, 10 * n + at + 3, parent_id=each.id, iteration=str(n))
        for n in range(3) for at, node_id in ((0, "write"), (4, "check"))
    ]  # fmt: skip
    graph = infer_graph([[each, *inner, step("end", 101, 102)]])
    assert edges(graph) == {"write>check": 1, "each>end": 1}
    assert graph.node("write").parent == "each"


def test_failures_and_the_newest_execution_are_kept() -> None:
    old = [step("a", 0, 5, status="failed"), step("a", 6, 9)]
    new = [step("a", 100, 105, status="exception", title="A, renamed")]
    again = [step("a", 50, 51, status="retry"), step("a", 52, 53)]
    worse = [step("a", 60, 61, status="exception"), step("a", 62, 63, status="failed")]
    node = infer_graph([new, old, again, worse]).node("a")
    assert (node.runs, node.failed, node.handled, node.retried) == (4, 2, 1, 1)
    assert (node.last_id, node.last_status, node.title) == (new[0].id, "exception", "A, renamed")


def test_an_attempt_that_was_tried_again_is_no_loop() -> None:
    run = [step("a", 0, 5), step("b", 6, 9, status="retry"), step("b", 10, 15), step("c", 16, 18)]
    assert edges(infer_graph([run])) == {"a>b": 1, "b>c": 1}


def test_steps_without_times_or_ids_or_parents() -> None:
    run = [
        step("a"), step("b", parent_id="never received"), step("", title="Write", kind="llm"),
        step("", title="Write", kind="tool"),
    ]  # fmt: skip
    graph = infer_graph([run])
    assert {node.id for node in graph.nodes} == {"a", "b", "Write (llm)", "Write (tool)"}
    assert edges(graph)["a>b"] == 1
    assert infer_graph([]) == infer_graph([[]]).__class__()


def test_a_container_inside_itself_is_cut() -> None:
    runs = []
    for outer, inner in ("ab", "ba"):
        top = step(outer, 0, 50)
        runs.append([top, *(step(inner, n, n + 5, parent_id=top.id) for n in (1, 10))])
    assert {node.id: node.parent for node in infer_graph(runs).nodes} == {"a": "b", "b": None}


def some_runs() -> list[list[GraphStep]]:
    review = step("review", 40, 60)
    return [
        in_turn("classify", "agent", "tools", "agent", "finish"),
        in_turn("classify", "agent", "finish"),
        [*in_turn("classify", "plan"), step("retrieve", 20, 30, fan_out=0),
         step("retrieve", 31, 39, fan_out=1), review,
         step("review/ok", 50, 55, parent_id=review.id, kind="branch", taken=END)],
    ]  # fmt: skip


def test_the_order_of_runs_does_not_matter() -> None:
    runs: list[list[GraphStep]] = some_runs()
    expected = infer_graph(runs)
    for seed in range(10):
        mixed: list[Sequence[GraphStep]] = list(runs)
        random.Random(seed).shuffle(mixed)
        assert infer_graph(mixed) == expected


def test_the_graph_grows_with_new_edges() -> None:
    runs = some_runs()
    before, after = infer_graph(runs[:1]), infer_graph(runs)
    assert {node.id for node in before.nodes} < {node.id for node in after.nodes}
    for key, times in edges(before).items():
        assert edges(after)[key] >= times


def test_a_sent_graph_wins_and_is_counted() -> None:
    sent = sent_graph({
        "nodes": [{"id": "if", "kind": "if-else", "title": "Refund?", "x": 10, "y": 5},
                  {"id": "yes"}, {"id": "no"}, {"id": "agent", "config": {"model": "m"}}],
        "edges": [{"source": "if", "target": "yes", "handle": "case-1"},
                  {"source": "if", "target": "no", "handle": "false"},
                  {"source": "yes", "target": "agent"}, {"source": "yes", "target": "gone"}],
    })  # fmt: skip
    agent = step("agent", 20, 30)
    run = [step("if", 0, 5, taken="true"), step("yes", 6, 9), agent,
           step("agent/chat", 21, 25, parent_id=agent.id)]  # fmt: skip
    graph = complete_graph(sent, infer_graph([run, run[:2]]))
    assert not graph.inferred
    assert edges(graph) == {"if>no:false": 0, "if>yes:case-1": 2, "yes>agent": 1}
    assert [(node.id, node.runs) for node in graph.nodes] == [
        ("if", 2), ("yes", 2), ("no", 0), ("agent", 1), ("agent/chat", 1)
    ]  # fmt: skip
    assert (graph.node("if").x, graph.node("agent").config) == (10, {"model": "m"})
    assert edges_taken(graph, run) == {("if", "yes", "case-1"), ("yes", "agent", "")}


def test_an_unreadable_sent_graph_is_empty() -> None:
    for data in (
        None,
        [],
        "x",
        {"nodes": None},
        {"nodes": 5, "edges": "x"},
        {"nodes": [1, {"title": "no id"}], "edges": [7]},
    ):
        assert sent_graph(data).nodes == ()


def test_branches_not_taken() -> None:
    graph = infer_graph(some_runs())
    assert branches_not_taken(graph, ["classify", "agent", "finish"]) == {
        "classify": ["plan"], "agent": ["tools"],
    }  # fmt: skip
    assert branches_not_taken(graph, ["classify"]) == {}
    assert branches_not_taken(graph, ["nobody"]) == {}
