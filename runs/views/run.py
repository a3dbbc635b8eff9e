"""The run page: header, RESULT, DETAIL; the run as Markdown and JSON."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.template.loader import render_to_string
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseStopPolling, trigger_client_event

from nodes.configuration import models_used, resource_of
from nodes.http import HtmxHttpRequest, render_region, wants_fragment
from nodes.payloads import show
from nodes.twins import json_response, moment, stored
from runs import twins
from runs.access import ReadRequest, session_or_read_key
from runs.models import Run
from runs.report import report
from runs.run_header import header_of
from runs.run_notes import notes_json, notes_of_run
from runs.views.tracing import render_tracing, run_or_404


@require_safe
def run_page(request: HtmxHttpRequest, run_id: UUID) -> HttpResponse:
    """RESULT of a workflow; of a chatflow the turn and TRACING."""
    run = run_or_404(run_id)
    if run.mode == "workflow":
        return _tab(request, run, "result", _result_context(run))
    return render_tracing(request, run)


@require_safe
def result(request: HtmxHttpRequest, run_id: UUID) -> HttpResponse:
    run = run_or_404(run_id)
    if run.mode != "workflow":
        raise Http404(
            "A turn of a conversation has no RESULT page; see TRACING or its conversation."
        )
    return _tab(request, run, "result", _result_context(run))


@require_safe
def detail(request: HtmxHttpRequest, run_id: UUID) -> HttpResponse:
    run = run_or_404(run_id)
    context = {
        "inputs": show(run.inputs) if run.inputs else None,
        "outputs": show(run.outputs) if run.outputs else None,
        "models": models_used(run.id),
        "resource": resource_of(run.id),
        "sources": run.told_sources,
        "notes": notes_of_run(run),
    }
    return _tab(request, run, "detail", context)


@require_safe
def header(request: HtmxHttpRequest, run_id: UUID) -> HttpResponse:
    """What a running run's header asks for. News make the open tab ask for itself again; at the end
    the polling stops."""
    run = run_or_404(run_id)
    if not wants_fragment(request):
        return run_page(request, run_id)
    found = header_of(run)
    html = render_to_string("runs/_header.html", {"header": found, "run": run}, request)
    response = HttpResponse(html) if found.live else HttpResponseStopPolling(html)
    if request.GET.get("seen") != found.news:
        trigger_client_event(response, "run-changed")
    patch_cache_control(response, no_store=True)
    return response


def _result_context(run: Run) -> dict[str, Any]:
    return {"outputs": show(run.outputs) if run.outputs else None}


def _tab(request: HtmxHttpRequest, run: Run, tab: str, context: dict[str, Any]) -> HttpResponse:
    context |= {"run": run, "tab": tab, "header": header_of(run), "template": f"runs/_{tab}.html"}
    return render_region(request, "runs/run.html", "runs/_run_tab.html", context)


@require_safe
@session_or_read_key
def run_json(request: ReadRequest, run_id: UUID) -> HttpResponse:
    run = run_or_404(run_id, request.only_app)
    base_url = request.build_absolute_uri("/")[:-1]
    models = models_used(run.id)
    data = twins.run_json(run, base_url)
    data["inputs"] = stored(run.inputs)
    data["outputs"] = stored(run.outputs)
    data["metadata"] = {
        "sources": [{"kind": one.kind, "id": one.source_id} for one in run.told_sources],
        "last_seen_at": moment(run.last_seen_at),
        "environment": run.environment or None,
        "resource": resource_of(run.id) or None,
    }
    data["configuration"] = {
        "version": twins.version_head(run.version),
        "models": [
            {"model": use.model, "provider": use.provider or None, "calls": use.calls,
             "parameters": use.parameters or None}
            for use in models
        ],
    }  # fmt: skip
    data["notes"] = notes_json(run)
    return json_response(data)


@require_safe
@session_or_read_key
def run_markdown(request: ReadRequest, run_id: UUID) -> HttpResponse:
    run = run_or_404(run_id, request.only_app)
    text = report(run, request.build_absolute_uri("/")[:-1])
    return HttpResponse(text, content_type="text/markdown; charset=utf-8")
