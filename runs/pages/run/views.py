"""The run page: header, RESULT, DETAIL; the run as Markdown and JSON."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseStopPolling, trigger_client_event

from nodes.content.payloads import present_payload
from nodes.http import HtmxHttpRequest, render_region, wants_fragment
from nodes.numbers import whole_number
from runs.access import ReadRequest, refusal, session_or_read_key
from runs.json.values import json_response
from runs.lookup import run_or_404
from runs.models import Run
from runs.pages.notes.notes import notes_on_page
from runs.pages.run.markdown_report import MAX_REPORT, SHORTEST_REPORT, report
from runs.pages.run.result import failed_result, run_result
from runs.pages.run.run_configuration import run_models, run_resource
from runs.pages.run.run_detail import run_detail_json
from runs.pages.run_header.run_header import header_of
from runs.pages.span_links.span_links import links_of_run
from runs.pages.tracing.views import render_tracing


@require_safe
def run_page(request: HtmxHttpRequest, run_id: UUID) -> HttpResponse:
    """Show RESULT for a workflow, and the turn with TRACING for a chatflow."""
    run = run_or_404(run_id)
    if run.mode == "workflow":
        return _render_tab(request, run, "result", {"result": run_result(run)})
    return render_tracing(request, run)


@require_safe
def result(request: HtmxHttpRequest, run_id: UUID) -> HttpResponse:
    run = run_or_404(run_id)
    if run.mode != "workflow":
        return redirect("run-tracing", run.id)  # a turn's answer stands above its steps
    return _render_tab(request, run, "result", {"result": run_result(run)})


@require_safe
def detail(request: HtmxHttpRequest, run_id: UUID) -> HttpResponse:
    run = run_or_404(run_id)
    context = {
        "inputs": present_payload(run.inputs) if run.inputs else None,
        "outputs": present_payload(run.outputs) if run.outputs else None,
        "models": run_models(run.id),
        "resource": run_resource(run.id),
        "sources": run.producer_ids,
        "notes": notes_on_page(run),
        "span_links": links_of_run(run),
    }
    return _render_tab(request, run, "detail", context)


@require_safe
def header(request: HtmxHttpRequest, run_id: UUID) -> HttpResponse:
    """Return the header that the page of a live run polls. When something is new, an event makes
    the open tab reload itself; when the run has ended, the polling stops."""
    run = run_or_404(run_id)
    if not wants_fragment(request):
        return run_page(request, run_id)
    run_header = header_of(run, request.GET.get("list", ""))
    html = render_to_string("run/_header.html", {"header": run_header, "run": run}, request)
    response = HttpResponse(html) if run.live else HttpResponseStopPolling(html)
    if request.GET.get("seen") != run_header.news:
        trigger_client_event(response, "run-changed")
    patch_cache_control(response, no_store=True)
    return response


def _render_tab(
    request: HtmxHttpRequest, run: Run, tab: str, context: dict[str, Any]
) -> HttpResponse:
    run_header = header_of(run, request.GET.get("list", ""))
    context |= {"run": run, "tab": tab, "header": run_header, "template": f"run/_{tab}.html"}
    if tab == "result":
        context["failed"] = failed_result(run, run_header.earlier_success)
    return render_region(request, "run/run.html", "run/_tab.html", context)


@require_safe
@session_or_read_key
def run_twin(request: ReadRequest, run_id: UUID) -> HttpResponse:
    run = run_or_404(run_id, request.only_app)
    base_url = request.build_absolute_uri("/")[:-1]
    return json_response(run_detail_json(run, base_url, request.only_app))


@require_safe
@session_or_read_key
def run_markdown(request: ReadRequest, run_id: UUID) -> HttpResponse:
    run = run_or_404(run_id, request.only_app)
    asked = request.GET.get("limit", "")
    limit = whole_number(asked, 5) if asked else MAX_REPORT
    if limit is None or not SHORTEST_REPORT <= limit <= MAX_REPORT:
        most = f"from {SHORTEST_REPORT} to {MAX_REPORT}"
        return refusal(400, f"“limit” must be a whole number of bytes {most}.")
    text = report(run, request.build_absolute_uri("/")[:-1], limit)
    return HttpResponse(text, content_type="text/markdown; charset=utf-8")
