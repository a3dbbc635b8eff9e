"""Builds the tree of a run's steps. Pure.

The producer's parents are taken with three repairs: wrappers (`folded`) and the run's own span are
skipped, so that its children move up; steps chained to their predecessor (Dify) belong to the
nearest run or iteration above; a step whose parent has not arrived is an orphan, below the place
where the parent will be.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from uuid import UUID

from runs.recording.deriving.parents import (
    CONTAINERS,
    FAR_FUTURE,
    PathEnd,
    by_any_id,
    callers_by_time,
    climb,
    containers_by_id,
    containers_by_time,
    cycle_cuts,
    repeated_attempts,
    reported_parents,
    stand_ins,
)
from runs.recording.deriving.wrappers import mark_wrappers
from runs.recording.records.row import ExecutionRow, attempt_number, step_of_attempt

MAX_NODE_ID = 255


@dataclass(slots=True)
class Tree:
    """Visible rows as a tree. `children` is keyed by source id, "" for the top level and the id of
    a parent that has not arrived; each list is in order. `runs` holds the spans that are the
    run."""

    run_id: UUID
    rows: list[ExecutionRow]
    runs: list[ExecutionRow] = field(default_factory=list)
    # The spans without a parent where there are several: each is a step, and together they are the
    # run.
    roots: list[ExecutionRow] = field(default_factory=list)
    parent: dict[str, ExecutionRow | None] = field(default_factory=dict)
    children: dict[str, list[ExecutionRow]] = field(default_factory=dict)
    # source id of a row → source id of its parent that has not arrived
    missing: dict[str, str] = field(default_factory=dict)
    # Containers that stand in for one whose execution id is known (see `stand_ins`).
    same: dict[str, ExecutionRow] = field(default_factory=dict)
    # Source ids of attempts that were tried again, where no producer says it.
    tried_again: set[str] = field(default_factory=set)
    reported_passes: dict[str, list[int]] = field(default_factory=dict)
    by_time: list[ExecutionRow] = field(default_factory=list)
    order: list[ExecutionRow] = field(default_factory=list)
    # Set by `turns`: the steps that are turns of a conversation, where there are several.
    turns: list[ExecutionRow] = field(default_factory=list)
    # Set by `totals`: source ids of model spans that repeat calls below them, the rows whose cost
    # is in the run's, and how many steps used something whose cost is not known.
    repeating: set[str] = field(default_factory=set)
    with_cost: list[ExecutionRow] = field(default_factory=list)
    unpriced: int = 0

    def was_tried_again(self, row: ExecutionRow) -> bool:
        return row.told_status == "retry" or row.source_id in self.tried_again

    def below(self, row: ExecutionRow) -> list[ExecutionRow]:
        return self.children.get(row.source_id, [])

    def siblings(self, row: ExecutionRow) -> list[ExecutionRow]:
        """Return the rows below the same parent, this one among them."""
        return self.children[self.parent_key(row)]

    def parent_key(self, row: ExecutionRow) -> str:
        """Return the key of `children` that the row is listed under."""
        parent = self.parent[row.source_id]
        if parent is not None:
            return parent.source_id
        return self.missing.get(row.source_id, "")


def execution_id(run_id: UUID, source_id: str) -> str:
    """Return an id derived from the run and the producer's id, so that sending again lands on the
    same row. 32 hex digits, which begin as the run's, so that the ids of a run lie together in an
    index."""
    own = blake2b(source_id.encode(), digest_size=10, key=run_id.bytes).hexdigest()
    return run_id.hex[:12] + own


StartOrder = tuple[int, int, int, str]
# Of steps that begin at once, what starts a run comes first.
BEFORE = -1
PLACES = {
    "start": BEFORE, "trigger-webhook": BEFORE, "trigger-schedule": BEFORE,
    "trigger-plugin": BEFORE, "tool": 1,
}  # fmt: skip


def in_order(row: ExecutionRow) -> StartOrder:
    """Return the key that orders siblings: by their start. Of two at once (some producers round to
    whole milliseconds) a trigger comes first and a tool after what called it, then the longer
    first, then by id."""
    started = FAR_FUTURE if row.started_us is None else row.started_us
    return (started, PLACES.get(row.kind, 0), -(row.duration_us or 0), row.source_id)


def build_tree(
    run_id: UUID, rows: list[ExecutionRow], ended_as: Mapping[str, ExecutionRow]
) -> Tree:
    """Return the tree of a run's steps; `ended_as` as returned by `place_in_time`."""
    tree = Tree(run_id, rows)
    same, tree.tried_again = repeated_attempts(rows)
    tree.same = stand_ins(rows, ended_as) | same
    known = by_any_id(rows) | tree.same
    above = reported_parents(rows, known)
    above |= callers_by_time(rows, above)
    _hide_wrappers(tree, above)
    _find_parents(tree, known, above)
    _link_children(tree)
    _number_steps(tree)
    _number_wrappers(tree, above)
    _set_node_ids(tree)
    return tree


