"""The drawing: nothing overlaps, everything is there, the same graph gives the same picture."""

import random
from itertools import pairwise

import pytest

from nodes.graph.canvas_notes import CanvasNote
from nodes.graph.drawing.layout import MAX_NODES, layout
from nodes.graph.drawing.notes import HIGHEST
from nodes.graph.drawing.picture import draw_picture
from nodes.graph.drawing.shapes import Card, Drawing, NoteCard, clip_text, columns_of
from nodes.graph.graph import (
    Graph,
    GraphEdge,
    GraphNode,
    complete_graph,
    infer_graph,
    sent_graph,
)
from nodes.graph.steps import GraphStep
from nodes.graph.taken_edges import END


def graph(*edges: str, **parents: str) -> Graph:
    """From "a>b" strings (or a lone "a"); parents as keywords: b="a"."""
    names = dict.fromkeys(name for edge in edges for name in edge.split(">"))
    names |= dict.fromkeys(parents)
    nodes = tuple(GraphNode(name, "llm", name.title(), parents.get(name), runs=4) for name in names)
    return Graph(nodes, tuple(GraphEdge(*e.split(">"), runs=4) for e in edges if ">" in e), runs=4)


def by_id(drawing: Drawing) -> dict[str, Card]:
    return {card.node.id: card for card in drawing.cards}


def overlap(a: Card | NoteCard, b: Card | NoteCard) -> bool:
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


def branching(count: int, *, to_the_same: int = 0) -> Graph:
    """A question with `count` answers, of which the last `to_the_same` lead straight to the end."""
    kept = count - to_the_same
    nodes = [GraphNode("ask", "question-classifier", "Ask", runs=9), GraphNode("last", "end", "E")]
    edges = []
    for n in range(count):
        name = f"问题分类 {n} with a long name" if n % 2 else f"Class {n}"
        if n < kept:
            nodes.append(GraphNode(f"a{n}", "llm", f"Answer {n}", runs=1))
            edges += [GraphEdge("ask", f"a{n}", name, 1), GraphEdge(f"a{n}", "last", runs=1)]
        else:
            nodes.append(GraphNode(f"b{n}", "if-else", f"Check {n}", runs=2))
            edges += [GraphEdge("ask", f"b{n}", name, 1), GraphEdge(f"b{n}", "last", "ELSE", 1)]
            edges.append(GraphEdge(f"b{n}", f"a{n % max(kept, 1)}", "IF", 1))
    return Graph(tuple(nodes), tuple(edges), runs=9)


@pytest.mark.parametrize(("count", "to_the_same"), [(2, 0), (9, 0), (9, 3), (25, 5), (3, 3)])
def test_labels_of_a_branch_stand_apart_and_on_their_lines(count: int, to_the_same: int) -> None:
    drawing = layout(branching(count, to_the_same=to_the_same))
    check(drawing)
    labels = [(*line.route.label, line) for line in drawing.lines if line.label]
    assert len(labels) >= count
    for n, (x, y, line) in enumerate(labels):
        half = 7 * columns_of(line.label) / 2
        for other_x, other_y, other in labels[n + 1 :]:
            room = half + 7 * columns_of(other.label) / 2
            assert abs(x - other_x) >= room or abs(y - other_y) >= 14, (line.label, other.label)
        for card in drawing.cards:
            apart = x + half <= card.x or card.x + card.width <= x - half
            assert apart or y + 7 <= card.y or card.y + card.height <= y - 7, line.label
        if line.edges[0].source == "ask":  # a level piece of its own
            assert y in {points[-1][1] for _, points in line.route.commands}


def test_the_start_of_a_container_is_a_marker_and_counts_as_its_container() -> None:
    sent = sent_graph({
        "nodes": [
            {"id": "each", "kind": "iteration", "title": "Each"},
            {"id": "begin", "kind": "iteration-start", "title": "Start", "parent": "each"},
            {"id": "clean", "kind": "code", "title": "Clean", "parent": "each"},
        ],
        "edges": [{"source": "begin", "target": "clean"}],
    })  # fmt: skip
    steps = [GraphStep("1", node_id="each", kind="iteration"),
             GraphStep("2", parent_id="1", node_id="clean", kind="code")]  # fmt: skip
    made = complete_graph(sent, infer_graph([steps]))
    assert [(node.id, node.runs) for node in made.nodes] == [
        ("each", 1),
        ("begin", 1),
        ("clean", 1),
    ]
    assert [edge.runs for edge in made.edges] == [1]
    for picture in (draw_picture(made), draw_picture(made, "", steps)):
        marker = next(card for card in picture.cards() if card.node.id == "begin")
        assert (marker.shape, marker.state) == ("start", "")
        assert [line.state for line in picture.drawing.lines] == [""]
        assert "begin" not in [node.id for node, _, _ in picture.in_order()]
    skipped = draw_picture(made, "", [GraphStep("3", node_id="other")])
    assert {card.state for card in skipped.cards() if card.node.id != "other"} == {"skipped"}


def note_at(x: float | None, y: float | None, text: str = "Ask first.") -> CanvasNote:
    return CanvasNote(text, "Ana", x=x, y=y)


def test_notes_stand_at_the_nodes_that_they_were_nearest_to() -> None:
    nodes = [GraphNode(f"n{n}", "llm", f"N{n}", x=300.0 * n, y=100.0) for n in range(6)]
    edges = [GraphEdge(f"n{n}", f"n{n + 1}") for n in range(5)]
    notes = [note_at(890, -50), note_at(0, 400), note_at(10, 500), note_at(None, None),
             note_at(1500, -400, "long " * 900)]  # fmt: skip
    picture = draw_picture(Graph(tuple(nodes), tuple(edges), inferred=False), notes=notes)
    drawing = picture.drawing
    placed = {id(card.note): card for card in drawing.notes}
    over, under, second, unplaced, long = (placed[id(note)] for note in notes)
    cards = by_id(drawing)
    assert over.x == cards["n3"].x and over.y + over.height < cards["n3"].y
    assert under.x == cards["n0"].x and under.y > cards["n0"].y + cards["n0"].height
    assert second.y > under.y and long.height <= HIGHEST and unplaced.x == 0
    boxes = [*drawing.cards, *drawing.notes]
    for n, a in enumerate(boxes):
        assert min(a.x, a.y) >= 0
        assert a.x + a.width <= drawing.width and a.y + a.height <= drawing.height
        assert not any(overlap(a, b) for b in boxes[n + 1 :])
    many = draw_picture(Graph(), notes=[note_at(n * 7 % 90, n * 3) for n in range(200)]).drawing
    assert many.hidden_notes == 160 and len(many.notes) == 40


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
