"""The elements of a drawing: cards and lines with their positions in pixels. Pure."""

import unicodedata
from dataclasses import dataclass, field

from nodes.choices import status_label
from nodes.graph.canvas_notes import CanvasNote
from nodes.graph.drawing.routes import Route
from nodes.graph.graph import GraphEdge, GraphNode
from nodes.kinds import kind_of


@dataclass(slots=True)
class Card:
    """A node as drawn: `shape` is "card", "box" (a container), "chip" (an inner step listed on a
    card), "start" (where the inside of a container begins) or "end". `note` says how often it ran
    or went wrong, with `alarm` "failed", or "warned" where the run went on; `status` is that of its
    newest execution. `state` is "unused" where no run came through, "skipped" where the run that is
    shown did not, else ""."""

    node: GraphNode
    x: int
    y: int
    width: int
    height: int
    shape: str
    chips: list["Card"] = field(default_factory=list)
    more: int = 0
    status: str = ""
    note: str = ""
    alarm: str = ""
    state: str = ""

    def __post_init__(self) -> None:
        node = self.node
        self.status = node.last_status
        self.note = "1 run" if node.runs == 1 else f"{node.runs} runs" if node.runs else "never run"
        self.warn(node.failed, node.handled, node.retried, node.runs)

    def warn(self, failed: int, handled: int, retried: int, total: int) -> None:
        """Say how many of `total` runs or executions went wrong, if any did: the worst of it."""
        for count, word, alarm in (
            (failed, "failed", "failed"),
            (handled, "handled", "warned"),
            (retried, "retried", "warned"),
        ):
            if count:
                self.alarm = alarm
                self.note = word if total == 1 else f"{count} of {total} {word}"
                return

    def move(self, x: int, y: int) -> "Card":
        self.x, self.y = self.x + x, self.y + y
        for chip in self.chips:
            chip.move(x, y)
        return self

    @property
    def group(self) -> str:
        return kind_of(self.node.kind).group

    @property
    def kind(self) -> str:
        return kind_of(self.node.kind).label

    @property
    def status_label(self) -> str:
        return status_label(self.status)


@dataclass(slots=True)
class EdgeLine:
    """Edges between the same two cards, drawn as one, with a `description` in words. `state` is
    "unused" where no run went, "skipped" where the run that is shown did not go, else ""."""

    edges: tuple[GraphEdge, ...]
    route: Route
    label: str
    description: str
    state: str = ""

    def __post_init__(self) -> None:
        self.state = "" if self.runs else "unused"

    @property
    def runs(self) -> int:
        return max(edge.runs for edge in self.edges)


@dataclass(slots=True)
class NoteCard:
    """A canvas note as drawn."""

    note: CanvasNote
    x: int
    y: int
    width: int
    height: int


@dataclass(slots=True)
class Drawing:
    """`hidden`, `hidden_edges`, `hidden_notes`: how many nodes, edges between drawn ones, and notes
    are left out, because there are too many to see anything."""

    cards: list[Card] = field(default_factory=list)
    lines: list[EdgeLine] = field(default_factory=list)
    notes: list[NoteCard] = field(default_factory=list)
    width: int = 0
    height: int = 0
    hidden: int = 0
    hidden_edges: int = 0
    hidden_notes: int = 0

    def move_down(self, down: int) -> None:
        for card in self.cards:
            card.move(0, down)
        for line in self.lines:
            line.route = line.route.moved(0, down)
        for note in self.notes:
            note.y += down
        self.height += down


def clip_text(text: str, room: int) -> str:
    """Return `text` on one line in at most `room` columns of type, without invisible characters."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if columns_of(text) <= room:
        return text
    kept = ""
    for character in text:
        if columns_of(kept + character) >= room:
            break
        kept += character
    return kept.rstrip() + "…"


def columns_of(text: str) -> int:
    """Return the width in columns of type, of which East Asian characters take two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
