"""Adds up where the time of a run went: by node, by kind, by gap, and along the critical path.
Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from nodes.aggregates import main_currency
from nodes.kinds import kind_of
from nodes.trace.critical_path import PathPart
from nodes.trace.tree import TraceEntry, TraceStep

SHORT = 200  # parts of the path shorter than one in so many of it are joined in a line
TimeSort = Literal["own", "path", "most", "times", "tokens", "cost"]


@dataclass(frozen=True, slots=True)
class StepUsage:
    """What one step that counts used."""

    tokens: int
    cost: Decimal | None
    currency: str


@dataclass(slots=True)
class TimeSpent:
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
        """Return the cost in the main currency."""
        return self.costs.get(self.currency)


@dataclass(slots=True)
class CriticalPathLine:
    """A line of the critical path: a step, a gap, or `short` parts too short for lines of their
    own."""

    start: int
    lasted: int
    entry: TraceEntry | None = None
    gap: str = ""
    short: int = 0


def time_by_node(
    steps: Sequence[TraceStep], path: Iterable[PathPart], usage: Mapping[str, StepUsage]
) -> list[TimeSpent]:
    return _grouped_time(steps, path, usage, lambda step: (step.node_id, step.kind))


def time_by_kind(
    steps: Sequence[TraceStep], path: Iterable[PathPart], usage: Mapping[str, StepUsage]
) -> list[TimeSpent]:
    return _grouped_time(steps, path, usage, lambda step: (kind_of(step.kind).label, step.kind))


def _grouped_time(
    steps: Sequence[TraceStep],
    path: Iterable[PathPart],
    usage: Mapping[str, StepUsage],
    key: Callable[[TraceStep], tuple[str, str]],
) -> list[TimeSpent]:
    on_path: dict[str, int] = {}
    for part in path:
        if part.entry and part.entry.step and not part.gap:
            on_path[part.entry.id] = on_path.get(part.entry.id, 0) + part.lasted
    groups: dict[tuple[str, str], TimeSpent] = {}
    for step in steps:
        spent = groups.setdefault(key(step), TimeSpent(*key(step), step.id))
        own = step.self_us or 0
        spent.times += 1
        spent.own += own
        if own > spent.most:
            spent.most, spent.example = own, step.id
        spent.path += on_path.get(step.id, 0)
        if used := usage.get(step.id):
            spent.tokens += used.tokens
            if used.cost is not None:
                spent.costs[used.currency] = spent.costs.get(used.currency, 0) + used.cost
    return list(groups.values())


def sort_time_spent(spent: Iterable[TimeSpent], sort: TimeSort) -> list[TimeSpent]:
    """Return `spent` with most first; of equals what took longest."""

    def amount(group: TimeSpent) -> tuple[Decimal, int]:
        return Decimal(getattr(group, sort) or 0), group.own

    return sorted(spent, key=amount, reverse=True)


def gaps_by_name(path: Iterable[PathPart]) -> list[tuple[str, int, int]]:
    """Return (why nothing ran, how long in all, how often), the longest first."""
    durations: dict[str, list[int]] = {}
    for part in path:
        if part.gap:
            durations.setdefault(part.gap, []).append(part.lasted)
    gaps = [(name, sum(lasted), len(lasted)) for name, lasted in durations.items()]
    return sorted(gaps, key=lambda gap: -gap[1])


def waited_for_people(path: Iterable[PathPart]) -> int:
    """Return how many microseconds the run waited for people."""
    return sum(part.lasted for part in path if part.gap == "waiting for a person")


def path_lines(path: Sequence[PathPart], worked: int) -> list[CriticalPathLine]:
    """Return the critical path in order, at most some hundred lines: what is short beside the time
    `worked` is joined."""
    least = worked / SHORT
    lines: list[CriticalPathLine] = []
    for part in path:
        if part.lasted < least:
            if not (lines and lines[-1].short):
                lines.append(CriticalPathLine(part.start, 0))
            lines[-1].short += 1
            lines[-1].lasted += part.lasted
        else:
            lines.append(CriticalPathLine(part.start, part.lasted, part.entry, part.gap or ""))
    return lines
