"""What is above a step: as its producer told it, and as it is shown. Pure.

Every way up is walked once, because runs may be thousands of steps deep.
"""

from bisect import bisect_right, insort

from runs.recording.records.row import ExecutionRow

FAR_FUTURE = 1 << 62
MAX_PASSES = 50  # passes in passes; more have no room in a path of them

# Where the way up from a row ends: its visible parent, the passes on the way (outermost first), and
# the last row before that parent.
Reached = tuple[ExecutionRow | None, tuple[int, ...], ExecutionRow]


CONTAINERS = ("iteration", "loop")


def stand_ins(rows: list[ExecutionRow]) -> dict[str, ExecutionRow]:
    """Source id of a container that was told without its execution id → the same container told
    with it: the first of its node in the graph for the first, and so on. Who tells no id in the
    graph (Phoenix) is known by the title."""
    waiting: dict[tuple[str, str, str], list[ExecutionRow]] = {}
    real: dict[tuple[str, str], list[ExecutionRow]] = {}
    for row in sorted((row for row in rows if row.kind in CONTAINERS), key=_begun):
        if row.hints.get("stand_in"):
            waiting.setdefault((row.kind, row.told_node_id, row.title), []).append(row)
        else:
            real.setdefault((row.kind, row.told_node_id), []).append(row)
    found: dict[str, ExecutionRow] = {}
    for (kind, node_id, title), told in waiting.items():
        same = real.get((kind, node_id)) or real.get((kind, title)) or []
        found.update((row.source_id, own) for row, own in zip(told, same, strict=False))
    return found


def by_any_id(rows: list[ExecutionRow]) -> dict[str, ExecutionRow]:
    """Rows by the ids that others may name as their parent's: a step known by its execution id has
    been a span as well."""
    also = [row for row in rows if "span_ids" in row.hints]
    also.sort(key=lambda row: row.source_id, reverse=True)
    known = {span_id: row for row in also for span_id in row.hints["span_ids"]}
    known.update((row.source_id, row) for row in rows)
    return known


def reported_parents(
    rows: list[ExecutionRow], known: dict[str, ExecutionRow]
) -> dict[str, ExecutionRow | None]:
    """Each row's parent as told. A cycle of parents is cut above its smallest id."""
    parents = {row.source_id: known.get(row.parent_source_id) for row in rows}
    for source_id in cycle_cuts(parents):
        parents[source_id] = None
    return parents


def cycle_cuts(parents: dict[str, ExecutionRow | None]) -> set[str]:
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
    reached: dict[tuple[str, bool], Reached],
) -> Reached:
    """`reached` keeps what was found of each row, with and without being chained: ways up are long
    and have most of their length in common."""
    trail: list[ExecutionRow] = []
    places: list[tuple[str, bool]] = []
    chained = bool(row.hints.get("chained"))
    while (place := (row.source_id, chained)) not in reached:
        parent = above[row.source_id]
        trail.append(row)
        places.append(place)
        if parent is None:
            reached[place] = (None, (), row)
        elif parent.hints.get("pass_index") is not None:
            row, chained = parent, False
        elif parent.folded:
            row, chained = parent, chained and parent.source_id not in runs
        elif chained and parent.hints.get("chained"):
            row = parent
        else:
            reached[place] = (parent, (), row)
    found = reached[place]
    for row, place in zip(reversed(trail), reversed(places), strict=True):
        if place not in reached:
            parent = above[row.source_id]
            index = parent.hints.get("pass_index") if parent else None
            if index is not None and len(found[1]) < MAX_PASSES:
                found = (found[0], (*found[1], index), found[2])
            reached[place] = found
    return found


def _on_top(row: ExecutionRow, above: dict[str, ExecutionRow | None]) -> bool:
    parent = above[row.source_id]
    return parent is None or parent.folded


def containers_by_id(
    rows: list[ExecutionRow], above: dict[str, ExecutionRow | None], same: dict[str, ExecutionRow]
) -> dict[str, ExecutionRow]:
    """Steps that no parent leads anywhere, but that tell the graph id of the step they ran in
    (Dify's database and event stream): of its executions, the last that had begun. `same` as by
    `stand_ins`."""
    named: dict[str, list[ExecutionRow]] = {}
    inside = [row for row in rows if row.hints.get("container") and _on_top(row, above)]
    if inside:
        for row in sorted(rows, key=_begun):
            if row.told_node_id:
                named.setdefault(row.told_node_id, []).append(same.get(row.source_id, row))
    found: dict[str, ExecutionRow] = {}
    for row in inside:
        own = [one for one in named.get(row.hints["container"], ()) if one is not row]
        place = bisect_right(own, _begun(row)[0], key=lambda one: _begun(one)[0])
        if own:
            found[row.source_id] = own[max(place - 1, 0)]
    return found


def _begun(row: ExecutionRow) -> tuple[int, str]:
    return (FAR_FUTURE if row.started_us is None else row.started_us, row.source_id)


def containers_by_time(
    rows: list[ExecutionRow], above: dict[str, ExecutionRow | None]
) -> dict[str, ExecutionRow]:
    """Before 1.14.1 Dify sent no pass spans, and every step below the run: a step tells its pass
    number and its container's graph id, which no span carries. The container is the smallest
    iteration or loop around it in time. Returns those of the steps that need one."""
    top = [row for row in rows if row.started_us is not None and _on_top(row, above)]
    top.sort(key=lambda row: row.started_us or 0)
    waiting = [row for row in reversed(top) if row.kind in CONTAINERS and not row.folded]
    begun: list[ExecutionRow] = []  # containers that began before, the smallest first
    found: dict[str, ExecutionRow] = {}
    for row in top if waiting else ():
        if row.hints.get("iteration_index") is None:
            continue
        now = row.started_us or 0
        while waiting and (waiting[-1].started_us or 0) <= now:
            insort(begun, waiting.pop(), key=_width)
        place = bisect_right(begun, _width(row), key=_width)
        while place < len(begun):
            ended = begun[place].ended_us
            if ended is None or ended >= now:
                found[row.source_id] = begun[place]
                break
            del begun[place]
    return found


def _width(row: ExecutionRow) -> tuple[int, str]:
    """A total order, so that no two containers can each be inside the other."""
    return (FAR_FUTURE if row.duration_us is None else row.duration_us, row.source_id)
