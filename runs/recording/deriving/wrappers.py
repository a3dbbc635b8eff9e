"""Hides the repetitions of a model call that is reported several times: by the framework's own
spans (LlamaIndex's achat around chat around complete), or by two instrumentations, one around the
other (LangChain's model around the client's). Pure.

Of model spans beside each other with the same answer, by its id, one is kept; and so it is where a
model's own SDK reports the call within another report of it.
Of two model spans of the same model, one being the only step below the other, the one that says no
more than the other is a wrapper and hidden: the inner one when both say the same, because the outer
one is what the developer called.
"""

import re
from collections.abc import Mapping

from nodes.kinds import KINDS
from runs.recording.records.row import ExecutionRow

MODELS = frozenset(key for key, kind in KINDS.items() if kind.call == "model")
# What a provider's API adds to the name of the requested model: a date, a version.
RELEASE = re.compile(r"([-@:](\d[\d-]*|v\d[\d.:]*|latest))+$")
Above = Mapping[str, ExecutionRow | None]


def mark_wrappers(rows: list[ExecutionRow], above: Above) -> None:
    """Set `folded` of wrappers. `above`: each row's parent as reported; other wrappers are marked
    already."""
    calls = [row for row in rows if row.kind in MODELS and not row.folded]
    _hide_repeated_answers(calls, above)
    _hide_sdk_calls(calls, above)
    parents = (_visible_parent(row, above) for row in calls)
    if not any(parent is not None and parent.kind in MODELS for parent in parents):
        return
    below: dict[str, list[ExecutionRow]] = {}
    for row in rows:
        if not row.folded and (parent := _visible_parent(row, above)) is not None:
            below.setdefault(parent.source_id, []).append(row)
    for outer in sorted(calls, key=_outer_first):
        if not outer.folded:
            _hide_repeated(outer, below)


def _hide_repeated_answers(calls: list[ExecutionRow], above: Above) -> None:
    """Hide model calls beside another one that brought the same answer, by the provider's id: two
    instrumentations report one call. The one that says most is kept, of equal ones the longer."""
    same: dict[tuple[str, str], list[ExecutionRow]] = {}
    for row in calls:
        if response_id := row.hints.get("response_id"):
            parent = _visible_parent(row, above)
            same.setdefault((response_id, parent.source_id if parent else ""), []).append(row)
    for rows in same.values():
        kept = min(rows, key=lambda row: (-len(_known_values(row)), *_outer_first(row)))
        for row in rows:
            row.folded = row is not kept


def _hide_sdk_calls(calls: list[ExecutionRow], above: Above) -> None:
    """Hide what a model's SDK reports of a call beside the instrumentation's report around it,
    where a failure or a stream left one of them without the id of an answer."""
    for row in calls:
        if row.folded or not row.hints.get("sdk_call"):
            continue
        parent = _visible_parent(row, above)
        row.folded = any(
            not other.folded
            and not other.hints.get("sdk_call")
            and _visible_parent(other, above) is parent
            and None in (row.hints.get("response_id"), other.hints.get("response_id"))
            and (other.started_us or 0) <= (row.started_us or 0)
            and _is_same_call(other, row)
            for other in calls
        )


def _outer_first(row: ExecutionRow) -> tuple[int, int, str]:
    return (row.started_us or 0, -(row.duration_us or 0), row.source_id)


def _hide_repeated(outer: ExecutionRow, below: dict[str, list[ExecutionRow]]) -> None:
    while len(inner := below.get(outer.source_id, [])) == 1:
        call = inner[0]
        if not _is_same_call(outer, call):
            return
        if _known_values(call) <= _known_values(outer):
            call.folded = True
            below[outer.source_id] = below.get(call.source_id, [])
        else:
            outer.folded = _known_values(outer) <= _known_values(call)
            return


def _visible_parent(row: ExecutionRow, above: Above) -> ExecutionRow | None:
    parent = above[row.source_id]
    while parent is not None and parent.folded:
        parent = above[parent.source_id]
    return parent


def _is_same_call(outer: ExecutionRow, inner: ExecutionRow) -> bool:
    if inner.kind != outer.kind or inner.hints.get("chained"):
        return False  # steps that their producer chains (Dify) come one after the other
    totals = {outer.total_tokens, inner.total_tokens} - {None}
    is_same_model = model_family(outer.model) == model_family(inner.model)
    return len(totals) < 2 and _is_within(inner, outer) and is_same_model


def _is_within(inner: ExecutionRow, outer: ExecutionRow) -> bool:
    begun = inner.started_us is None or outer.ended_us is None or inner.started_us <= outer.ended_us
    return begun and (
        inner.ended_us is None or outer.ended_us is None or inner.ended_us <= outer.ended_us
    )


def model_family(model: str) -> str:
    """Return a model's name without the provider before it and the release after it."""
    return RELEASE.sub("", model.lower().rpartition("/")[2])


def _known_values(row: ExecutionRow) -> set[str]:
    values = {
        "inputs": row.inputs_id,
        "outputs": row.outputs_id,
        "tokens": row.total_tokens,
        "cached": row.cached_tokens,
        "reasoning": row.reasoning_tokens,
        "cost": row.cost_reported,
        "error": row.error,
    }
    return {name for name, value in values.items() if value}
