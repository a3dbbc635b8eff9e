"""Assigns the boxes of a drawing to columns and orders each column. Pure."""

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

LANE = 12
SWEEPS = 6
LARGE = 3000  # items from which on fewer sweeps must do


def backward(nodes: Sequence[int], edges: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
    """Return the edges that close a cycle, searching first from the boxes without an incoming
    edge."""
    following: dict[int, list[int]] = {node: [] for node in nodes}
    for source, target in sorted(edges):
        following[source].append(target)
    entered = {target for source, target in edges if source != target}
    closing: set[tuple[int, int]] = set()
    state: dict[int, int] = {}
    for root in sorted(nodes, key=lambda node: (node in entered, node)):
        if root in state:
            continue
        state[root] = 1
        stack = [(root, iter(following[root]))]
        while stack:
            node, targets = stack[-1]
            target = next(targets, -1)
            if target < 0:
                state[node] = 2
                stack.pop()
            elif state.get(target) == 1:
                closing.add((node, target))
            elif target not in state:
                state[target] = 1
                stack.append((target, iter(following[target])))
    return closing


class Columns:
    """A connected part in columns from left to right. Items are its boxes, and places (numbers from
    `len(sizes)` on) where a long edge runs through a column: they have no width."""

    def __init__(
        self, sizes: Sequence[tuple[int, int]], boxes: set[int], edges: dict[tuple[int, int], int]
    ) -> None:
        self.size = {box: sizes[box] for box in sorted(boxes)}
        self.edges = edges
        self.back = backward(sorted(boxes), list(edges))
        self.forward = sorted(set(edges) - self.back)
        self.rank = self._ranks()
        self.chains: dict[tuple[int, int], list[int]] = {}
        self.left: dict[int, list[int]] = defaultdict(list)
        self.right: dict[int, list[int]] = defaultdict(list)
        self._lay_chains(len(sizes))
        self.columns = self._ordered()

    def _ranks(self) -> dict[int, int]:
        after: dict[int, list[int]] = defaultdict(list)
        waits = dict.fromkeys(self.size, 0)
        for source, target in self.forward:
            after[source].append(target)
            waits[target] += 1
        rank = dict.fromkeys(self.size, 0)
        ready = [box for box, count in waits.items() if not count]
        starts = list(ready)
        for box in ready:
            for target in after[box]:
                rank[target] = max(rank[target], rank[box] + 1)
                waits[target] -= 1
                if not waits[target]:
                    ready.append(target)
        for box in starts:  # a late beginning stands before what it leads to
            rank[box] = min((rank[target] for target in after[box]), default=1) - 1
        return rank

    def _lay_chains(self, first_place: int) -> None:
        place = first_place
        for source, target in self.forward:
            chain = [source]
            for rank in range(self.rank[source] + 1, self.rank[target]):
                self.rank[place], self.size[place] = rank, (0, LANE)
                chain.append(place)
                place += 1
            chain.append(target)
            self.chains[source, target] = chain
            for a, b in pairwise(chain):
                self.right[a].append(b)
                self.left[b].append(a)

    def _ordered(self) -> list[list[int]]:
        """Return columns with few crossings: sweeps to and fro, the best one kept."""
        best: list[list[int]] = []
        fewest = 1 << 62
        returning = {source for source, target in self.back if source != target}
        for outermost in (returning, set(self.size) - returning) if returning else (returning,):
            columns: list[list[int]] = [[] for _ in range(max(self.rank.values()) + 1)]
            for item in sorted(self.size, key=lambda item: (item in outermost, item)):
                columns[self.rank[item]].append(item)
            for sweep in range(SWEEPS if len(self.size) < LARGE else 2):
                columns = self._swept(columns, leftwards=bool(sweep % 2))
                if (count := self._crossings(columns) + self._blocked(columns)) < fewest:
                    best, fewest = columns, count
        return best

    def _blocked(self, columns: list[list[int]]) -> int:
        """Count the lines back that cannot run straight to the space above or below the boxes."""
        self.columns = columns
        return sum(
            not (
                self.is_open(source, target, below=True)
                or self.is_open(source, target, below=False)
            )
            for source, target in self.back
            if source != target
        )

    def is_open(self, *items: int, below: bool) -> bool:
        """Return whether nothing stands below (or above) any of the items in their columns."""
        at = -1 if below else 0
        return all(self.columns[self.rank[item]][at] == item for item in items)

    def _swept(self, columns: list[list[int]], *, leftwards: bool) -> list[list[int]]:
        """Return each column ordered by the middle of its neighbours in the column before."""
        near = self.right if leftwards else self.left
        swept: list[list[int]] = []
        for column in reversed(columns) if leftwards else columns:
            place = {item: float(i) for i, item in enumerate(swept[-1])} if swept else {}
            keys = {}
            for i, item in enumerate(column):
                beside = [place[n] for n in near[item]] if swept else []
                keys[item] = (sum(beside) / len(beside) if beside else float(i), i)
            swept.append(sorted(column, key=keys.__getitem__))
        return swept[::-1] if leftwards else swept

    def _crossings(self, columns: list[list[int]]) -> int:
        total = 0
        for column, beside in pairwise(columns):
            place = {item: i for i, item in enumerate(beside)}
            ends: list[int] = []
            for item in column:
                targets = sorted(place[target] for target in self.right[item])
                for target in targets:
                    total += len(ends) - bisect_right(ends, target)
                for target in targets:
                    insort(ends, target)
        return total
