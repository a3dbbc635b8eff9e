"""VARIABLES: every variable of a run, what was written to it, and by which step."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.views.decorators.http import require_safe

from nodes.http import HtmxHttpRequest, render_region
from nodes.lineage.values import MISSING
from nodes.lineage.variables import Variable, Write
from nodes.numbers import whole_number
from runs.access import ReadRequest, session_or_read_key
from runs.json.execution import json_response, writable
from runs.lookup import run_or_404
from runs.models import Run
from runs.pages.run.header import header_of
from runs.pages.variables.rows import rows, steps
from runs.pages.variables.variables import NODES, Asked, RunVariables, variables_of

JSON_VALUE = 20_000  # characters of one value in the twin


def _asked(told: Any) -> Asked:
    """What the query asks for. An `after` that is no id asks for no step of this run."""
    first, after = told.get("from", ""), told.get("after", "")
    try:
        step = UUID(after) if after else None
    except ValueError:
        raise Http404("“after” must be the id of a step of this run.") from None
    number = whole_number(first, 5) or 0
    return Asked(step, told.get("q", "").strip()[:200], told.get("name", "")[:600], number)


def _found_or_404(run: Run, asked: Asked) -> RunVariables:
    found = variables_of(run, asked)
    if found is None:
        raise Http404("This run has no such step.")
    return found


@require_safe
def page(request: HtmxHttpRequest, run_id: UUID) -> HttpResponse:
    run = run_or_404(run_id)
    asked = _asked(request.GET)
    found = _found_or_404(run, asked)
    context = {
        "run": run,
        "tab": "variables",
        "template": "variables/_variables.html",
        "header": header_of(run),
        "asked": asked,
        "found": found,
        "groups": rows(run, found, asked),
        "steps": steps(run, found, asked),
    }
    return render_region(request, "run/run.html", "run/_tab.html", context)


@require_safe
@session_or_read_key
def twin(request: ReadRequest, run_id: UUID) -> HttpResponse:
    run = run_or_404(run_id, request.only_app)
    asked = _asked(request.GET)
    found = _found_or_404(run, asked)
    query = request.GET.copy()
    query["from"] = str(asked.first + NODES)
    return json_response({
        "run": str(run.id),
        "after": str(asked.after) if asked.after else None,
        "variables": [_variable(one) for _, variables in found.groups for one in variables],
        "left_out": found.left_out + found.cut,
        "older_turns_left_out": found.older_turns,
        "next": request.build_absolute_uri(f"?{query.urlencode()}") if found.more else None,
    })  # fmt: skip


def _variable(variable: Variable) -> dict[str, Any]:
    return {
        "name": variable.name,
        "group": variable.group,
        "node_id": variable.node_id or None,
        "title": variable.title or None,
        **_write(variable.last),
        "writes": [_write(write) for write in variable.writes],
        "earlier_writes": variable.earlier,
    }


def _write(write: Write) -> dict[str, Any]:
    """A value that is too large for here is null, and its step's page has it."""
    value = None if write.value is MISSING else write.value
    short = len(str(value)) <= JSON_VALUE
    visit = write.visit
    return {
        "value": writable(value) if short else None,
        "left_out": (write.value is MISSING and not write.masked) or not short,
        "masked": write.masked,
        "written_by": visit and {
            "execution": str(UUID(visit.id)),
            "node_id": visit.node_id,
            "title": visit.title,
            "iteration": list(visit.iteration),
            "attempt": visit.attempt,
        },
        "written_in_run": str(write.turn.id) if write.turn else None,
    }  # fmt: skip