def _hide_wrappers(tree: Tree, above: dict[str, ExecutionRow | None]) -> None:
    """Set `folded`. The span that is the run itself is not a step of it, unless it runs below a
    step (a workflow used as a tool). A chain that only repeats the name of the run's span is
    hidden, too."""
    for row in tree.rows:
        row.folded = bool(row.hints.get("folded")) or row.source_id in tree.same
    for row in tree.rows:
        on_top = above[row.source_id] is None
        if row.hints.get("is_run") or (on_top and row.hints.get("parent_elsewhere")):
            walk = above[row.source_id]
            while walk is not None and (walk.folded or walk.hints.get("is_run")):
                walk = above[walk.source_id]
            if walk is None:
                row.folded = True
                tree.runs.append(row)
    _show_roots(tree, above)
    runs = set(tree.runs)
    by_workflow = any(row.kind == "workflow" for row in runs)
    for row in tree.rows:
        if by_workflow and row.hints.get("stand_in") and row.kind not in CONTAINERS:
            row.folded = True  # the model call of a message that a workflow's steps made
        run = above[row.source_id]
        if run is not None and run in runs and _repeats(row, run):
            row.folded = True
    mark_wrappers(tree.rows, above)
    tree.runs.sort(key=lambda row: (row.kind != "workflow", *in_order(row)))


def _show_roots(tree: Tree, above: dict[str, ExecutionRow | None]) -> None:
    """Make steps of the spans that could be the run, where there are several without a parent (a
    trace of several calls, a background task): none of them speaks for the others. Producers that
    name the run by an id of its own, or that know it as a whole, tell one run by several spans; a
    run that waited for a person is told once more when it goes on."""
    roots = [row for row in tree.runs if above[row.source_id] is None]
    named = any(row.hints.get("envelope") or row.facts.source_ids for row in tree.runs)
    waited = any(row.told_status == "paused" for row in tree.rows)
    if named or waited or len(roots) < 2:
        return
    for row in tree.runs:
        row.folded = bool(row.hints.get("folded")) or row.source_id in tree.same
    tree.roots = sorted((row for row in roots if not row.folded), key=in_order)
    tree.runs = [row for row in tree.runs if row.folded]


def _repeats(row: ExecutionRow, run: ExecutionRow) -> bool:
    has_values = row.inputs_id or row.outputs_id or row.error
    return row.kind == "chain" and row.title == run.title and not has_values


def _find_parents(
    tree: Tree, known: dict[str, ExecutionRow], above: dict[str, ExecutionRow | None]
) -> None:
    """Find each row's visible parent, the iteration numbers on the path up, or the missing
    parent."""
    containers = containers_by_time(tree.rows, above)
    containers |= containers_by_id(tree.rows, above, tree.same)
    runs = {row.source_id for row in tree.runs}
    reached: dict[tuple[str, bool], PathEnd] = {}
    for row in tree.rows:
        parent, passes, last = climb(row, above, runs, reached)
        if not passes and (container := containers.get(row.source_id)) is not None:
            parent, index = container
            passes = () if index is None else (index,)
        gone = last.parent_source_id not in known and last.parent_source_id
        is_top = last.hints.get("is_run") or last.source_id in runs or last in tree.roots
        if parent is None and gone and not is_top:
            tree.missing[row.source_id] = last.parent_source_id
        tree.parent[row.source_id] = parent
        tree.reported_passes[row.source_id] = list(passes)
    for source_id in cycle_cuts(tree.parent) if containers else ():
        tree.parent[source_id] = None


