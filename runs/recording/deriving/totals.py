"""Decides which tokens and costs count, and computes the own time of steps. Pure.

Every model call's own usage counts once, whatever hangs below it: a tool that asks another agent, a
guardrail, a second call. Agents, chains and other containers repeat what the calls below them used,
and so does the span of a second instrumentation around a call: whose figures are those of its own
calls, or their sum, repeats them. An agent that reports more made calls that nobody traced; its
figures then stand for all the calls below it. Cost is counted apart from tokens: what
an agent reports as cost counts where its calls have none.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from nodes.kinds import kind_of
from runs.recording.deriving.tree import Tree
from runs.recording.records.row import ExecutionRow

# Calls below such a step are not the own calls of what is above it.
_BOUNDARIES = frozenset({"agent", "tool", "human", "retrieval"})
# An agent's own figures are those of its language models.
_BESIDE_AGENTS = frozenset({"embedding", "reranker"})


class Figures(NamedTuple):
    """Tokens; `input` includes `cached` (read and written), `output` includes `reasoning`."""

    input: int = 0
    output: int = 0
    cached: int = 0
    reasoning: int = 0
    total: int = 0

    @classmethod
    def of_row(cls, row: ExecutionRow) -> "Figures":
        cached = (row.cached_tokens or 0) + (row.cache_write_tokens or 0)
        return cls(
            row.input_tokens or 0,
            row.output_tokens or 0,
            cached,
            row.reasoning_tokens or 0,
            row.total_tokens or 0,
        )

    def plus(self, other: "Figures") -> "Figures":
        return Figures(
            self.input + other.input,
            self.output + other.output,
            self.cached + other.cached,
            self.reasoning + other.reasoning,
            self.total + other.total,
        )

    def repeats(self, other: "Figures") -> bool:
        """Return whether both say the same. One of them may leave out what came from the cache, or
        the reasoning."""
        if not other.total:
            return False
        if self.total == other.total:
            return True
        inputs = {self.input, self.input - self.cached}
        outputs = {self.output, self.output - self.reasoning}
        return (
            bool(self.input or self.output)
            and not inputs.isdisjoint({other.input, other.input - other.cached})
            and not outputs.isdisjoint({other.output, other.output - other.reasoning})
        )


NOTHING = Figures()


@dataclass(slots=True)
class _Below:
    """What counts below a step. `own`: of each own model call; `calls`: the sum of all language
    model calls, `beside` that of embeddings and rerankers. `cost` is the sum of what costs
    something, of which there are `priced`; `unpriced` steps used something without a known cost."""

    own: list[Figures] = field(default_factory=list)
    has_call: bool = False  # an own model call, with usage or without
    calls: Figures = NOTHING
    beside: Figures = NOTHING
    cost: Decimal = Decimal(0)
    priced: int = 0
    unpriced: int = 0

    def add(self, other: "_Below", is_own: bool) -> None:
        if is_own:
            self.has_call = self.has_call or other.has_call
            if len(self.own) < len(other.own):
                self.own, other.own = other.own, self.own
            self.own += other.own
        if other.calls.total:
            self.calls = self.calls.plus(other.calls)
        if other.beside.total:
            self.beside = self.beside.plus(other.beside)
        self.cost += other.cost
        self.priced += other.priced
        self.unpriced += other.unpriced

    def explains(self, figures: Figures) -> bool:
        """Return whether `figures` are those of an own call, or a sum of calls."""
        if not figures.total:
            return False
        own = NOTHING
        for call in self.own:
            if figures.repeats(call):
                return True
            own = own.plus(call)
        sums = (own, self.calls, self.calls.plus(self.beside))
        return any(figures.repeats(part) for part in sums)


def has_usage(row: ExecutionRow) -> bool:
    """Return whether a step used tokens or money. No tokens and no money are no usage."""
    return bool(row.total_tokens) or bool(row.cost)


def mark_counted(tree: Tree) -> None:
    """Set `counted` of every row: its tokens count; and of the tree, which model spans repeat
    others, whose cost counts, and how many steps have no known cost."""
    for row in tree.rows:
        row.counted = False
    marks = _Marks(tree)
    below: dict[str, _Below] = {}
    top = _Below()
    for row in reversed(tree.order):
        inside = below.pop(row.source_id, None)
        if inside is None:
            if kind_of(row.kind).call != "model" and not has_usage(row):
                continue  # nothing to count, as most steps without others below them
            inside = _Below()
        marks.mark(row, inside)
        parent = tree.parent[row.source_id]
        is_own = kind_of(row.kind).group not in _BOUNDARIES
        if parent is None:
            top.add(inside, is_own)
        else:
            below.setdefault(parent.source_id, _Below()).add(inside, is_own)
    run = max(tree.runs, key=lambda row: (row.total_tokens or 0, row.cost or 0), default=None)
    if run is not None:
        marks.mark(run, top)
    marks.settle(tree, run)
    tree.unpriced = top.unpriced


class _Marks:
    """Marks rows from the bottom up; a row that stands for all the calls below it is remembered,
    and they lose their marks at the end."""

    def __init__(self, tree: Tree) -> None:
        self.repeating = tree.repeating
        self.costs: set[str] = set()
        self.stands_for_tokens: set[str] = set()
        self.stands_for_cost: set[str] = set()

    def mark(self, row: ExecutionRow, below: _Below) -> None:
        """Mark one row, and make `below` what counts in it and below it."""
        if kind_of(row.kind).call == "model":
            self._mark_call(row, below)
        else:
            self._mark_container(row, below)

    def _mark_call(self, row: ExecutionRow, below: _Below) -> None:
        figures = Figures.of_row(row)
        repeats = below.explains(figures) if figures.total else below.has_call
        if repeats:
            self.repeating.add(row.source_id)
        elif figures.total:
            row.counted = True
            below.own.append(figures)
            if row.kind in _BESIDE_AGENTS:
                below.beside = below.beside.plus(figures)
            else:
                below.calls = below.calls.plus(figures)
        below.has_call = True
        if row.cost is not None and (row.cost or figures.total):
            if not repeats:
                self._count_cost(row, below)
            elif below.unpriced:
                self._count_cost(row, below, stands_for=True)
        elif row.kind in _BESIDE_AGENTS and row.total_tokens == 0:
            pass  # a usage of 0: of a model that writes nothing there is nothing to price
        elif not repeats and (row.status == "succeeded" or figures.total):
            below.unpriced += 1

    def _mark_container(self, row: ExecutionRow, below: _Below) -> None:
        figures = Figures.of_row(row)
        known = below.calls.plus(below.beside)
        more = figures.total > known.total
        if row.kind == "agent":
            explained = below.explains(figures) or (below.own and not more)
        else:
            explained = known.total > 0
        if figures.total and not explained:
            row.counted = True
            if more:
                self.stands_for_tokens.add(row.source_id)
                below.calls, below.own = figures, [figures]
            else:
                below.calls = below.calls.plus(figures)
        if not row.cost:
            below.unpriced += row.counted
        elif row.counted or below.unpriced or not below.priced:
            self._count_cost(row, below, stands_for=row.cost >= below.cost)

    def _count_cost(self, row: ExecutionRow, below: _Below, stands_for: bool = False) -> None:
        self.costs.add(row.source_id)
        if stands_for:
            self.stands_for_cost.add(row.source_id)
            below.cost, below.priced, below.unpriced = Decimal(0), 0, 0
        below.cost += row.cost or 0
        below.priced += 1

    def settle(self, tree: Tree, run: ExecutionRow | None) -> None:
        """Take the marks from the rows below those that stand for them."""
        covered: dict[str, tuple[bool, bool]] = {}  # tokens, cost; of the row and what is below it
        stands_for = (self.stands_for_tokens, self.stands_for_cost)
        at_top = _covers(run, stands_for) if run is not None else (False, False)
        tree.with_cost = [run] if run is not None and run.source_id in self.costs else []
        for row in tree.order:
            parent = tree.parent[row.source_id]
            tokens, cost = at_top if parent is None else covered[parent.source_id]
            if tokens and row.kind not in _BESIDE_AGENTS:
                row.counted = False
            if not cost and row.source_id in self.costs:
                tree.with_cost.append(row)
            own = _covers(row, stands_for)
            covered[row.source_id] = (tokens or own[0], cost or own[1])


def _covers(row: ExecutionRow, stands_for: Iterable[set[str]]) -> tuple[bool, bool]:
    tokens, cost = (row.source_id in rows for rows in stands_for)
    return tokens, cost


def set_self_times(tree: Tree) -> None:
    """Set `self_us`: the time of a step that none of its children covers; parallel children count
    once."""
    for row in tree.rows:
        row.self_us = lasted = row.duration_us
        children = tree.below(row)
        if not children or lasted is None or row.started_us is None or row.ended_us is None:
            continue
        covered, reach = 0, row.started_us
        for child in children:
            if child.started_us is None or child.ended_us is None:
                continue
            start, end = max(child.started_us, reach), min(child.ended_us, row.ended_us)
            if end > start:
                covered += end - start
                reach = end
        row.self_us = lasted - covered
