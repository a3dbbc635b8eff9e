"""The pages that run an app again from one of its runs, and show the result."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseStopPolling

from nodes import formats
from nodes.http import HtmxHttpRequest, render_region, wants_fragment
from nodes.ids import as_uuid
from nodes.models import NodeExecution
from runs.access import ReadRequest, session_or_read_key, signed_in
from runs.json.rerun import RerunJson, RunLinkJson
from runs.json.values import iso_time
from runs.lookup import execution_or_404, run_or_404
from runs.models import App, Rerun, Run
from runs.pages.rerun.dify_api import stop_path_of, stop_through_dify
from runs.pages.rerun.form import (
    MAX_INPUT_BYTES,
    RerunForm,
    load_recorded_inputs,
    missing_setup,
)
from runs.pages.rerun.outcome import update_outcome
from runs.pages.rerun.start import start_rerun
from runs.pages.rerun.webhook import STEP_SCOPES
from runs.recording.receiving.live_stream import run_in_background

NOT_ALLOWED = "You are not allowed to run apps from here. Ask for the permission to add reruns."


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def run_again(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Show the form with the recorded inputs; a POST starts a rerun, once for each form."""
    if not request.user.has_perm("runs.add_rerun"):
        raise PermissionDenied(NOT_ALLOWED)
    run = run_or_404(run_id)
    step, scope = _step_and_scope(request, run)
    missing = missing_setup(run.app)
    context: dict[str, Any] = {"run": run, "step": step, "scope": scope, "unready": missing}
    if problem := missing or _problem_of_size(step or run):
        context["problem"] = problem
        return render(
            request,
            "rerun/run_again.html",
            context,
            status=409 if request.method == "POST" else 200,
        )
    in_chat = run.mode == "chatflow" and step is None
    recorded = load_recorded_inputs((step or run).inputs, in_chat)
    data = request.POST if request.method == "POST" else None
    name = request.user.get_username()
    form = RerunForm(data, run=run, recorded=recorded, user=name, of_step=step is not None)
    if form.is_bound and form.is_valid():
        rerun, is_new = start_rerun(run, form, signed_in(request), step, scope)
        if not is_new:
            messages.info(request, "This form was already submitted; this is its result.")
        return redirect("rerun", rerun.pk)
    context |= {
        "form": form,
        "scope_label": STEP_SCOPES.get(scope, ""),
        "failed": run.failed_execution,
    }
    context["recorded"] = (step or run).inputs
    return render(request, "rerun/run_again.html", context, status=400 if form.errors else 200)


def _step_and_scope(request: HttpRequest, run: Run) -> tuple[NodeExecution | None, str]:
    """Return the step that the address names, to be run alone or from it on, and which of the two;
    only webhooks can run single steps. Raises Http404."""
    execution, scope = request.GET.get("execution", ""), request.GET.get("scope") or "node"
    if not execution:
        return None, ""
    execution_id = as_uuid(execution)
    if run.app.upstream_kind != "webhook" or scope not in STEP_SCOPES or execution_id is None:
        raise Http404(
            "Single steps can be run only through a webhook, with the scope “node” or “from”."
        )
    return execution_or_404(run.id, execution_id), scope


def _problem_of_size(record: Run | NodeExecution) -> str:
    """Return a sentence where the inputs are too large to be sent; "" where they are not."""
    inputs = record.inputs
    if inputs is None or inputs.size <= MAX_INPUT_BYTES:
        return ""
    size, largest = formats.size(inputs.size), formats.size(MAX_INPUT_BYTES)
    return f"The inputs have {size}, more than the {largest} that can be sent from here."


def rerun_or_404(rerun_id: UUID, only_app: App | None = None) -> Rerun:
    """Return a rerun, up to date. `only_app`: the app that the reader's key is bound to."""
    rerun = Rerun.objects.for_page().readable_by(only_app).filter(pk=rerun_id).first()
    if rerun is None:
        raise Http404("There is no rerun with this id.")
    update_outcome(rerun)
    return rerun


@require_safe
def rerun_page(request: HtmxHttpRequest, rerun_id: UUID) -> HttpResponse:
    """Show how far a rerun has come. The page polls itself until there is no more to wait for."""
    rerun = rerun_or_404(rerun_id)
    context = {"rerun": rerun, "live": rerun.state == Rerun.State.RUNNING}
    context["stoppable"] = bool(stop_path_of(rerun))
    context["scope"] = STEP_SCOPES.get(str(rerun.sent.get("scope")), "")
    response = render_region(request, "rerun/rerun.html", "rerun/_rerun.html", context)
    if wants_fragment(request) and not context["live"]:
        response = HttpResponseStopPolling(response.content)
    patch_cache_control(response, no_store=True)
    return response


@require_POST
def stop_rerun(request: HttpRequest, rerun_id: UUID) -> HttpResponse:
    """Ask Dify to stop a run. Asking twice changes nothing."""
    if not request.user.has_perm("runs.add_rerun"):
        raise PermissionDenied(NOT_ALLOWED)
    rerun = rerun_or_404(rerun_id)
    if path := stop_path_of(rerun):
        run_in_background(lambda: stop_through_dify(rerun, path))
        messages.success(request, "Dify was asked to stop the run.")
    else:
        messages.info(
            request, "There is nothing to stop: the run has ended, or has not started yet."
        )
    return redirect("rerun", rerun.pk)


@require_safe
@session_or_read_key
def rerun_twin(request: ReadRequest, rerun_id: UUID) -> HttpResponse:
    rerun = rerun_or_404(rerun_id, request.only_app)
    if request.only_app and rerun.run and rerun.run.app_id != request.only_app.pk:
        rerun.run = None  # a webhook may answer with a run of any app
    base_url = request.build_absolute_uri("/")[:-1]
    answer: RerunJson = {
        "id": str(rerun.pk),
        "state": rerun.state,
        "error": rerun.error or None,
        "original": _run_link_json(rerun.original, base_url),
        "run": _run_link_json(rerun.run, base_url),
        "compare": _comparison_url(rerun, base_url),
        "node_id": rerun.node_id or None,
        "sent": rerun.sent,
        "requested_by": rerun.requested_by.get_username() if rerun.requested_by else None,
        "created_at": iso_time(rerun.created_at),
        "ended_at": iso_time(rerun.ended_at),
    }
    return JsonResponse(answer)


def _run_link_json(run: Run | None, base_url: str) -> RunLinkJson | None:
    if run is None:
        return None
    return {"id": str(run.pk), "url": base_url + run.get_absolute_url(), "status": run.status}


def _comparison_url(rerun: Rerun, base_url: str) -> str | None:
    if not rerun.run_id:
        return None
    return f"{base_url}{reverse('run-compare-json')}?a={rerun.original_id}&b={rerun.run_id}"
