"""Where the values of one step came from and who used them; one value back to its origin."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from nodes.http import HtmxHttpRequest, render_region
from runs.access import ReadRequest, session_or_read_key
from runs.json.execution import json_response
from runs.lookup import execution_or_404, run_or_404
from runs.pages.lineage.lineage import lineage_context, links_json


@require_safe
def page(request: HtmxHttpRequest, run_id: UUID, execution_id: UUID) -> HttpResponse:
    """With `?path=` (a JSON pointer) the way of one value; for htmx the part for the panel."""
    run = run_or_404(run_id)
    execution = execution_or_404(run.id, execution_id, with_payloads=False)
    context = lineage_context(run, execution, request.GET.get("path", ""))
    context |= {"run": run, "execution": execution}
    fragment = "lineage/_way.html" if context["path"] else "lineage/_lineage.html"
    return render_region(request, "lineage/lineage.html", fragment, context)


@require_safe
@session_or_read_key
def twin(request: ReadRequest, run_id: UUID, execution_id: UUID) -> HttpResponse:
    run = run_or_404(run_id, request.only_app)
    execution = execution_or_404(run.id, execution_id, with_payloads=False)
    found = lineage_context(run, execution, request.GET.get("path", ""))
    data: dict[str, Any] = {"run": str(run.id), "execution": str(execution.id)}
    if found["path"]:
        data["path"] = found["path"]
        data["back"] = [line.data for line in found["back"]]
        data["forward"] = [line.data | {"level": line.level} for line in found["forward"]]
        data |= {"left_out": found["left_out"], "stopped": found["stopped"]}
    else:
        data |= links_json(found)
    return json_response(data)