def _sorted_by_time(rows: list[ExecutionRow]) -> list[ExecutionRow]:
    """Return rows in order; attempts of a step, whose own times are within it, before the step."""
    retried = [row for row in rows if row.told_status == "retry"]
    if not retried:
        return sorted(rows, key=in_order)
    steps = {row.source_id: row for row in rows}
    places = {row: in_order(row) for row in rows}
    for row in retried:
        step = steps.get(step_of_attempt(row)[0])
        if step is not None:
            places[row] = (places[step][0], BEFORE, attempt_number(row), row.source_id)
    return sorted(rows, key=places.__getitem__)


def _link_children(tree: Tree) -> None:
    """Set children in order, and the ids of parents, also of those that have not arrived yet."""
    tree.by_time = _sorted_by_time(tree.rows)
    for row in tree.by_time:
        row.orphan = row.source_id in tree.missing and not row.folded
        parent = tree.parent[row.source_id]
        if parent is not None:
            row.parent_id = parent.id
        elif row.orphan:
            row.parent_id = execution_id(tree.run_id, tree.missing[row.source_id])
        else:
            row.parent_id = None
        if not row.folded:
            tree.children.setdefault(tree.parent_key(row), []).append(row)


def _number_steps(tree: Tree) -> None:
    """Set pre-order positions and depths. Orphans stand one below their missing parent."""
    place = {row: number for number, row in enumerate(tree.by_time)}
    top: list[tuple[int, list[ExecutionRow], int]] = [
        (place[row], [row], 0) for row in tree.children.get("", [])
    ]
    for missing_id in sorted(set(tree.missing.values())):
        orphans = tree.children.get(missing_id, [])
        if orphans:
            top.append((place[orphans[0]], orphans, 1))
    stack = [(row, depth) for _, rows, depth in sorted(top, key=lambda item: item[0], reverse=True)
             for row in reversed(rows)]  # fmt: skip
    while stack:
        row, depth = stack.pop()
        row.index, row.depth = len(tree.order), depth
        tree.order.append(row)
        stack.extend((child, depth + 1) for child in reversed(tree.below(row)))


def _number_wrappers(tree: Tree, above: dict[str, ExecutionRow | None]) -> None:
    """Place wrappers where their first visible step is; without any, at the end."""
    for row in (row for row in tree.rows if row.folded):
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


def _set_node_ids(tree: Tree) -> None:
    """Set the keys of nodes in the graph: as reported, or the path of titles below the nearest
    reported one. The nodes of a workflow that another one uses as a tool belong to another graph:
    their ids follow that of the tool's node."""
    graph_ids = {
        tree.same[row.source_id].source_id: row.told_node_id
        for row in tree.rows
        if row.source_id in tree.same
    }
    hosts = {
        parent.source_id
        for row in tree.rows
        if row.hints.get("nested")
        and (parent := tree.parent[row.source_id]) is not None
        and not parent.hints.get("is_run")
    }
    # Source id of a row below another workflow's step → how the ids of its nodes begin.
    prefixes: dict[str, str] = {}
    for row in tree.order:
        parent = tree.parent[row.source_id]
        above = f"{parent.node_id}/" if parent else ""
        prefix = prefixes.get(parent.source_id, "") if parent else ""
        if parent and parent.source_id in hosts:
            prefix = above
        if prefix:
            prefixes[row.source_id] = prefix
        reported = graph_ids.get(row.source_id) or row.told_node_id
        row.node_id = _node_key(prefix + reported if reported else above + row.title)
    for row in tree.rows:
        if row.folded:
            row.node_id = _node_key(row.told_node_id or row.title)


def _node_key(key: str) -> str:
    """Return a key that fits its column; a longer one keeps its beginning and a digest of the
    whole."""
    if len(key) <= MAX_NODE_ID:
        return key
    return key[: MAX_NODE_ID - 17] + "~" + blake2b(key.encode(), digest_size=8).hexdigest()
