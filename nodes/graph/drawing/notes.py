"""Places canvas notes above and below a drawing. Pure; sizes in pixels.

The drawing arranges nodes anew, so that a note cannot stand where it stood on the canvas. It stands
over (or under) the node that was nearest to it there, in as few rows as possible.
"""

from collections.abc import Sequence
from functools import partial
from math import ceil

from nodes.graph.canvas_notes import CanvasNote
from nodes.graph.drawing.shapes import Card, Drawing, NoteCard, columns_of

MAX_NOTES = 40
NARROWEST, WIDEST, USUAL = 200, 420, 260
HIGHEST = 220  # a longer note is scrolled
LINE, PADDING = 18, 20
COLUMN = 6.6  # width of a column of type
GAP = 20
NEAR = 160  # how far from its node a note may stand before it begins a row of its own
NODE = (244, 90)  # size of a node on Dify's canvas


def add_notes(drawing: Drawing, notes: Sequence[CanvasNote]) -> None:
    """Add the notes to the drawing, which is moved down by what stands above it."""
    anchors = [card for card in drawing.cards if card.node.x is not None]
    above: list[NoteCard] = []
    below: list[NoteCard] = []
    for note in notes[:MAX_NOTES]:
        width = round(min(max(note.width or USUAL, NARROWEST), WIDEST))
        card = NoteCard(note, 0, 0, width, _height(note, width))
        anchor = min(anchors, key=partial(_distance, card), default=None)
        card.x = anchor.x if anchor else 0
        is_below = anchor and (note.y or 0) > (anchor.node.y or 0)
        (below if is_below else above).append(card)
    for row in _rows(below):
        drawing.height += GAP
        for card in row:
            card.y = drawing.height
        drawing.height += max(card.height for card in row)
        drawing.notes += row
    for row in _rows(above):
        height = max(card.height for card in row)
        drawing.move_down(height + GAP)
        for card in row:
            card.y = height - card.height
        drawing.notes += row
    drawing.width = max([drawing.width, *(card.x + card.width for card in drawing.notes)])
    drawing.hidden_notes = max(0, len(notes) - MAX_NOTES)


def _height(note: CanvasNote, width: int) -> int:
    columns = (width - PADDING) / COLUMN
    lines = sum(max(1, ceil(columns_of(line) / columns)) for line in note.text.splitlines())
    return min(HIGHEST, (lines + bool(note.author)) * LINE + PADDING)


def _distance(card: NoteCard, node: Card) -> tuple[float, float]:
    """Return how far a note was from a node on the canvas: between their edges, squared, and where
    that is equal between their middles."""
    x, y = (card.note.x or 0) - (node.node.x or 0), (card.note.y or 0) - (node.node.y or 0)
    across = max(0, -x - card.width, x - NODE[0])
    along = max(0, -y - card.height, y - NODE[1])
    middles = abs(x + (card.width - NODE[0]) / 2) + abs(y + (card.height - NODE[1]) / 2)
    return across**2 + along**2, middles


def _rows(cards: list[NoteCard]) -> list[list[NoteCard]]:
    """Move cards to the right until none overlaps another of its row; the first row is nearest to
    the drawing."""
    rows: list[list[NoteCard]] = []
    for card in sorted(cards, key=lambda card: (card.x, card.note.x or 0, card.note.y or 0)):
        for row in rows:
            x = max(card.x, row[-1].x + row[-1].width + GAP)
            if x - card.x <= NEAR:
                card.x = x
                row.append(card)
                break
        else:
            rows.append([card])
    return rows
