"""The drawing: nothing overlaps, everything is there, the same graph gives the same picture."""

import random
from itertools import pairwise

import pytest

from nodes.graph.drawing.layout import MAX_NODES, layout
from nodes.graph.drawing.shapes import Card, Drawing, clip_text
from nodes.graph.graph import Graph, GraphEdge, GraphNode
from nodes.graph.taken_edges import END


def graph(*edges: str, **parents: str) -> Graph:
    """From "a>b" strings (or a lone "a"); parents as keywords: b="a"."""
    names = dict.fromkeys(name for edge in edges for name in edge.split(">"))
    names |= dict.fromkeys(parents)
    nodes = tuple(GraphNode(name, "llm", name.title(), parents.get(name), runs=4) for name in names)
    return Graph(nodes, tuple(GraphEdge(*e.split(">"), runs=4) for e in edges if ">" in e), runs=4)


def by_id(drawing: Drawing) -> dict[str, Card]:
    return {card.node.id: card for card in drawing.cards}


def overlap(a: Card, b: Card) -> bool:
    apart = a.x + a.width <= b.x or b.x + b.width <= a.x
    return not (apart or a.y + a.height <= b.y or b.y + b.height <= a.y)


def inside(inner: Card, outer: Card) -> bool:
    return (
        outer.x < inner.x and inner.x + inner.width < outer.x + outer.width
        and outer.y < inner.y and inner.y + inner.height < outer.y + outer.height
    )  # fmt: skip


def check(drawing: Drawing) -> None:
    """Boxes overlap only as containers and their steps do, and all lie in the picture."""
    cards = by_id(drawing)
    for i, a in enumerate(drawing.cards):
        assert min(a.x, a.y) >= 0
        assert a.x + a.width <= drawing.width and a.y + a.height <= drawing.height
        for b in drawing.cards[i + 1 :]:
            if overlap(a, b):
                assert inside(a, b) or inside(b, a), (a, b)
    for card in drawing.cards:
        if card.node.parent in cards:
            assert inside(card, cards[card.node.parent])


def some_graph(nodes: int, edges: int, seed: int = 0, containers: int = 0) -> Graph:
    draw = random.Random(seed)
    made = [GraphNode(f"box{n}", "iteration", f"Box {n}", runs=2) for n in range(containers)]
    for n in range(nodes):
        parent = f"box{draw.randrange(containers)}" if containers and n % 2 else None
        made.append(GraphNode(str(n), "llm", f"Node {n}", parent, runs=3))
    pairs = {
        (made[draw.randrange(len(made))].id, made[draw.randrange(len(made))].id)
        for _ in range(edges)
    }
    return Graph(tuple(made), tuple(GraphEdge(a, b, runs=1) for a, b in sorted(pairs)), runs=3)


@pytest.mark.parametrize("seed", range(8))
def test_no_two_boxes_overlap(seed: int) -> None:
    check(layout(some_graph(30, 20 + 8 * seed, seed)))
    check(layout(some_graph(30, 20 + 8 * seed, seed, containers=4)))


def test_nodes_stand_after_those_that_lead_to_them() -> None:
    drawing = layout(graph("a>b", "b>c", "a>c", "b>d"))
    cards = by_id(drawing)
    assert cards["a"].x < cards["b"].x < cards["c"].x == cards["d"].x
    assert len(drawing.lines) == 4


def test_a_line_that_leads_back_runs_below() -> None:
    drawing = layout(graph("start>agent", "agent>tools", "tools>agent", "agent>end"))
    cards = by_id(drawing)
    back = [line for line in drawing.lines if line.route.back]
    assert [line.edges[0].key[:2] for line in back] == [("tools", "agent")]
    lowest = max(y for _, points in back[0].route.commands for _, y in points)
    assert lowest > max(cards[name].y + cards[name].height for name in ("agent", "tools"))
    assert drawing.height > lowest


def test_a_long_line_goes_round_the_boxes_between() -> None:
    drawing = layout(graph("a>b", "b>c", "a>c"))
    between = by_id(drawing)["b"]
    long = next(line for line in drawing.lines if line.edges[0].key[:2] == ("a", "c"))
    points = [points[-1] for _, points in long.route.commands]
    crossing = [
        y for (x1, y), (x2, _) in pairwise(points)
        if x1 <= between.x + between.width and x2 >= between.x
    ]  # fmt: skip
    assert crossing
    assert all(y < between.y or y > between.y + between.height for y in crossing)


