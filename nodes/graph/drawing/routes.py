"""Lines between boxes as SVG paths. Pure. A box is (left, top, right, bottom)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

Box = tuple[int, int, int, int]
Point = tuple[int, int]

ARROW = 3  # the line ends before the box; the arrow's head fills the rest
BEND = 8
BEND_WIDTH = 44  # of the piece of a gap in which a line goes up or down
BEYOND = 18


@dataclass(frozen=True, slots=True)
class Route:
    """A line: path commands with their points, the middle of its label, the height of its lane."""

    commands: tuple[tuple[str, tuple[Point, ...]], ...]
    label: Point
    lane: int
    back: bool = False

    def with_label(self, x: int, y: int) -> "Route":
        return replace(self, label=(x, y))

    def moved(self, x: int, y: int) -> "Route":
        commands = tuple(
            (letter, tuple((px + x, py + y) for px, py in points))
            for letter, points in self.commands
        )
        label = (self.label[0] + x, self.label[1] + y)
        return replace(self, commands=commands, label=label, lane=self.lane + y)

    @property
    def path(self) -> str:
        """Return the value of an SVG `d` attribute."""
        return " ".join(
            letter + " ".join(f"{x},{y}" for x, y in points) for letter, points in self.commands
        )


def curve(places: Sequence[tuple[int, int, Box]], label_at: str = "target") -> Route:
    """Return a line from the right side of the first box to the left side of the last, level
    through the columns and bent in the gaps. `places`: left and right of the column, and the box
    in it.

    A line bends at the beginning of a gap, so that its label stands on the level piece before the
    next column, where no other line of the same source runs. `label_at`: "target" for that;
    "source": it bends at the end of the first gap, with the label before; "middle": on the bend.
    """
    middles = [(top + bottom) // 2 for _, _, (_, top, _, bottom) in places]
    commands: list[tuple[str, tuple[Point, ...]]] = [("M", ((places[0][2][2], middles[0]),))]
    label = (0, 0)
    for at, (here, after) in enumerate(pairwise(places)):
        start, end, y1, y2 = here[1], after[0], middles[at], middles[at + 1]
        bend_from, bend_to = start, min(end - ARROW, start + BEND_WIDTH)
        if not at and label_at == "source":
            bend_from, bend_to = max(start, end - ARROW - BEND_WIDTH), end - ARROW
            label = ((start + bend_from) // 2, y1)
        elif not at and label_at == "middle":
            bend_to = end - ARROW
            label = ((start + end) // 2, (y1 + y2) // 2)
        elif not at:
            label = ((bend_to + end - ARROW) // 2, y2)
        half = (bend_to - bend_from) // 2
        commands.append(("L", ((bend_from, y1),)))
        commands.append(("C", ((bend_from + half, y1), (bend_to - half, y2), (bend_to, y2))))
    commands.append(("L", ((places[-1][2][0] - ARROW, middles[-1]),)))
    return Route(tuple(commands), label, max(middles))


def loop_below(box: Box) -> Route:
    """Return a line from a box to itself."""
    left, _, right, bottom = box
    x = (left + right) // 2
    low = bottom + 15
    return bent([(x + 26, bottom), (x + 26, low), (x - 26, low), (x - 26, bottom + ARROW)], low)


@dataclass(frozen=True, slots=True)
class ReturnLine:
    """What a line that leads back needs to know: both boxes, whether nothing stands between each
    and the lane, the outer sides of their columns, and the lane (above everything, or below)."""

    source: Box
    target: Box
    source_open: bool
    target_open: bool
    right_side: int
    left_side: int
    lane: int
    below: bool

    def route(self) -> Route:
        """Return the line up or down to the lane, along it, and to the target. A box that is not
        open is left by its right side, or met at its left."""
        edge, sign = (3, 1) if self.below else (1, -1)
        lane = self.lane + sign * BEYOND
        if self.source_open:
            x = (self.source[0] + self.source[2]) // 2 - 16
            points = [(x, self.source[edge])]
        else:
            x, y = self.right_side + 12, (self.source[1] + self.source[3]) // 2 + 10
            points = [(self.source[2], y), (x, y)]
        points.append((x, lane))
        if self.target_open:
            x = (self.target[0] + self.target[2]) // 2 + 16
            points += [(x, lane), (x, self.target[edge] + sign * ARROW)]
        else:
            x, y = self.left_side - 14, (self.target[1] + self.target[3]) // 2 + 10
            points += [(x, lane), (x, y), (self.target[0] - ARROW, y)]
        return bent(points, lane)


def bent(points: Sequence[Point], lane: int) -> Route:
    """Return straight pieces with round corners; the label stands on the piece along the lane."""
    commands: list[tuple[str, tuple[Point, ...]]] = [("M", (points[0],))]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        commands.append(("L", (_towards(corner, before),)))
        commands.append(("Q", (corner, _towards(corner, after))))
    commands.append(("L", (points[-1],)))
    ends = [x for x, y in points if y == lane]
    return Route(tuple(commands), ((min(ends) + max(ends)) // 2, lane), lane, back=True)


def _towards(corner: Point, end: Point) -> Point:
    """Return a point from the corner towards `end`, at most BEND away and not past the middle."""
    across, along = end[0] - corner[0], end[1] - corner[1]
    far = max(abs(across), abs(along), 1)
    near = min(BEND, far // 2)
    return (corner[0] + across * near // far, corner[1] + along * near // far)
