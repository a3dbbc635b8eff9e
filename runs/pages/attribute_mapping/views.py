"""How one execution was decoded: on its own page, inside the panel for htmx, and as JSON."""

from uuid import UUID

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from nodes.http import HtmxHttpRequest, render_region
from runs.access import ReadRequest, session_or_read_key
from runs.json.values import json_response
from runs.lookup import execution_or_404, run_or_404
from runs.pages.attribute_mapping.attribute_mapping import attribute_mapping_json, map_attributes


@require_safe
def page(request: HtmxHttpRequest, run_id: UUID, execution_id: UUID) -> HttpResponse:
    run = run_or_404(run_id)
    execution = execution_or_404(run.id, execution_id)
    mapping = map_attributes(execution, run.source_kind)
    context = {"run": run, "execution": execution, "mapping": mapping}
    return render_region(
        request,
        "attribute_mapping/attribute_mapping.html",
        "attribute_mapping/_attribute_mapping.html",
        context,
    )


@require_safe
@session_or_read_key
def twin(request: ReadRequest, run_id: UUID, execution_id: UUID) -> HttpResponse:
    run = run_or_404(run_id, request.only_app)
    execution = execution_or_404(run.id, execution_id)
    return json_response(attribute_mapping_json(map_attributes(execution, run.source_kind)))
