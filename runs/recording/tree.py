"""Who is below whom. Pure.

The producer's parents are taken with three repairs: plumbing (`folded`, and the run's own span) is
skipped, so that its children move up; steps chained to their predecessor (Dify) belong to the
nearest run or pass above; a step whose parent has not arrived is an orphan, below the place where
the parent will be.
"""

from bisect import bisect_right, insort
from dataclasses import dataclass, field
from hashlib import blake2b
from uuid import UUID

from runs.recording.rows import Row

FAR_FUTURE = 1 << 62
MAX_NODE_ID = 255
MAX_PASSES = 50  # passes in passes; more have no room in a path of them


@dataclass(slots=True)
class Tree:
    """Visible rows as a tree. `children` is keyed by source id, "" for the top level and the id of
    a parent that has not arrived; each list is in order. `runs` holds the spans that are the
    run."""

    run_id: UUID
    rows: list[Row]
    runs: list[Row] = field(default_factory=list)
    parent: dict[str, Row | None] = field(default_factory=dict)
    children: dict[str, list[Row]] = field(default_factory=dict)
    # source id of a row → source id of its parent that has not arrived
    missing: dict[str, str] = field(default_factory=dict)
    told_passes: dict[str, list[int]] = field(default_factory=dict)
    order: list[Row] = field(default_factory=list)

    def below(self, row: Row) -> list[Row]:
        return self.children.get(row.source_id, [])

    def siblings(self, row: Row) -> list[Row]:
        """The rows below the same parent, this one among them."""
        return self.children[self.place(row)]

    def place(self, row: Row) -> str:
        parent = self.parent[row.source_id]
        if parent is not None:
            return parent.source_id
        return self.missing.get(row.source_id, "")


def execution_id(run_id: UUID, source_id: str) -> str:
    """Derived from the run and the producer's id, so that sending again lands on the same row.
    32 hex digits."""
    return blake2b(source_id.encode(), digest_size=16, key=run_id.bytes).hexdigest()


def in_order(row: Row) -> tuple[int, int, str]:
    """Siblings run in the order of their start; of two at once the longer first, then by id."""
    started = FAR_FUTURE if row.started_us is None else row.started_us
    return (started, -(row.duration_us or 0), row.source_id)


def build_tree(run_id: UUID, rows: list[Row]) -> Tree:
    tree = Tree(run_id, rows)
    known = {row.source_id: row for row in rows}
    above = _told_parents(known)
    _fold(tree, above)
    _climb(tree, known, above)
    _link(tree)
    _number(tree)
    _number_folded(tree, above)
    _name(tree)
    return tree


def _told_parents(known: dict[str, Row]) -> dict[str, Row | None]:
    """Each row's parent as told. A cycle of parents is cut above its smallest id."""
    cut = _cycle_cuts(known)
    return {
        source_id: None if source_id in cut else known.get(row.parent_source_id)
        for source_id, row in known.items()
    }


def _cycle_cuts(known: dict[str, Row]) -> set[str]:
    cut: set[str] = set()
    settled: set[str] = set()
    for start in known:
        path: dict[str, None] = {}
        walk = start
        while walk in known and walk not in settled and walk not in path:
            path[walk] = None
            walk = known[walk].parent_source_id
        if walk in path:
            ids = list(path)
            cut.add(min(ids[ids.index(walk) :]))
        settled.update(path)
    return cut


def _fold(tree: Tree, above: dict[str, Row | None]) -> None:
    """The span that is the run itself is not a step of it, unless it runs below a step (a workflow
    used as a tool). A wrapper that only repeats the run span's name tells nothing either."""
    for row in tree.rows:
        row.folded = bool(row.hints.get("folded"))
    for row in tree.rows:
        if row.hints.get("is_run"):
            walk = above[row.source_id]
            while walk is not None and (walk.folded or walk.hints.get("is_run")):
                walk = above[walk.source_id]
            if walk is None:
                row.folded = True
                tree.runs.append(row)
    runs = set(tree.runs)
    for row in tree.rows:
        run = above[row.source_id]
        if run is not None and run in runs and _repeats(row, run):
            row.folded = True
    tree.runs.sort(key=lambda row: (row.kind != "workflow", *in_order(row)))


def _repeats(row: Row, run: Row) -> bool:
    told = row.inputs_id or row.outputs_id or row.error
    return row.kind == "chain" and row.title == run.title and not told


# Where the way up from a row ends: its visible parent, the passes on the way (outermost first), and
# the last row before that parent.
_Reached = tuple[Row | None, tuple[int, ...], Row]


