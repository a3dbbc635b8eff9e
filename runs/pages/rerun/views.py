"""Running an app again from one of its runs, and what came of it."""

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
from runs.pages.rerun import through_dify
from runs.pages.rerun.form import LARGEST, AgainForm, told_by, unready
from runs.pages.rerun.outcome import settle
from runs.pages.rerun.start import start
from runs.pages.rerun.through_dify import way_to_stop
from runs.pages.rerun.webhook import SCOPES
from runs.recording.receiving.live_stream import run_in_background

NOT_ALLOWED = "You may not run apps from here: ask for the right to add reruns."


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def again(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """The form with what the run was asked with; a POST asks for a new run, once for each form."""
    if not request.user.has_perm("runs.add_rerun"):
        raise PermissionDenied(NOT_ALLOWED)
    run = run_or_404(run_id)
    step, scope = _step(request, run)
    lack = unready(run.app)
    context: dict[str, Any] = {"run": run, "step": step, "scope": scope, "unready": lack}
    if problem := lack or _too_large(step or run):
        context["problem"] = problem
        return render(request, "rerun/run_again.html", context, status=_status(request, problem))
    told = told_by((step or run).inputs, run.mode == "chatflow" and step is None)
    data = request.POST if request.method == "POST" else None
    name = request.user.get_username()
    form = AgainForm(data, run=run, told=told, user=name, of_step=step is not None)
    if form.is_bound and form.is_valid():
        rerun, fresh = start(run, form, signed_in(request), step, scope)
        if not fresh:
            messages.info(request, "This form was sent before: this is what came of it.")
        return redirect("rerun", rerun.pk)
    context |= {"form": form, "scope_label": SCOPES.get(scope, ""), "failed": run.failed_execution}
    context["recorded"] = (step or run).inputs
    return render(request, "rerun/run_again.html", context, status=400 if form.errors else 200)


def _step(request: HttpRequest, run: Run) -> tuple[NodeExecution | None, str]:
    """The step that alone, or from which on, is to be run; only webhooks can."""
    asked, scope = request.GET.get("execution", ""), request.GET.get("scope") or "node"
    if not asked:
        return None, ""
    found = as_uuid(asked)
    if run.app.upstream_kind != "webhook" or scope not in SCOPES or found is None:
        raise Http404("Single steps can be run through a webhook only, as “node” or “from”.")
    return execution_or_404(run.id, found), scope


def _too_large(asked: Run | NodeExecution) -> str:
    inputs = asked.inputs
    if inputs is None or inputs.size <= LARGEST:
        return ""
    size = formats.size(inputs.size)
    return f"The inputs are {size}: more than the {formats.size(LARGEST)} that are sent from here."


def _status(request: HttpRequest, problem: str) -> int:
    return 409 if request.method == "POST" and problem else 200


def rerun_or_404(rerun_id: UUID, only_app: App | None = None) -> Rerun:
    found = Rerun.objects.for_page().readable_by(only_app).filter(pk=rerun_id).first()
    if found is None:
        raise Http404("Nothing was run again under this id.")
    settle(found)
    return found


@require_safe
def rerun(request: HtmxHttpRequest, rerun_id: UUID) -> HttpResponse:
    """How far it has come. The page asks for itself until there is no more to wait for."""
    found = rerun_or_404(rerun_id)
    context = {"rerun": found, "live": found.state == Rerun.State.RUNNING}
    context["stoppable"] = bool(way_to_stop(found))
    context["scope"] = SCOPES.get(str(found.sent.get("scope")), "")
    response = render_region(request, "rerun/rerun.html", "rerun/_rerun.html", context)
    if wants_fragment(request) and not context["live"]:
        response = HttpResponseStopPolling(response.content)
    patch_cache_control(response, no_store=True)
    return response


@require_POST
def stop(request: HttpRequest, rerun_id: UUID) -> HttpResponse:
    """Asks Dify to stop it. Twice is as once."""
    if not request.user.has_perm("runs.add_rerun"):
        raise PermissionDenied(NOT_ALLOWED)
    found = rerun_or_404(rerun_id)
    if path := way_to_stop(found):
        run_in_background(lambda: through_dify.stop(found, path))
        messages.success(request, "Dify is asked to stop it.")
    else:
        messages.info(request, "There is nothing to stop: it has ended, or has not begun yet.")
    return redirect("rerun", found.pk)


@require_safe
@session_or_read_key
def rerun_twin(request: ReadRequest, rerun_id: UUID) -> HttpResponse:
    found = rerun_or_404(rerun_id, request.only_app)
    if request.only_app and found.run and found.run.app_id != request.only_app.pk:
        found.run = None  # a webhook may answer with a run of any app
    base_url = request.build_absolute_uri("/")[:-1]
    answer: RerunJson = {
        "id": str(found.pk),
        "state": found.state,
        "error": found.error or None,
        "original": _link(found.original, base_url),
        "run": _link(found.run, base_url),
        "compare": _compare(found, base_url),
        "node_id": found.node_id or None,
        "sent": found.sent,
        "requested_by": found.requested_by.get_username() if found.requested_by else None,
        "created_at": iso_time(found.created_at),
        "ended_at": iso_time(found.ended_at),
    }
    return JsonResponse(answer)


def _link(run: Run | None, base_url: str) -> RunLinkJson | None:
    if run is None:
        return None
    return {"id": str(run.pk), "url": base_url + run.get_absolute_url(), "status": run.status}


def _compare(found: Rerun, base_url: str) -> str | None:
    if not found.run_id:
        return None
    return f"{base_url}{reverse('run-compare-json')}?a={found.original_id}&b={found.run_id}"
