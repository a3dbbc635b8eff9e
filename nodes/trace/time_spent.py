"""Where the time of a run went: by node, by kind, by gap, and along the critical path. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from nodes.kinds import kind_of
from nodes.trace.critical_path import Part
from nodes.trace.figures import main_currency
from nodes.trace.timeline import Entry, TraceStep

SHORT = 200  # parts of the path shorter than one in so many of it are told together
Sort = Literal["own", "path", "most", "times", "tokens", "cost"]


@dataclass(frozen=True, slots=True)
class Amount:
    """What one step that counts used."""

    tokens: int
    cost: Decimal | None
    currency: str


@dataclass(slots=True)
class Spent:
    """All executions of a node, or of a kind, together. Times in microseconds: `own` without those
    of steps below, `most` the longest own, `path` the part on the critical path. `example` is the
    step with the longest own time; `costs` are by currency."""

    key: str
    kind: str
    example: str
    times: int = 0
    own: int = 0
    most: int = -1
    path: int = 0
    tokens: int = 0
    costs: dict[str, Decimal] = field(default_factory=dict)

    @property
    def currency(self) -> str:
        return main_currency(self.costs)

    @property
    def cost(self) -> Decimal | None:
        """In the main currency."""
        return self.costs.get(self.currency)


@dataclass(slots=True)
class PathLine:
    """A line of the critical path: a step, a gap, or `short` parts too short to be told alone."""

    start: int
    lasted: int
    entry: Entry | None = None
    gap: str = ""
    short: int = 0


def by_node(
    steps: Sequence[TraceStep], path: Iterable[Part], amounts: Mapping[str, Amount]
) -> list[Spent]:
    return _grouped(steps, path, amounts, lambda step: (step.node_id, step.kind))


def by_kind(
    steps: Sequence[TraceStep], path: Iterable[Part], amounts: Mapping[str, Amount]
) -> list[Spent]:
    return _grouped(steps, path, amounts, lambda step: (kind_of(step.kind).label, step.kind))


def _grouped(
    steps: Sequence[TraceStep],
    path: Iterable[Part],
    amounts: Mapping[str, Amount],
    key: Callable[[TraceStep], tuple[str, str]],
) -> list[Spent]:
    on_path: dict[str, int] = {}
    for part in path:
        if part.entry and part.entry.step and not part.gap:
            on_path[part.entry.id] = on_path.get(part.entry.id, 0) + part.lasted
    groups: dict[tuple[str, str], Spent] = {}
    for step in steps:
        spent = groups.setdefault(key(step), Spent(*key(step), step.id))
        own = step.self_us or 0
        spent.times += 1
        spent.own += own
        if own > spent.most:
            spent.most, spent.example = own, step.id
        spent.path += on_path.get(step.id, 0)
        if amount := amounts.get(step.id):
            spent.tokens += amount.tokens
            if amount.cost is not None:
                spent.costs[amount.currency] = spent.costs.get(amount.currency, 0) + amount.cost
    return list(groups.values())


def sorted_by(spent: Iterable[Spent], sort: Sort) -> list[Spent]:
    """Most first; of equals what took longest."""

    def key(one: Spent) -> tuple[Decimal, int]:
        return Decimal(getattr(one, sort) or 0), one.own

    return sorted(spent, key=key, reverse=True)


def gaps_by_name(path: Iterable[Part]) -> list[tuple[str, int, int]]:
    """(why nothing ran, how long in all, how often), the longest first."""
    found: dict[str, list[int]] = {}
    for part in path:
        if part.gap:
            found.setdefault(part.gap, []).append(part.lasted)
    gaps = [(name, sum(lasted), len(lasted)) for name, lasted in found.items()]
    return sorted(gaps, key=lambda gap: -gap[1])


def waited(path: Iterable[Part]) -> int:
    """How long the run waited for people."""
    return sum(part.lasted for part in path if part.gap == "waiting for a person")


def path_lines(path: Sequence[Part], worked: int) -> list[PathLine]:
    """The critical path in order, at most some hundred lines: what is short beside the time
    `worked` is told together."""
    least = worked / SHORT
    lines: list[PathLine] = []
    for part in path:
        if part.lasted < least:
            if not (lines and lines[-1].short):
                lines.append(PathLine(part.start, 0))
            lines[-1].short += 1
            lines[-1].lasted += part.lasted
        else:
            lines.append(PathLine(part.start, part.lasted, part.entry, part.gap or ""))
    return lines