def _climb(tree: Tree, known: dict[str, Row], above: dict[str, Row | None]) -> None:
    """Find each row's visible parent, the pass numbers told on the way up, or the parent that is
    missing."""
    containers = _containers_by_time(tree.rows, above)
    runs = {row.source_id for row in tree.runs}
    reached: dict[tuple[str, bool], _Reached] = {}
    for row in tree.rows:
        parent, passes, last = _way_up(row, above, runs, reached)
        if not passes and (container := containers.get(row.source_id)) is not None:
            parent, passes = container, (row.hints["iteration_index"],)
        gone = last.parent_source_id not in known and last.parent_source_id
        if parent is None and gone and not last.hints.get("is_run"):
            tree.missing[row.source_id] = last.parent_source_id
        tree.parent[row.source_id] = parent
        tree.told_passes[row.source_id] = list(passes)


def _way_up(
    row: Row,
    above: dict[str, Row | None],
    runs: set[str],
    reached: dict[tuple[str, bool], _Reached],
) -> _Reached:
    """`reached` keeps what was found of each row, with and without being chained: ways up are long
    and have most of their length in common."""
    trail: list[Row] = []
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


def _on_top(row: Row, above: dict[str, Row | None]) -> bool:
    parent = above[row.source_id]
    return parent is None or parent.folded


def _containers_by_time(rows: list[Row], above: dict[str, Row | None]) -> dict[str, Row]:
    """Before 1.14.1 Dify sent no pass spans, and every step below the run: a step tells its pass
    number and its container's graph id, which no span carries. The container is the smallest
    iteration or loop around it in time. Returns those of the steps that need one."""
    top = [row for row in rows if row.started_us is not None and _on_top(row, above)]
    top.sort(key=lambda row: row.started_us or 0)
    waiting = [row for row in reversed(top) if row.kind in ("iteration", "loop")]
    begun: list[Row] = []  # containers that began before, the smallest first
    found: dict[str, Row] = {}
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


def _width(row: Row) -> tuple[int, str]:
    """A total order, so that no two containers can each be inside the other."""
    return (FAR_FUTURE if row.duration_us is None else row.duration_us, row.source_id)


def _link(tree: Tree) -> None:
    """Children in order; ids of parents, also of those that have not arrived yet."""
    for row in sorted(tree.rows, key=in_order):
        row.orphan = row.source_id in tree.missing and not row.folded
        parent = tree.parent[row.source_id]
        if parent is not None:
            row.parent_id = parent.id
        elif row.orphan:
            row.parent_id = execution_id(tree.run_id, tree.missing[row.source_id])
        else:
            row.parent_id = None
        if not row.folded:
            tree.children.setdefault(tree.place(row), []).append(row)


def _number(tree: Tree) -> None:
    """Pre-order places and depths. Orphans stand one below their missing parent."""
    top: list[tuple[tuple[int, int, str], list[Row], int]] = [
        (in_order(row), [row], 0) for row in tree.children.get("", [])
    ]
    for missing_id in sorted(set(tree.missing.values())):
        orphans = tree.children.get(missing_id, [])
        if orphans:
            top.append((in_order(orphans[0]), orphans, 1))
    stack = [(row, depth) for _, rows, depth in sorted(top, key=lambda item: item[0], reverse=True)
             for row in reversed(rows)]  # fmt: skip
    while stack:
        row, depth = stack.pop()
        row.index, row.depth = len(tree.order), depth
        tree.order.append(row)
        stack.extend((child, depth + 1) for child in reversed(tree.below(row)))


def _number_folded(tree: Tree, above: dict[str, Row | None]) -> None:
    """Plumbing stands where its first visible step stands; without any, at the end."""
    folded = [row for row in tree.rows if row.folded]
    for row in folded:
        parent = tree.parent[row.source_id]
        row.index = len(tree.order)
        row.depth = parent.depth + 1 if parent else 0
    placed: set[str] = set()
    for row in tree.order:
        walk = above[row.source_id]
        while walk is not None and walk.folded and walk.source_id not in placed:
            walk.index = row.index
            placed.add(walk.source_id)
            walk = above[walk.source_id]


def _name(tree: Tree) -> None:
    """Keys of nodes in the graph: told, or the path of titles below the nearest told one."""
    for row in tree.order:
        parent = tree.parent[row.source_id]
        above = f"{parent.node_id}/" if parent else ""
        row.node_id = _short(row.told_node_id or above + row.title)
    for row in tree.rows:
        if row.folded:
            row.node_id = _short(row.told_node_id or row.title)


def _short(key: str) -> str:
    """A key that fits its column; a longer one keeps its beginning and a digest of the whole."""
    if len(key) <= MAX_NODE_ID:
        return key
    return key[: MAX_NODE_ID - 17] + "~" + blake2b(key.encode(), digest_size=8).hexdigest()
