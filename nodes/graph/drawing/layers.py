"""Draws one level of a graph: boxes in columns from left to right, with lines between them. Pure.

The usual layered drawing (Sugiyama): take out the edges that close a cycle, put every box into the
column after its last predecessor, let long edges run through empty places in the columns between,
order each column by the middle of its neighbours, then move boxes up and down until their lines are
straight. Edges that were taken out lead back below the boxes, or above. The same input gives the
same picture.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from nodes.graph.drawing.columns import SWEEPS, Columns
from nodes.graph.drawing.routes import BEND_WIDTH, Box, ReturnLine, Route, curve, loop_below

ROW_GAP = 28
LINE_GAP = 14  # between a box and a line that runs past it
PART_GAP = 44
LABEL_HEIGHT = 16
NUDGES = (0, 1, -1, 2, -2, 3, -3)  # by which heights of a label it gives way to another


@dataclass(slots=True)
class DrawingLevel:
    """Where the boxes stand (left, top), the lines by edge (source, target), and the extent."""

    spots: dict[int, tuple[int, int]] = field(default_factory=dict)
    routes: dict[tuple[int, int], Route] = field(default_factory=dict)
    width: int = 0
    height: int = 0


def arrange(sizes: Sequence[tuple[int, int]], edges: dict[tuple[int, int], int]) -> DrawingLevel:
    """Place boxes of the given sizes (width, height). `edges`: (source, target) → width of its
    label, 0 for none. Boxes are numbered in the order in which a reader should meet them."""
    level = DrawingLevel()
    single, parts = _connected_parts(len(sizes), edges)
    for part in parts:
        _PlacedPart(sizes, part, {e: room for e, room in edges.items() if e[0] in part}).add_to(
            level
        )
    _add_single(level, sizes, single)
    return level


def _connected_parts(
    count: int, edges: dict[tuple[int, int], int]
) -> tuple[list[int], list[set[int]]]:
    """Return the boxes without edges, and the connected parts."""
    near: dict[int, set[int]] = {}
    for source, target in edges:
        near.setdefault(source, set()).add(target)
        near.setdefault(target, set()).add(source)
    parts, seen = [], set[int]()
    for first in sorted(near):
        if first in seen:
            continue
        part, todo = {first}, [first]
        while todo:
            for box in near[todo.pop()] - part:
                part.add(box)
                todo.append(box)
        seen |= part
        parts.append(part)
    return [box for box in range(count) if box not in near], parts


def _add_single(
    level: DrawingLevel, sizes: Sequence[tuple[int, int]], boxes: Sequence[int]
) -> None:
    """Place boxes that nothing leads to or from in rows below the rest."""
    x, row_height = 0, 0
    y = level.height + PART_GAP if level.height else 0
    room = max(level.width, 5 * max((sizes[box][0] for box in boxes), default=0))
    for box in boxes:
        width, height = sizes[box]
        if x and x + width > room:
            x, y, row_height = 0, y + row_height + ROW_GAP, 0
        level.spots[box] = (x, y)
        row_height = max(row_height, height)
        level.width, level.height = max(level.width, x + width), max(level.height, y + height)
        x += width + ROW_GAP


class _PlacedPart(Columns):
    """The columns with heights and sides."""

    def __init__(
        self, sizes: Sequence[tuple[int, int]], boxes: set[int], edges: dict[tuple[int, int], int]
    ) -> None:
        super().__init__(sizes, boxes, edges)
        self.top = self._tops()
        self._set_columns()

    def _tops(self) -> dict[int, int]:
        """Return heights at which lines are as straight as the order of the columns allows."""
        middle: dict[int, float] = {}
        for column in self.columns:
            y = 0.0
            for item in column:
                middle[item] = y + self.size[item][1] / 2
                y += self.size[item][1] + ROW_GAP
        for sweep in range(SWEEPS + 1):  # the last one from the left: chains end up straight
            near = (self.left, self.right)[sweep % 2]
            for column in self.columns if near is self.left else reversed(self.columns):
                wish = [self._wished_middle(item, near[item], middle) for item in column]
                for item, y in zip(column, self._settle(column, wish), strict=True):
                    middle[item] = y
        lowest = min(middle[item] - self.size[item][1] / 2 for item in middle)
        return {item: round(y - self.size[item][1] / 2 - lowest) for item, y in middle.items()}

    def _wished_middle(self, item: int, near: list[int], middle: dict[int, float]) -> float:
        """Return the middle of the neighbours; the places of a long edge straighten each other."""
        weights = [8 if not self.size[item][0] and not self.size[n][0] else 1 for n in near]
        if not near:
            return middle[item]
        return sum(middle[n] * w for n, w in zip(near, weights, strict=True)) / sum(weights)

    def _settle(self, column: list[int], wish: list[float]) -> list[float]:
        """Return what is nearest to the wishes without overlap: neighbours that would overlap share
        their mean."""
        offsets, y = [], 0.0
        for above, item in zip([None, *column], column, strict=False):
            if above is not None:
                gap = ROW_GAP if self.size[above][0] and self.size[item][0] else LINE_GAP
                y += (self.size[above][1] + self.size[item][1]) / 2 + gap
            offsets.append(y)
        blocks: list[list[float]] = []  # sum of wishes, count
        for want, offset in zip(wish, offsets, strict=True):
            blocks.append([want - offset, 1.0])
            while len(blocks) > 1 and (
                blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]
            ):
                total, count = blocks.pop()
                blocks[-1][0] += total
                blocks[-1][1] += count
        means = [total / count for total, count in blocks for _ in range(int(count))]
        return [mean + offset for mean, offset in zip(means, offsets, strict=True)]

    def _set_columns(self) -> None:
        """Set the left and right side of each column; the gap after it has room for labels."""
        self.sides: list[tuple[int, int]] = []
        x = 0
        for rank, column in enumerate(self.columns):
            width = max(self.size[item][0] for item in column)
            self.sides.append((x, x + width))
            leaving = (self.edges[edge] for edge in self.forward if self.rank[edge[0]] == rank)
            x += width + BEND_WIDTH + max(leaving, default=0)

    def box(self, item: int) -> Box:
        """Return left, top, right, bottom; boxes stand in the middle of their column."""
        left, right = self.sides[self.rank[item]]
        width, height = self.size[item]
        x = (left + right - width) // 2
        return x, self.top[item], x + width, self.top[item] + height

    def add_to(self, level: DrawingLevel) -> None:
        """Draw the part below what `level` already holds."""
        boxes = {item: self.box(item) for item in self.size}
        routes = {}
        leaving = Counter(chain[0] for chain in self.chains.values())
        entering = Counter(chain[1] for chain in self.chains.values())
        for edge, chain in self.chains.items():
            places = [(*self.sides[self.rank[i]], boxes[i]) for i in chain]
            beside_others = entering[chain[1]] > 1
            label_at = (
                "target" if not beside_others else "middle" if leaving[chain[0]] > 1 else "source"
            )
            routes[edge] = curve(places, label_at if self.edges[edge] else "target")
        highest, lowest = self._draw_back(boxes, routes)
        self._part_labels(routes)
        down = (level.height + PART_GAP if level.height else 0) - highest
        for item, (x, y, _, _) in boxes.items():
            if self.size[item][0]:
                level.spots[item] = (x, y + down)
        level.routes |= {edge: route.moved(0, down) for edge, route in routes.items()}
        level.width = max(level.width, self.sides[-1][1])
        level.height = down + lowest

    def _part_labels(self, routes: dict[tuple[int, int], Route]) -> None:
        """Move labels up or down that would lie upon others."""
        taken: dict[int, list[tuple[int, int, int]]] = defaultdict(list)  # (left, right, y) by row
        for edge in sorted(routes, key=lambda edge: routes[edge].label):
            width, (x, y) = self.edges[edge], routes[edge].label
            if not width:
                continue
            left, right = x - width // 2, x + width // 2
            for nudge in NUDGES:
                at = y + nudge * LABEL_HEIGHT
                row = at // LABEL_HEIGHT
                near = (*taken[row - 1], *taken[row], *taken[row + 1])
                if not any(
                    left < end and start < right and abs(at - height) < LABEL_HEIGHT
                    for start, end, height in near
                ):
                    taken[row].append((left, right, at))
                    routes[edge] = routes[edge].with_label(x, at)
                    break

    def _draw_back(
        self, boxes: dict[int, Box], routes: dict[tuple[int, int], Route]
    ) -> tuple[int, int]:
        """Add the lines that lead back, short ones nearest to the boxes. Returns how far up and
        down the drawing reaches."""
        ends = [
            (min(boxes[item][1] for item in column), max(boxes[item][3] for item in column))
            for column in self.columns
        ]
        short_first = sorted(self.back, key=lambda e: (self.rank[e[0]] - self.rank[e[1]], e))
        for source, target in short_first:
            low, high = sorted((self.rank[source], self.rank[target]))
            if source == target:
                route = loop_below(boxes[source])
                ends[low] = (ends[low][0], max(ends[low][1], route.lane))
            else:
                below = not self.is_open(source, target, below=False) or self.is_open(
                    source, target, below=True
                )
                across = ends[low : high + 1]
                lane = max(end for _, end in across) if below else min(end for end, _ in across)
                route = ReturnLine(
                    boxes[source], boxes[target],
                    self.is_open(source, below=below), self.is_open(target, below=below),
                    self.sides[high][1], self.sides[low][0], lane, below,
                ).route()  # fmt: skip
                ends[low : high + 1] = [
                    (top, route.lane) if below else (route.lane, bottom) for top, bottom in across
                ]
            routes[source, target] = route
        margin = 8 if self.back else 0
        return min(top for top, _ in ends), max(bottom for _, bottom in ends) + margin
