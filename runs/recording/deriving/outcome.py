"""Decides the statuses of steps and runs once all steps are known. Pure.

Telemetry says of each step how it ended, not whether that ended the run: some frameworks leave the
root without an error when the run failed, and an error below is often caught. A failed step is
*fatal* when it ended the run; every other failed step was handled (`exception`), as Dify says it of
nodes with an error strategy.
"""

from dataclasses import dataclass

from runs.recording.deriving.parents import FAR_FUTURE
from runs.recording.deriving.tree import Tree, in_order
from runs.recording.records.record import RunFacts
from runs.recording.records.row import ExecutionRow


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended. `failed_row` is the step whose failure ended it; None where none is
    known."""

    status: str
    error: str
    failed_row: ExecutionRow | None


def settle_statuses(tree: Tree) -> Outcome:
    """Set the status of every row and return the run's."""
    for row in tree.rows:
        # A wrapper that reports neither status nor times (Dify's dispatcher) is not at work.
        idle = row.started_us is None or row.hints.get("envelope")
        at_work = not row.ended and not (row.folded and idle)
        row.status = row.told_status or ("running" if at_work else "succeeded")
        if row.status == "failed" and row.hints.get("handled"):
            row.status = "exception"
        if row.source_id in tree.tried_again:
            row.status = "retry"
    facts = _facts_with_status(tree)
    fatal = _last_with(tree, "failed")
    status = facts.status or _derived_status(tree, fatal)
    if facts.status and status not in ("running", "paused"):
        _end_with_run(tree, status, fatal)
    if status == "failed":
        fatal = fatal or _last_failed(tree) or _last_without_result(tree)
    if status not in ("running", "paused"):
        _mark_handled(tree, fatal if status in ("failed", "stopped") else [])
    if status == "succeeded" and any(row.status == "exception" for row in tree.order):
        status = "partial-succeeded"
    for row in tree.rows:  # one whose place another row takes is as that one is
        row.status = tree.same.get(row.source_id, row).status
    failed_row = _first_failure(tree, fatal) if status in ("failed", "stopped") else None
    return Outcome(status, _run_error(tree, status, failed_row), failed_row)


def _end_with_run(tree: Tree, status: str, fatal: list[ExecutionRow]) -> None:
    """End the steps that were at work or waited when their run ended, as its producer says. The
    only one at work when a run failed is where it failed; a person was waited for until the run
    went on."""
    at_work = {row for row in tree.order if row.status in ("running", "paused")}
    innermost = [row for row in at_work if at_work.isdisjoint(tree.below(row))]
    for row in at_work:
        row.status = "stopped"
        if row.kind == "human-input" and status in ("succeeded", "partial-succeeded"):
            row.status = "succeeded"
    if status == "failed" and not fatal and len(innermost) == 1:
        innermost[0].status = "failed"


def _facts_with_status(tree: Tree) -> RunFacts:
    """Return the facts of the first run span that states a status for the run as such. A run that
    waited is reported once more when it went on."""
    stated = [facts for row in tree.runs if (facts := row.facts).status]
    first = stated[0] if stated else RunFacts()
    return next((facts for facts in stated if facts.status != "paused"), first)


def _last_with(tree: Tree, status: str) -> list[ExecutionRow]:
    """Return steps of a status after which no other step began, on any level up to the top."""
    candidates = [row for row in tree.order if row.status == status]
    latest = _latest_beside(tree) if candidates else {}
    return [
        row
        for row in candidates
        if latest[row.source_id] < (FAR_FUTURE if row.ended_us is None else row.ended_us)
    ]


def _latest_beside(tree: Tree) -> dict[str, int]:
    """Return by source id when the last step began beside the step or beside any step above it; -1:
    none did."""
    newest = _last_two_begun(tree)
    latest: dict[str, int] = {}
    for row in tree.order:  # parents before children
        parent = tree.parent[row.source_id]
        beside = [
            other.started_us or 0 for other in newest[tree.parent_key(row)] if other is not row
        ]
        above = latest[parent.source_id] if parent is not None else -1
        latest[row.source_id] = max(above, *beside, -1)
    return latest


def _last_two_begun(tree: Tree) -> dict[str, list[ExecutionRow]]:
    return {
        parent_key: sorted(
            (row for row in rows if row.started_us is not None), key=lambda row: row.started_us or 0
        )[-2:]
        for parent_key, rows in tree.children.items()
    }