@pytest.mark.parametrize(
    "edges",
    [(), ("a",), ("a>a",), ("a>b", "b>a"), ("a>b", "c>d", "e"), ("a>b", "b>c", "c>a", "c>c")],
)
def test_small_and_odd_graphs(edges: tuple[str, ...]) -> None:
    drawing = layout(graph(*edges))
    check(drawing)
    assert len(drawing.cards) == len({name for edge in edges for name in edge.split(">")})
    assert len(drawing.lines) == sum(">" in edge for edge in edges)


def test_few_inner_steps_are_listed_on_the_card() -> None:
    drawing = layout(graph("classify>agent", chat="classify", route="classify"))
    assert {card.node.id for card in drawing.cards} == {"classify", "agent"}
    assert [chip.node.id for chip in by_id(drawing)["classify"].chips] == ["chat", "route"]


def test_a_container_with_a_flow_is_a_box_around_it() -> None:
    made = graph("start>each", "a>b", "b>c", "c>a", a="each", b="each", c="each", d="each")
    nodes = tuple(
        GraphNode("each", "iteration", "Each") if node.id == "each" else node for node in made.nodes
    )
    drawing = layout(Graph(nodes, made.edges))
    assert by_id(drawing)["each"].shape == "box"
    assert len(drawing.cards) == 6
    check(drawing)


def test_edges_between_steps_of_two_containers_join_the_containers() -> None:
    boxes = [GraphNode(name, "iteration", name) for name in "xy"]
    steps = [GraphNode(name, "llm", name, name[0]) for name in ("x1", "x2", "y1")]
    edges = (
        GraphEdge("x1", "x2"),
        GraphEdge("x1", "y1"),
        GraphEdge("x2", "y1"),
        GraphEdge("x", "x1"),
    )
    drawing = layout(Graph((*boxes, *steps), edges))
    assert sorted(len(line.edges) for line in drawing.lines) == [1, 2]
    check(drawing)


def test_deep_and_circular_containers() -> None:
    chain = [GraphNode(f"n{i}", "loop", f"n{i}", f"n{i - 1}" if i else None) for i in range(300)]
    drawing = layout(Graph(tuple(chain), ()))
    assert len(drawing.cards) == 300
    assert any(overlap(a, b) for a, b in pairwise(drawing.cards))
    circle = (GraphNode("a", "loop", "a", "b"), GraphNode("b", "loop", "b", "a"))
    assert {card.node.id for card in layout(Graph(circle, ())).cards} == {"a", "b"}


def test_labels_tell_the_case_and_the_share() -> None:
    nodes = (GraphNode("if", "if-else", "If", runs=12), GraphNode("yes", "llm", "Yes", runs=7),
             GraphNode(END, "end", "End", runs=5))  # fmt: skip
    edges = (GraphEdge("if", "yes", "true", 7), GraphEdge("if", END, END, 5))
    drawing = layout(Graph(nodes, edges, runs=12))
    assert sorted(line.label for line in drawing.lines) == ["5 of 12", "true · 7 of 12"]
    assert by_id(drawing)[END].shape == "end"


def test_the_same_graph_gives_the_same_drawing() -> None:
    made = some_graph(40, 70, 3, containers=5)
    assert layout(made) == layout(made)


def test_many_nodes_are_drawn_and_a_huge_graph_says_what_is_missing() -> None:
    assert layout(some_graph(300, 450)).hidden == 0
    huge = layout(some_graph(1000, 1500))
    assert (len(huge.cards), huge.hidden) == (MAX_NODES, 1000 - MAX_NODES)


@pytest.mark.parametrize(
    ("text", "clipped"),
    [
        ("short", "short"),
        ("a\nb\u202ec", "a b c"),
        ("x" * 30, "x" * 9 + "…"),
        ("検索検索検索", "検索検索…"),
    ],
)
def test_texts_are_cut_to_their_room(text: str, clipped: str) -> None:
    assert clip_text(text, 10) == clipped
