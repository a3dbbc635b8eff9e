"""Finds the parents of steps, as reported and as shown. Pure.

Every path up is walked once, because runs may be thousands of steps deep.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Mapping, Sequence

from runs.recording.records.row import ExecutionRow, retry_source_id

FAR_FUTURE = 1 << 62
MAX_PASSES = 50  # nested iterations; more have no room in a path of them

# Where the path up from a row ends: its visible parent, the iterations on the path (outermost
# first), and the last row before that parent.
PathEnd = tuple[ExecutionRow | None, tuple[int, ...], ExecutionRow]


CONTAINERS = ("iteration", "loop")


def containers_of(row: ExecutionRow) -> list[tuple[str, int | None]]:
    """Return the containers that a step names as its own, each with the number of the iteration.
    Of two, one is in the other; which one, the step does not say."""
    hints = row.hints
    named = ((hints.get("container"), hints.get("iteration_index")),
             (hints.get("other_container"), hints.get("other_index")))  # fmt: skip
    return [(container, index) for container, index in named if container]


def stand_ins(
    rows: list[ExecutionRow], ended_as: Mapping[str, ExecutionRow]
) -> dict[str, ExecutionRow]:
    """Return source id of a container that was reported without its execution id → the same
    container reported with it: the first of its node in the graph for the first, and so on. Where
    there is no id in the graph (Phoenix), the title is compared. `ended_as`: source id of the start
    of such a container → its end, which takes the place of the start."""
    waiting: dict[tuple[str, str, str], list[ExecutionRow]] = {}
    real: dict[tuple[str, str], list[ExecutionRow]] = {}
    for row in sorted((row for row in rows if row.kind in CONTAINERS), key=_start_order):
        if row.source_id in ended_as:
            continue
        if row.hints.get("stand_in"):
            waiting.setdefault((row.kind, row.told_node_id, row.title), []).append(row)
        else:
            real.setdefault((row.kind, row.told_node_id), []).append(row)
    replaced: dict[str, ExecutionRow] = {}
    for (kind, node_id, title), rows_without_id in waiting.items():
        same = real.get((kind, node_id)) or real.get((kind, title)) or []
        pairs = zip(rows_without_id, same, strict=False)
        replaced.update((row.source_id, own) for row, own in pairs)
    for source_id, end in ended_as.items():
        replaced[source_id] = replaced.get(end.source_id, end)
    return replaced


def repeated_attempts(rows: list[ExecutionRow]) -> tuple[dict[str, ExecutionRow], set[str]]:
    """Return, of the attempts of one execution that are reported alike (`NodeRecord.attempt_of`),
    source id → the same attempt from another source, and the source ids of those that were tried
    again: all but the last, or all where an attempt that went well is known."""
    attempts: dict[str, list[ExecutionRow]] = {}
    for row in sorted(rows, key=_start_order):
        if execution := row.hints.get("attempt_of"):
            attempts.setdefault(execution, []).append(row)
    same: dict[str, ExecutionRow] = {}
    tried_again: set[str] = set()
    if not attempts:
        return same, tried_again
    by_id = {row.source_id: row for row in rows}
    for execution, own in attempts.items():
        went_well = execution in {row.source_id for row in own}
        failed = [row for row in own if row.source_id != execution]
        if not went_well and failed:
            last = failed.pop()
            if execution in by_id:
                same[last.source_id] = by_id[execution]
        for number, row in enumerate(failed, 1):
            other = by_id.get(retry_source_id(execution, number))
            if other is None:
                tried_again.add(row.source_id)
            else:
                same[row.source_id] = other
    return same, tried_again


def by_any_id(rows: list[ExecutionRow]) -> dict[str, ExecutionRow]:
    """Return rows by the ids that others may name as their parent's: a step known by its execution
    id has been a span as well."""
    also = [row for row in rows if "span_ids" in row.hints]
    also.sort(key=lambda row: row.source_id, reverse=True)
    known = {span_id: row for row in also for span_id in row.hints["span_ids"]}
    known.update((row.source_id, row) for row in rows)
    return known


def reported_parents(
    rows: list[ExecutionRow], known: dict[str, ExecutionRow]
) -> dict[str, ExecutionRow | None]:
    """Return each row's parent as reported. A cycle of parents is cut above its smallest id."""
    parents = {row.source_id: known.get(row.parent_source_id) for row in rows}
    for source_id in cycle_cuts(parents):
        parents[source_id] = None
    return parents


