"""Works out which edges one run took between its steps. Pure.

What the producer reports beats what is inferred: `ran_after` names the steps before, a branch names
the step after. The rest is the order of time: a step follows those that had ended when it started
and that nothing else in between followed; steps that overlap ran in parallel.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from nodes.clock import iteration_path
from nodes.graph.steps import GraphStep
from nodes.kinds import kind_of

END = "__end__"
# Pairs of siblings in total: enough for any flow that a person designed.
FEW_PAIRS, PAIRS_PER_STEP = 1000, 8

# (source node id, target node id, handle)
EdgeKey = tuple[str, str, str]
# Microseconds, and a place among steps of the same time.
_OrderedTime = tuple[int, int]


@dataclass(frozen=True, slots=True)
class TakenEdge:
    """An edge that was taken. `via`: node id of the inner step that chose it, or ""."""

    key: EdgeKey
    via: str = ""


@dataclass(slots=True)
class _StepInterval:
    step: GraphStep
    start: _OrderedTime
    end: _OrderedTime


class _BranchChoices:
    """What the branch steps of a run report. `edges`: those that were chosen, with the step that
    chose; `decided`: ids of steps that named where they went; `labels`: step id → (case, step that
    chose) for cases that name no step."""

    def __init__(self) -> None:
        self.edges: dict[EdgeKey, str] = {}
        self.pairs: set[tuple[str, str]] = set()
        self.decided: set[str] = set()
        self.labels: dict[str, tuple[str, str]] = {}

    def add(self, host: GraphStep, target: str, chooser: GraphStep) -> None:
        self.edges.setdefault(
            (host.key, target, chooser.taken), "" if host is chooser else chooser.key
        )
        self.pairs.add((host.key, target))
        self.decided.add(host.id)


class _StepGroups:
    """Steps of one run in groups: siblings in one container, and in one iteration where it
    loops."""

    def __init__(self, steps: Sequence[GraphStep]) -> None:
        self.by_id = {step.id: step for step in steps}
        below: dict[str, list[GraphStep]] = defaultdict(list)
        for step in steps:
            below[step.parent_id if step.parent_id in self.by_id else ""].append(step)
        self.groups = [
            _intervals(group)
            for parent, children in below.items()
            for group in _by_pass(self.by_id.get(parent), children)
        ]
        self.place = {
            interval.step.id: (intervals, interval)
            for intervals in self.groups
            for interval in intervals
        }

    def upwards(self, step: GraphStep) -> Iterator[GraphStep]:
        """Yield the step and its containers, innermost first."""
        seen: set[str] = set()
        here: GraphStep | None = step
        while here is not None and here.id not in seen:
            seen.add(here.id)
            yield here
            here = self.by_id.get(here.parent_id)

    def later(self, step: GraphStep) -> list[GraphStep]:
        """Return the siblings that started after the step had ended, in order."""
        intervals, own = self.place[step.id]
        first = bisect_right(intervals, own.end, key=lambda interval: interval.start)
        return [interval.step for interval in intervals[first:]]


def _by_pass(parent: GraphStep | None, children: list[GraphStep]) -> list[list[GraphStep]]:
    """Return the children of a loop grouped by iteration, where all have a number; else all in one
    group."""
    if parent is None or kind_of(parent.kind).group != "loop":
        return [children]
    depth = len(iteration_path(parent.iteration))
    passes: dict[int, list[GraphStep]] = defaultdict(list)
    for step in children:
        numbers = iteration_path(step.iteration)
        if len(numbers) <= depth:
            return [children]
        passes[numbers[depth]].append(step)
    return list(passes.values())


def _intervals(group: Sequence[GraphStep]) -> list[_StepInterval]:
    """Return the group in order of time. A step of unknown start began with the one before it; one
    of unknown end ended at once; items of a fan-out count as parallel however they were run."""
    starts: dict[str, int] = {}
    last = 0
    for step in sorted(group, key=lambda s: (s.index, s.id)):
        last = starts[step.id] = last if step.started_us is None else step.started_us
    ordered = sorted(group, key=lambda s: (starts[s.id], s.index, s.id))
    intervals = []
    for place, step in enumerate(ordered):
        start = starts[step.id]
        end = max(start, start if step.ended_us is None else step.ended_us)
        intervals.append(_StepInterval(step, (start, 2 * place), (end, 2 * place + 1)))
    for block in _fan_outs(intervals):
        first = min(interval.start for interval in block)
        last_end = max(interval.end for interval in block)
        for interval in block:
            interval.start, interval.end = first, last_end
    return intervals


def _fan_outs(intervals: Sequence[_StepInterval]) -> Iterator[list[_StepInterval]]:
    """Yield neighbours that are items of one fan-out: their numbers do not repeat."""
    block: list[_StepInterval] = []
    numbers: set[int] = set()
    for interval in intervals:
        number = interval.step.fan_out
        if block and (number is None or number in numbers):
            yield block
            block, numbers = [], set()
        if number is not None:
            block.append(interval)
            numbers.add(number)
    if block:
        yield block


def taken_edges(steps: Sequence[GraphStep], known: Collection[str]) -> set[TakenEdge]:
    """Return the edges that this run took. `known`: ids of all nodes of the version, so that a
    branch may lead to a node that this run did not reach any more."""
    steps = _without_attempts(steps)
    groups = _StepGroups(steps)
    choices = _BranchChoices()
    for step in sorted(steps, key=lambda s: (s.index, s.id)):
        if step.taken:
            _add_choice(groups, step, known, choices)
    edges = dict(choices.edges)
    for intervals in groups.groups:
        for source, target in _successors(intervals, choices):
            handle, via = choices.labels.get(source.id, ("", ""))
            if handle or (source.key, target.key) not in choices.pairs:
                edges.setdefault((source.key, target.key, handle), via)
    return {TakenEdge(key, via) for key, via in edges.items()}


def _without_attempts(steps: Sequence[GraphStep]) -> Sequence[GraphStep]:
    """Leave out attempts that were tried again while their step was at work: what came after the
    step did not follow them."""
    attempts = [step for step in steps if step.status == "retry" and step.started_us is not None]
    if not attempts:
        return steps
    names = {(step.parent_id, step.key, step.iteration) for step in attempts}
    lasted: dict[tuple[str, str, str], list[tuple[int, int]]] = defaultdict(list)
    for step in steps:
        name = (step.parent_id, step.key, step.iteration)
        if name in names and step.status != "retry" and step.started_us is not None:
            ended = step.started_us if step.ended_us is None else step.ended_us
            lasted[name].append((step.started_us, ended))
    inner = {
        step.id
        for step in attempts
        for start, end in lasted[step.parent_id, step.key, step.iteration]
        if start <= (step.started_us or 0) <= end
    }
    return [step for step in steps if step.id not in inner]


def _add_choice(
    groups: _StepGroups, step: GraphStep, known: Collection[str], choices: _BranchChoices
) -> None:
    """Add the edge that a branch step names: from the step or the container that holds it to the
    sibling of that name; a name of no sibling is the label of what came next."""
    chain = list(groups.upwards(step))
    for host in chain:
        for later in groups.later(host):
            if step.taken in (later.key, later.title):
                choices.add(host, later.key, step)
                return
    for host in chain:
        if groups.later(host):
            choices.labels[host.id] = (step.taken, "" if host is step else step.key)
            return
    host = chain[1] if len(chain) > 1 else step
    if step.taken == END or (step.taken in known and step.taken != host.key):
        choices.add(host, step.taken, step)


def _successors(
    intervals: Sequence[_StepInterval], choices: _BranchChoices
) -> Iterator[tuple[GraphStep, GraphStep]]:
    """Yield (before, after) among siblings. A step that named where it went is no inferred source.
    Of many parallel steps of one node that named nothing, one stands for all; where hundreds of
    nodes that ran in parallel follow hundreds, each follows a single one."""
    left = FEW_PAIRS + PAIRS_PER_STEP * len(intervals)
    own = {interval.step.id: interval.step for interval in intervals}
    by_end = sorted(intervals, key=lambda interval: interval.end)
    waiting: dict[str, _StepInterval] = {}
    newest_start: _OrderedTime = (-1, -1)
    done, passed = 0, False
    for interval in sorted(intervals, key=lambda interval: interval.start):
        while done < len(by_end) and by_end[done].end < interval.start:
            ended = by_end[done]
            passed = passed or ended.start > newest_start
            newest_start = max(newest_start, ended.start)
            chose = ended.step.id in choices.decided or ended.step.id in choices.labels
            waiting[ended.step.id if chose else ended.step.key] = ended
            done += 1
        if passed:
            waiting = {key: w for key, w in waiting.items() if w.end > newest_start}
            passed = False
        step = interval.step
        sources = [own[source] for source in step.ran_after if source in own and source != step.id]
        if not sources:
            sources = [w.step for w in waiting.values() if w.step.id not in choices.decided]
        if len(sources) > left:
            sources = sources[-1:]
        left -= len(sources)
        for source in sources:
            if source.key != step.key or source.status != "retry":
                yield source, step
