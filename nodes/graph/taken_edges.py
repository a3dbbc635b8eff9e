"""Which ways one run took between its steps. Pure.

Told beats guessed: `ran_after` names the steps before, a branch names the step after. The rest is
the order of time: a step follows those that had ended when it started and that nothing else in
between followed; steps that overlap ran in parallel.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from nodes.clock import iteration_path
from nodes.graph.steps import GraphStep
from nodes.kinds import kind_of

END = "__end__"
# Pairs of siblings in all: enough for any flow that somebody designed.
FEW_PAIRS, PAIRS_PER_STEP = 1000, 8

# (source node id, target node id, handle)
EdgeKey = tuple[str, str, str]
# A moment, and a place among steps of the same moment.
_Moment = tuple[int, int]


@dataclass(frozen=True, slots=True)
class TakenEdge:
    """An edge that was taken. `via`: node id of the inner step that chose it, or ""."""

    key: EdgeKey
    via: str = ""


@dataclass(slots=True)
class _Span:
    step: GraphStep
    start: _Moment
    end: _Moment


class _Choices:
    """What the branch steps of a run told. `found`: edges with the step that chose; `told`: ids of
    steps that named where they went; `labels`: step id → (case, step that chose) for cases that
    name no step."""

    def __init__(self) -> None:
        self.found: dict[EdgeKey, str] = {}
        self.pairs: set[tuple[str, str]] = set()
        self.told: set[str] = set()
        self.labels: dict[str, tuple[str, str]] = {}

    def note(self, host: GraphStep, target: str, chooser: GraphStep) -> None:
        self.found.setdefault(
            (host.key, target, chooser.taken), "" if host is chooser else chooser.key
        )
        self.pairs.add((host.key, target))
        self.told.add(host.id)


class _Run:
    """Steps of one run in groups: siblings of one container, of one pass where it loops."""

    def __init__(self, steps: Sequence[GraphStep]) -> None:
        self.by_id = {step.id: step for step in steps}
        below: dict[str | None, list[GraphStep]] = defaultdict(list)
        for step in steps:
            below[step.parent_id if step.parent_id in self.by_id else None].append(step)
        self.groups = [
            _spans(group)
            for parent, children in below.items()
            for group in _passes(self.by_id.get(parent or ""), children)
        ]
        self.place = {span.step.id: (spans, span) for spans in self.groups for span in spans}

    def upwards(self, step: GraphStep) -> Iterator[GraphStep]:
        """The step and its containers, innermost first."""
        seen: set[str] = set()
        here: GraphStep | None = step
        while here is not None and here.id not in seen:
            seen.add(here.id)
            yield here
            here = self.by_id.get(here.parent_id or "")

    def later(self, step: GraphStep) -> list[GraphStep]:
        """Siblings that started after the step had ended, in order."""
        spans, own = self.place[step.id]
        first = bisect_right(spans, own.end, key=lambda span: span.start)
        return [span.step for span in spans[first:]]


def _passes(parent: GraphStep | None, children: list[GraphStep]) -> list[list[GraphStep]]:
    """The children of an iteration or a loop by pass, where all tell theirs; else in one group."""
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


def _spans(group: Sequence[GraphStep]) -> list[_Span]:
    """The group in order of time. A step of unknown start began with the one before it; one of
    unknown end ended at once; items of a fan-out count as parallel however they were run."""
    starts: dict[str, int] = {}
    last = 0
    for step in sorted(group, key=lambda s: (s.index, s.id)):
        last = starts[step.id] = last if step.started_us is None else step.started_us
    ordered = sorted(group, key=lambda s: (starts[s.id], s.index, s.id))
    spans = []
    for place, step in enumerate(ordered):
        start = starts[step.id]
        end = max(start, start if step.ended_us is None else step.ended_us)
        spans.append(_Span(step, (start, 2 * place), (end, 2 * place + 1)))
    for block in _fan_outs(spans):
        first, last_end = min(span.start for span in block), max(span.end for span in block)
        for span in block:
            span.start, span.end = first, last_end
    return spans


def _fan_outs(spans: Sequence[_Span]) -> Iterator[list[_Span]]:
    """Neighbours that are items of one fan-out: their numbers do not repeat."""
    block: list[_Span] = []
    numbers: set[int] = set()
    for span in spans:
        number = span.step.fan_out
        if block and (number is None or number in numbers):
            yield block
            block, numbers = [], set()
        if number is not None:
            block.append(span)
            numbers.add(number)
    if block:
        yield block


def taken_edges(steps: Sequence[GraphStep], known: Collection[str]) -> set[TakenEdge]:
    """The edges that this run took. `known`: ids of all nodes of the version, so that a branch may
    lead to a node that this run did not reach any more."""
    run = _Run(steps)
    choices = _Choices()
    for step in sorted(steps, key=lambda s: (s.index, s.id)):
        if step.taken:
            _follow(run, step, known, choices)
    found = dict(choices.found)
    for spans in run.groups:
        for source, target in _pairs(spans, choices):
            handle, via = choices.labels.get(source.id, ("", ""))
            if handle or (source.key, target.key) not in choices.pairs:
                found.setdefault((source.key, target.key, handle), via)
    return {TakenEdge(key, via) for key, via in found.items()}


def _follow(run: _Run, step: GraphStep, known: Collection[str], choices: _Choices) -> None:
    """Note the way that a branch step names: from the step or the container that holds it to the
    sibling of that name; a name of no sibling is the label of what came next."""
    chain = list(run.upwards(step))
    for host in chain:
        for later in run.later(host):
            if step.taken in (later.key, later.title):
                choices.note(host, later.key, step)
                return
    for host in chain:
        if run.later(host):
            choices.labels[host.id] = (step.taken, "" if host is step else step.key)
            return
    host = chain[1] if len(chain) > 1 else step
    if step.taken == END or (step.taken in known and step.taken != host.key):
        choices.note(host, step.taken, step)


def _pairs(spans: Sequence[_Span], choices: _Choices) -> Iterator[tuple[GraphStep, GraphStep]]:
    """(before, after) among siblings. A step that told where it went is no guessed source. Of many
    parallel steps of one node that said nothing, one stands for all; where hundreds of nodes that
    ran in parallel follow hundreds, each follows one."""
    left = FEW_PAIRS + PAIRS_PER_STEP * len(spans)
    own = {span.step.id: span.step for span in spans}
    by_end = sorted(spans, key=lambda span: span.end)
    waiting: dict[str, _Span] = {}
    newest_start: _Moment = (-1, -1)
    done, passed = 0, False
    for span in sorted(spans, key=lambda span: span.start):
        while done < len(by_end) and by_end[done].end < span.start:
            ended = by_end[done]
            passed = passed or ended.start > newest_start
            newest_start = max(newest_start, ended.start)
            marked = ended.step.id in choices.told or ended.step.id in choices.labels
            waiting[ended.step.id if marked else ended.step.key] = ended
            done += 1
        if passed:
            waiting = {key: w for key, w in waiting.items() if w.end > newest_start}
            passed = False
        step = span.step
        sources = [own[source] for source in step.ran_after if source in own and source != step.id]
        if not sources:
            sources = [w.step for w in waiting.values() if w.step.id not in choices.told]
        if len(sources) > left:
            sources = sources[-1:]
        left -= len(sources)
        for source in sources:
            if source.key != step.key or source.status != "retry":
                yield source, step