def cycle_cuts(parents: dict[str, ExecutionRow | None]) -> set[str]:
    """Return the smallest id of each cycle of parents."""
    cut: set[str] = set()
    settled: set[str] = set()
    for start in parents:
        path: dict[str, None] = {}
        walk = start
        while walk and walk not in settled and walk not in path:
            path[walk] = None
            above = parents[walk]
            walk = above.source_id if above else ""
        if walk in path:
            ids = list(path)
            cut.add(min(ids[ids.index(walk) :]))
        settled.update(path)
    return cut


def climb(
    row: ExecutionRow,
    above: dict[str, ExecutionRow | None],
    runs: set[str],
    reached: dict[tuple[str, bool], PathEnd],
) -> PathEnd:
    """Return where the path up from `row` ends. `above`: the reported parents; `runs`: source ids
    of the spans that are the run. `reached` keeps the result of each row, with and without being
    chained: paths up are long and have most of their length in common."""
    trail: list[ExecutionRow] = []
    keys: list[tuple[str, bool]] = []
    chained = _follows_its_parent(row)
    while (key := (row.source_id, chained)) not in reached:
        parent = above[row.source_id]
        trail.append(row)
        keys.append(key)
        if parent is None:
            reached[key] = (None, (), row)
        elif parent.hints.get("pass_index") is not None:
            row, chained = parent, False
        elif parent.folded:
            row, chained = parent, chained and parent.source_id not in runs
        elif chained and parent.hints.get("chained"):
            row, chained = parent, _follows_its_parent(parent)
        else:
            reached[key] = (parent, (), row)
    end = reached[key]
    for row, key in zip(reversed(trail), reversed(keys), strict=True):
        if key not in reached:
            parent = above[row.source_id]
            index = parent.hints.get("pass_index") if parent else None
            if index is not None and len(end[1]) < MAX_PASSES:
                end = (end[0], (*end[1], index), end[2])
            reached[key] = end
    return end


def _follows_its_parent(row: ExecutionRow) -> bool:
    """Return whether the parent that is reported of a step is what ran before it."""
    return bool(row.hints.get("chained")) and not row.hints.get("nested")


def _is_on_top(row: ExecutionRow, above: dict[str, ExecutionRow | None]) -> bool:
    parent = above[row.source_id]
    return parent is None or parent.folded


def containers_by_id(
    rows: list[ExecutionRow], above: dict[str, ExecutionRow | None], same: dict[str, ExecutionRow]
) -> dict[str, tuple[ExecutionRow, int | None]]:
    """Return the containers of steps that have no reported parent, but name the step they ran in by
    its id in the graph (Dify's database and event stream), each with the number of the iteration:
    of its executions, the last that had begun; of two containers, the one that began last. `same`
    as returned by `stand_ins`."""
    named_by = {row.source_id: names for row in rows if (names := containers_of(row))}
    if not named_by:
        return {}
    by_id = {row.source_id: same.get(row.source_id, row) for row in rows}
    by_node: dict[str, list[ExecutionRow]] = {}
    for row in sorted(rows, key=_start_order):
        container = by_id[row.source_id]
        if row.told_node_id:
            by_node.setdefault(row.told_node_id, []).append(container)
        if container is not row and row.source_id in named_by:
            named_by.setdefault(container.source_id, named_by[row.source_id])
    containers: dict[str, tuple[ExecutionRow, int | None]] = {}
    for row in rows:
        if row.source_id not in named_by or not _is_on_top(row, above):
            continue
        begun = [
            (execution, index)
            for name, index in named_by[row.source_id]
            for execution in _last_begun([by_id[name]] if name in by_id else by_node.get(name), row)
        ]
        if begun:
            containers[row.source_id] = max(begun, key=lambda item: _start_order(item[0]))
    return containers


