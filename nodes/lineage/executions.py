"""The steps of a run as lineage sees them: when each ran, inside what, with which values. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from nodes.kinds import kind_of

SECOND = 1_000_000


@dataclass(slots=True, eq=False)
class Visit:
    """One execution. `inputs`, `outputs` and `process` (its process data) are digests of its
    values, "" for none; times in microseconds since the epoch; `index` is its place in the tree;
    `senders` are nodes that the producer says may send to it."""

    id: str
    parent: str = ""
    node_id: str = ""
    title: str = ""
    kind: str = ""
    status: str = "succeeded"
    iteration: tuple[int, ...] = ()
    attempt: int = 1
    index: int = 0
    start: int | None = None
    end: int | None = None
    inputs: str = ""
    outputs: str = ""
    senders: tuple[str, ...] = ()
    process: str = ""

    def payload(self, part: str) -> str:
        """The digest of its inputs, outputs or process_data."""
        return {"inputs": self.inputs, "process_data": self.process}.get(part, self.outputs)

    @property
    def began(self) -> int:
        """When it began at the latest: some producers tell whole seconds."""
        start = self.start or 0
        return start + SECOND - 1 if start % SECOND == 0 else start

    @property
    def order(self) -> tuple[int, int]:
        return (self.start or 0, self.index)


def is_before(one: Visit, other: Visit) -> bool:
    """Whether `one` had ended when `other` began, so that its outputs could be used there."""
    return (
        one.end is not None
        and other.start is not None
        and one.status != "retry"
        and one.end <= other.began
        and one.order < other.order
    )


class Visits:
    """All steps of a run that are looked at."""

    def __init__(self, visits: Iterable[Visit]) -> None:
        self.by_id = {visit.id: visit for visit in visits}
        self.of_node: dict[str, list[Visit]] = defaultdict(list)
        self.of_title: dict[str, list[Visit]] = defaultdict(list)
        self.inside: dict[str, list[Visit]] = defaultdict(list)
        for visit in self.by_id.values():
            self.of_node[visit.node_id].append(visit)
            self.of_title[visit.title].append(visit)
            self.inside[visit.parent].append(visit)

    def above(self, visit: Visit) -> Iterator[Visit]:
        """The containers it ran in, the nearest first."""
        seen = {visit.id}
        found = self.by_id.get(visit.parent)
        while found is not None and found.id not in seen:
            seen.add(found.id)
            yield found
            found = self.by_id.get(found.parent)

    def below(self, visit: Visit, limit: int = 500) -> list[Visit]:
        """What ran inside it, at any depth; the newest `limit`."""
        found: list[Visit] = []
        waiting = [visit]
        seen = {visit.id}
        while waiting:
            for inner in self.inside.get(waiting.pop().id, ()):
                if inner.id not in seen:
                    seen.add(inner.id)
                    found.append(inner)
                    waiting.append(inner)
        return sorted(found, key=newest, reverse=True)[:limit]

    def before(self, visit: Visit) -> list[Visit]:
        """Those that had ended when it began, the newest first."""
        found = [other for other in self.by_id.values() if is_before(other, visit)]
        return sorted(found, key=newest, reverse=True)

    def after(self, visit: Visit) -> list[Visit]:
        """Those that began when it had ended, the next first."""
        found = [other for other in self.by_id.values() if is_before(visit, other)]
        return sorted(found, key=lambda other: other.order)

    @cached_property
    def _pass_starts(self) -> dict[tuple[str, int], int]:
        """When each pass of each container began."""
        found: dict[tuple[str, int], int] = {}
        for container in self.by_id.values():
            depth = len(container.iteration)
            for visit in self.inside.get(container.id, ()):
                if len(visit.iteration) > depth and visit.start is not None:
                    key = (container.id, visit.iteration[depth])
                    found[key] = min(found.get(key, visit.start), visit.start)
        return found

    def had_written(self, writer: Visit, visit: Visit) -> bool:
        """Whether what an assigner wrote was there when a step began: passes that run at the same
        time have variables of their own, as they were when the pass began."""
        if not is_before(writer, visit):
            return False
        for container in self.above(visit):
            depth = len(container.iteration)
            passes = writer.iteration[: depth + 1], visit.iteration[: depth + 1]
            if passes[0] != passes[1] and min(map(len, passes)) > depth:
                began = self._pass_starts.get((container.id, passes[1][depth]), visit.began)
                if container in self.above(writer):
                    return writer.end is not None and writer.end <= began
        return True

    def in_force(self, node_ids: Sequence[str], visit: Visit) -> Visit | None:
        """Of the visits of a node the one whose outputs `visit` saw: of its own pass, else of the
        passes around it, the last that had ended before; a container it runs in, where the node is
        one. Each pass of a loop begins without what the nodes in it gave out in the one before."""
        for container in self.above(visit):
            if container.node_id in node_ids:
                return container
        loop = next((one for one in self.above(visit) if kind_of(one.kind).group == "loop"), None)
        found = [
            other
            for node_id in node_ids
            for other in self.of_node.get(node_id, ())
            if is_before(other, visit) or (visit.start is None and other.index < visit.index)
        ]
        near = [
            other for other in found if visit.iteration[: len(other.iteration)] == other.iteration
        ]
        if not near and loop:
            found = [other for other in found if loop not in self.above(other)]
        return max(
            near or found, key=lambda v: (len(v.iteration) if near else 0, newest(v)), default=None
        )


def newest(visit: Visit) -> tuple[int, int]:
    """Sorts by the end."""
    return (visit.end or 0, visit.index)
