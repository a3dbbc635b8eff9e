"""The VARIABLES tab: every variable of a run, what was written to it, and by which step."""

from uuid import UUID

from django.http import Http404, HttpResponse, QueryDict
from django.views.decorators.http import require_safe

from nodes.http import HtmxHttpRequest, render_region
from nodes.lineage.values import MISSING
from nodes.lineage.variables import Variable, VariableWrite
from nodes.numbers import whole_number
from runs.access import ReadRequest, session_or_read_key
from runs.json.values import json_response, writable
from runs.json.variables import VariableJson, VariableWriteJson
from runs.lookup import run_or_404
from runs.models import Run
from runs.pages.run_header.run_header import header_of
from runs.pages.variables.rows import VariableRows
from runs.pages.variables.variables import (
    MAX_NODES,
    RunVariables,
    VariablesQuery,
    variables_of,
)

JSON_VALUE = 20_000  # characters of one value in the twin


def _variables_query(parameters: QueryDict) -> VariablesQuery:
    """Return what the address asks for. An `after` that is no id names no step of this run."""
    first, after = parameters.get("from", ""), parameters.get("after", "")
    try:
        step_id = UUID(after) if after else None
    except ValueError:
        raise Http404("“after” must be the id of a step of this run.") from None
    return VariablesQuery(
        step_id,
        parameters.get("q", "").strip()[:200],
        parameters.get("name", "")[:600],
        whole_number(first, 5) or 0,
    )


def _variables_or_404(run: Run, query: VariablesQuery) -> RunVariables:
    variables = variables_of(run, query)
    if variables is None:
        raise Http404("This run has no such step.")
    return variables


@require_safe
def variables_page(request: HtmxHttpRequest, run_id: UUID) -> HttpResponse:
    run = run_or_404(run_id)
    query = _variables_query(request.GET)
    variables = _variables_or_404(run, query)
    rows = VariableRows(run, variables, query)
    context = {
        "run": run,
        "tab": "variables",
        "template": "variables/_variables.html",
        "header": header_of(run, request.GET.get("list", "")),
        "query": query,
        "variables": variables,
        "groups": rows.groups(),
        "steps": rows.step_links(),
    }
    return render_region(request, "run/run.html", "run/_tab.html", context)


@require_safe
@session_or_read_key
def variables_twin(request: ReadRequest, run_id: UUID) -> HttpResponse:
    run = run_or_404(run_id, request.only_app)
    query = _variables_query(request.GET)
    variables = _variables_or_404(run, query)
    parameters = request.GET.copy()
    parameters["from"] = str(query.first + MAX_NODES)
    next_url = request.build_absolute_uri(f"?{parameters.urlencode()}") if variables.more else None
    return json_response({
        "run": str(run.id),
        "after": str(query.after) if query.after else None,
        "variables": [
            _variable_json(variable) for _, group in variables.groups for variable in group
        ],
        "left_out": variables.left_out + variables.cut,
        "older_turns_left_out": variables.older_turns,
        "next": next_url,
    })  # fmt: skip


def _variable_json(variable: Variable) -> VariableJson:
    return {
        "name": variable.name,
        "group": variable.group,
        "node_id": variable.node_id or None,
        "title": variable.title or None,
        **_write_json(variable.last),
        "writes": [_write_json(write) for write in variable.writes],
        "earlier_writes": variable.earlier,
    }


def _write_json(write: VariableWrite) -> VariableWriteJson:
    """Return a write. A value that is too large for here is null; its step's page has it."""
    value = None if write.value is MISSING else write.value
    is_short = len(str(value)) <= JSON_VALUE
    step = write.step
    return {
        "value": writable(value) if is_short else None,
        "left_out": (write.value is MISSING and not write.redacted) or not is_short,
        "masked": write.redacted,
        "written_by": None
        if step is None
        else {
            "execution": str(UUID(step.id)),
            "node_id": step.node_id,
            "title": step.title,
            "iteration": list(step.iteration_path),
            "attempt": step.attempt,
        },
        "written_in_run": str(write.turn.id) if write.turn else None,
    }