def _last_begun(
    executions: Sequence[ExecutionRow] | None, row: ExecutionRow
) -> Sequence[ExecutionRow]:
    """Return the last of the executions, in their order, that had begun when a step did; without
    any others, none."""
    others = [other for other in executions or () if other is not row]
    begun = bisect_right(others, _start_order(row)[0], key=lambda other: _start_order(other)[0])
    return others[max(begun - 1, 0) :][:1]


def _start_order(row: ExecutionRow) -> tuple[int, str]:
    return (FAR_FUTURE if row.started_us is None else row.started_us, row.source_id)


def containers_by_time(
    rows: list[ExecutionRow], above: dict[str, ExecutionRow | None]
) -> dict[str, tuple[ExecutionRow, int | None]]:
    """Return the containers of steps that were reported without one, found by time, each with the
    number of the iteration. Before 1.14.1 Dify sent no spans for iterations, and every step below
    the run: a step names its iteration's number and its container's graph id, which no span
    carries. Its container is the smallest iteration or loop around it in time."""
    top = [row for row in rows if row.started_us is not None and _is_on_top(row, above)]
    top.sort(key=lambda row: row.started_us or 0)
    waiting = [row for row in reversed(top) if row.kind in CONTAINERS and not row.folded]
    begun: list[ExecutionRow] = []  # containers that began before, the smallest first
    containers: dict[str, tuple[ExecutionRow, int | None]] = {}
    for row in top if waiting else ():
        index = row.hints.get("iteration_index")
        if index is None:
            continue
        now = row.started_us or 0
        while waiting and (waiting[-1].started_us or 0) <= now:
            insort(begun, waiting.pop(), key=_duration_order)
        position = bisect_right(begun, _duration_order(row), key=_duration_order)
        while position < len(begun):
            ended = begun[position].ended_us
            if ended is None or ended >= now:
                containers[row.source_id] = (begun[position], index)
                break
            del begun[position]
    return containers


def callers_by_time(
    rows: list[ExecutionRow], above: dict[str, ExecutionRow | None]
) -> dict[str, ExecutionRow]:
    """Return the callers of steps that their producer reports beside the step that called them
    (n8n's sub-workflows and parts of agents): of those that call such, the last that had begun
    when the step began, and had not ended."""
    called = [row for row in rows if row.hints.get("called_as") and row.started_us is not None]
    begun: dict[tuple[str, ExecutionRow | None], list[ExecutionRow]] = {}
    for row in sorted(rows, key=_call_order) if called else ():
        if (calls := row.hints.get("calls")) and row.started_us is not None:
            begun.setdefault((calls, above[row.source_id]), []).append(row)
    callers: dict[str, ExecutionRow] = {}
    for row in called:
        beside = begun.get((row.hints["called_as"], above[row.source_id]), [])
        for other in reversed(beside[: bisect_left(beside, _call_order(row), key=_call_order)]):
            if other.ended_us is None or other.ended_us >= (row.started_us or 0):
                callers[row.source_id] = other
                break
    return callers


def _call_order(row: ExecutionRow) -> tuple[int, int, str]:
    """Return a total order in which a step that calls another comes before it, also where both
    begin in the same millisecond."""
    lasted = FAR_FUTURE if row.duration_us is None else row.duration_us
    return (_start_order(row)[0], -lasted, row.source_id)


def _duration_order(row: ExecutionRow) -> tuple[int, str]:
    """Return a key of a total order, so that no two containers can each be inside the other."""
    return (FAR_FUTURE if row.duration_us is None else row.duration_us, row.source_id)
