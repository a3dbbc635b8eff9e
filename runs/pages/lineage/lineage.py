"""Lineage of one step, or of one value of it, for its page and its twins."""

from typing import Any

from django.http import Http404

from nodes.lineage.origins import origins_of_inputs
from nodes.lineage.run_index import RunIndex
from nodes.lineage.steps import LineageStep
from nodes.lineage.trace import trace_back, trace_forward
from nodes.lineage.uses import uses_of_outputs
from nodes.lineage.values import (
    MISSING,
    ValuePath,
    display_path,
    from_pointer,
    resolve_path,
    to_pointer,
    value_at,
)
from nodes.models import NodeExecution
from runs.json.lineage import ExecutionLinksJson
from runs.models import Run
from runs.pages.lineage.loading import load_run_index, tool_call_id
from runs.pages.lineage.rows import LinkRow, LinkRows, part_and_path


def lineage_context(run: Run, execution: NodeExecution, pointer: str = "") -> dict[str, Any]:
    """Return `came_from` and `used_by` of the step, or `back` and `forward` of the value at the
    JSON `pointer`; `left_out` counts values that were not loaded, `stopped` says that there was
    more to look at."""
    run_index, loader = load_run_index(run, execution.id)
    step = run_index.steps.by_id.get(execution.id.hex)
    rows = LinkRows(run.id)
    context: dict[str, Any] = {"path": "", "came_from": [], "used_by": []}
    if step is None:  # beyond the steps that are read
        return context | {"left_out": 1, "stopped": True}
    part, path = part_and_path(from_pointer(pointer))
    call_id = tool_call_id(execution)
    if part:
        context |= _trace_context(run_index, step, part, path, rows, call_id)
    else:
        context["came_from"] = rows.of_origins(step, origins_of_inputs(run_index, step, call_id))
        context["used_by"] = rows.of_uses(uses_of_outputs(run_index, step))
    return context | {"left_out": loader.left_out, "stopped": run_index.truncated}


def _trace_context(
    run_index: RunIndex,
    step: LineageStep,
    part: str,
    path: ValuePath,
    rows: LinkRows,
    call_id: str,
) -> dict[str, Any]:
    value = run_index.value(step.digest(part))
    if value is not MISSING and value_at(value, path) is MISSING:
        raise Http404("The value has nothing at this path.")
    path = resolve_path(value, path)
    back, forward = rows.of_traces(
        trace_back(run_index, step, part, path, call_id),
        trace_forward(run_index, step, part, path),
    )
    return {
        "path": to_pointer((part, *path)),
        "path_text": display_path((part, *path)),
        "back": back,
        "forward": forward,
    }


def links_json(context: dict[str, Any]) -> ExecutionLinksJson:
    """Return `links` of an execution's twin. `left_out` counts values that were not looked at,
    `stopped` says that there was more to look at."""
    used_by: list[LinkRow] = context["used_by"]
    return {
        "came_from": [row.data for row in context["came_from"]],
        "used_by": [{**row.data, "times": row.times} for row in used_by],
        "left_out": context["left_out"],
        "stopped": context["stopped"],
    }