def _derived_status(tree: Tree, fatal: list[ExecutionRow]) -> str:
    root = tree.runs[0] if tree.runs else None
    roots = _visible_roots(tree)
    if len(roots) > 1:
        return _status_of_roots(tree, roots, fatal)
    # A lone model or tool call without a workflow around it is the whole run.
    root = root or (roots[0] if roots else None)
    if root is not None and root.status == "failed":
        return "failed"
    if root is not None and any(row.status == "failed" for row in tree.runs):
        return "failed"
    if _is_paused(tree):
        return "paused"
    if root is None or not _has_ended(tree, root):
        return "failed" if root is None and fatal and _all_ended(tree) else "running"
    # A root that says OK does not hide a failure that ended the run, unless it has a result.
    if fatal and not root.has_result:
        return "failed"
    return "stopped" if root.status == "stopped" else "succeeded"


def _visible_roots(tree: Tree) -> list[ExecutionRow]:
    """Return the steps that nothing stands above, where no span is the run itself. Calls without a
    root among them may still get one."""
    top = [row for row in tree.children.get("", []) if not row.parent_source_id]
    if tree.roots:
        return [*top, *(row for row in tree.roots if row not in top)]
    return top if len(top) == 1 and not tree.runs and not tree.missing else []


def _status_of_roots(tree: Tree, roots: list[ExecutionRow], fatal: list[ExecutionRow]) -> str:
    """Return the status of a run of several roots: one that fails fails itself, and the run only
    where no other one returned something."""
    if _is_paused(tree):
        return "paused"
    if not all(row.ended for row in roots):
        return "running"
    if any(row.status == "succeeded" and row.has_result for row in roots):
        return "succeeded"
    last = max(roots, key=in_order)
    if last.status == "failed" or fatal:
        return "failed"
    return "stopped" if last.status == "stopped" else "succeeded"


def _has_ended(tree: Tree, root: ExecutionRow) -> bool:
    if not root.hints.get("envelope") or root.ended:
        return root.ended
    return bool(tree.order or root.outputs_id) and all(row.ended for row in tree.order)


def _all_ended(tree: Tree) -> bool:
    return all(row.ended for row in tree.rows)


def _is_paused(tree: Tree) -> bool:
    """Return whether nothing began after a paused step: then the run waits, whatever its root
    says."""
    return bool(_last_with(tree, "paused"))


def _last_failed(tree: Tree) -> list[ExecutionRow]:
    failed = [row for row in tree.order if row.status == "failed"]
    if not failed:
        return []
    return [max(failed, key=lambda row: (row.ended_us or 0, row.depth, row.source_id))]


def _last_without_result(tree: Tree) -> list[ExecutionRow]:
    """Return the last step, as failed, where its producer does not say how steps end, and this one
    has no result (Dify's own OpenTelemetry)."""
    steps = [row for row in tree.order if row.status != "retry"]
    last = max(steps, key=in_order, default=None)
    if last is None or not last.hints.get("attempt_of") or last.told_status or last.outputs_id:
        return []
    last.status = "failed"
    return [last]


def _mark_handled(tree: Tree, fatal: list[ExecutionRow]) -> None:
    """Mark failed steps that did not end the run as handled. What failed because a step below it
    failed stays failed with it."""
    keep = set()
    for row in fatal:
        walk: ExecutionRow | None = row
        while walk is not None and walk.source_id not in keep:
            keep.add(walk.source_id)
            walk = tree.parent[walk.source_id]
    for row in tree.order:
        if row.status == "failed" and row.source_id not in keep:
            row.status = "exception"


def _first_failure(tree: Tree, fatal: list[ExecutionRow]) -> ExecutionRow | None:
    """Return the deepest of the fatal steps; of several, the one that failed first. A call over a
    network that another step made is not where the run failed: that step is."""
    ids = {row.source_id for row in fatal}
    fatal = [row for row in fatal if not _is_transport_of(tree.parent[row.source_id], row, ids)]
    ids = {row.source_id for row in fatal}
    origins = [row for row in fatal if not any(c.source_id in ids for c in tree.below(row))]
    return min(origins, key=lambda row: (row.ended_us or FAR_FUTURE, in_order(row)), default=None)


def _is_transport_of(parent: ExecutionRow | None, row: ExecutionRow, fatal: set[str]) -> bool:
    return bool(row.hints.get("transport")) and parent is not None and parent.source_id in fatal


def _run_error(tree: Tree, status: str, failed_row: ExecutionRow | None) -> str:
    if status not in ("failed", "stopped", "partial-succeeded"):
        return ""
    for row in [*tree.runs, *([failed_row] if failed_row else [])]:
        if row.error and status != "partial-succeeded":
            return row.error
    return ""
