"""The pages of lineage: the sources and uses of one step's values, and the trace of one value."""

from uuid import UUID

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from nodes.http import HtmxHttpRequest, render_region
from runs.access import ReadRequest, session_or_read_key
from runs.json.lineage import LineageJson
from runs.json.values import json_response
from runs.lookup import execution_or_404, run_or_404
from runs.pages.lineage.lineage import lineage_context, links_json
from runs.pages.lineage.rows import LinkRow


@require_safe
def lineage_page(request: HtmxHttpRequest, run_id: UUID, execution_id: UUID) -> HttpResponse:
    """Show the links of a step, or with `?path=` (a JSON pointer) the trace of one value; for htmx
    the part for the panel."""
    run = run_or_404(run_id)
    execution = execution_or_404(run.id, execution_id, with_payloads=False)
    context = lineage_context(run, execution, request.GET.get("path", ""))
    context |= {"run": run, "execution": execution}
    fragment = "lineage/_trace.html" if context["path"] else "lineage/_lineage.html"
    return render_region(request, "lineage/lineage.html", fragment, context)


@require_safe
@session_or_read_key
def lineage_twin(request: ReadRequest, run_id: UUID, execution_id: UUID) -> HttpResponse:
    run = run_or_404(run_id, request.only_app)
    execution = execution_or_404(run.id, execution_id, with_payloads=False)
    context = lineage_context(run, execution, request.GET.get("path", ""))
    data: LineageJson = {
        "run": str(run.id),
        "execution": str(execution.id),
        "left_out": context["left_out"],
        "stopped": context["stopped"],
    }
    if context["path"]:
        data["path"] = context["path"]
        data["back"] = [row.data for row in context["back"]]
        forward: list[LinkRow] = context["forward"]
        data["forward"] = [{**row.data, "level": row.level} for row in forward]
    else:
        links = links_json(context)
        data["came_from"], data["used_by"] = links["came_from"], links["used_by"]
    return json_response(data)
