"""The steps of a run with their times, containers and digests of their values. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from nodes.clock import iteration_path
from nodes.kinds import kind_of
from nodes.light_step import LightStep

SECOND = 1_000_000
PARTS = ("process_data", "outputs", "inputs")  # the values of a step


@dataclass(slots=True, eq=False)
class LineageStep(LightStep):
    """One execution of a node. `inputs`, `outputs` and `process_data` are digests of its values, ""
    for none; `start` and `end` are microseconds since the epoch; `index` is its position in the
    tree; `senders` are nodes that the producer says may send to it; `iteration_path` is `iteration`
    as numbers."""

    title: str = ""
    attempt: int = 1
    index: int = 0
    start: int | None = None
    end: int | None = None
    inputs: str = ""
    outputs: str = ""
    senders: tuple[str, ...] = ()
    process_data: str = ""
    iteration_path: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.iteration_path = iteration_path(self.iteration)

    def digest(self, part: str) -> str:
        """Return the digest of one of PARTS."""
        return {"inputs": self.inputs, "process_data": self.process_data}.get(part, self.outputs)

    @property
    def assigns_variables(self) -> bool:
        """Return whether the step writes variables, so that its values stand in its process
        data."""
        return self.kind == "assigner"

    @property
    def latest_start(self) -> int:
        """Return the latest time at which the step can have started: some producers report whole
        seconds."""
        start = self.start or 0
        return start + SECOND - 1 if start % SECOND == 0 else start

    @property
    def start_order(self) -> tuple[int, int]:
        return (self.start or 0, self.index)


def precedes(first: LineageStep, second: LineageStep) -> bool:
    """Return whether `first` had ended when `second` started, so that its outputs could be used
    there."""
    return (
        first.end is not None
        and second.start is not None
        and first.status != "retry"
        and first.end <= second.latest_start
        and first.start_order < second.start_order
    )


def end_order(step: LineageStep) -> tuple[int, int]:
    """Sort key: by the end."""
    return (step.end or 0, step.index)


class StepIndex:
    """All steps of a run that are looked at: by id, by node, by title and by parent."""

    def __init__(self, steps: Iterable[LineageStep]) -> None:
        self.by_id = {step.id: step for step in steps}
        self.by_node: dict[str, list[LineageStep]] = defaultdict(list)
        self.by_title: dict[str, list[LineageStep]] = defaultdict(list)
        self.by_parent: dict[str, list[LineageStep]] = defaultdict(list)
        for step in self.by_id.values():
            self.by_node[step.node_id].append(step)
            self.by_title[step.title].append(step)
            self.by_parent[step.parent_id].append(step)

    def containers(self, step: LineageStep) -> Iterator[LineageStep]:
        """Yield the containers that a step ran in, the nearest first."""
        seen = {step.id}
        container = self.by_id.get(step.parent_id)
        while container is not None and container.id not in seen:
            seen.add(container.id)
            yield container
            container = self.by_id.get(container.parent_id)

    def descendants(self, step: LineageStep, limit: int = 500) -> list[LineageStep]:
        """Return what ran inside of a step, at any depth; the newest `limit`."""
        descendants: list[LineageStep] = []
        waiting = [step]
        seen = {step.id}
        while waiting:
            for child in self.by_parent.get(waiting.pop().id, ()):
                if child.id not in seen:
                    seen.add(child.id)
                    descendants.append(child)
                    waiting.append(child)
        return sorted(descendants, key=end_order, reverse=True)[:limit]

    def preceding(self, step: LineageStep) -> list[LineageStep]:
        """Return the steps that had ended when this one started, the newest first."""
        steps = [other for other in self.by_id.values() if precedes(other, step)]
        return sorted(steps, key=end_order, reverse=True)

    def following(self, step: LineageStep) -> list[LineageStep]:
        """Return the steps that started when this one had ended, the next first."""
        steps = [other for other in self.by_id.values() if precedes(step, other)]
        return sorted(steps, key=lambda other: other.start_order)

    @cached_property
    def _iteration_starts(self) -> dict[tuple[str, int], int]:
        """Return when each iteration of each container started."""
        starts: dict[tuple[str, int], int] = {}
        for container in self.by_id.values():
            depth = len(container.iteration_path)
            for step in self.by_parent.get(container.id, ()):
                if len(step.iteration_path) > depth and step.start is not None:
                    key = (container.id, step.iteration_path[depth])
                    starts[key] = min(starts.get(key, step.start), step.start)
        return starts

    def sees_write(self, step: LineageStep, writer: LineageStep) -> bool:
        """Return whether what an assigner (`writer`) wrote was there when `step` started:
        iterations that run at the same time have variables of their own, as they were when the
        iteration started."""
        if not precedes(writer, step):
            return False
        for container in self.containers(step):
            depth = len(container.iteration_path)
            wrote_in, read_in = writer.iteration_path[: depth + 1], step.iteration_path[: depth + 1]
            if wrote_in != read_in and min(len(wrote_in), len(read_in)) > depth:
                key = (container.id, read_in[depth])
                start = self._iteration_starts.get(key, step.latest_start)
                if container in self.containers(writer):
                    return writer.end is not None and writer.end <= start
        return True

    def visible_from(self, step: LineageStep, node_ids: Sequence[str]) -> LineageStep | None:
        """Return, of the executions of a node (`node_ids`: what steps call it), the one whose
        outputs `step` saw: of its own iteration, else of the iterations around it, the last that
        had ended before; a container that it runs in, where the node is one. Each iteration of a
        loop starts without the outputs of the one before."""
        for container in self.containers(step):
            if container.node_id in node_ids:
                return container
        loops = (
            container
            for container in self.containers(step)
            if kind_of(container.kind).group == "loop"
        )
        loop = next(loops, None)
        candidates = [
            other
            for node_id in node_ids
            for other in self.by_node.get(node_id, ())
            if precedes(other, step) or (step.start is None and other.index < step.index)
        ]
        near = [
            other
            for other in candidates
            if step.iteration_path[: len(other.iteration_path)] == other.iteration_path
        ]
        if not near and loop:
            candidates = [other for other in candidates if loop not in self.containers(other)]
        return max(
            near or candidates,
            key=lambda other: (len(other.iteration_path) if near else 0, end_order(other)),
            default=None,
        )
