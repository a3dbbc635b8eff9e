"""The page that creates share links to a run, and the pages that a link shows."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from nodes.models import NodeExecution
from nodes.numbers import whole_number
from runs.access import signed_in
from runs.json.values import json_response
from runs.lookup import run_or_404
from runs.models import ShareLink
from runs.pages.share.form import ShareForm
from runs.pages.share.public_view import SharedRun, SharedStep, shared_run_of
from runs.pages.share.shared_json import shared_head, shared_run_json, shared_step_json
from runs.pages.share.tables import ShareLinkTable
from runs.redaction.masks import MASKABLE_FIELDS

MAX_LINKS = 100  # that are listed
# One sentence for every link that leads nowhere: it does not reveal which links existed.
NOWHERE = "This link does not work: it has expired, was revoked, or is incomplete."
NO_STEP = "The shared run has no such step."


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def run_share(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Show the links to a run and the form for a new one, whose address a POST shows, once."""
    run = run_or_404(run_id)
    form = ShareForm(request.POST if request.method == "POST" else None)
    context: dict[str, Any] = {"run": run, "form": form}
    if form.is_bound and form.is_valid():
        link, secret = ShareLink.create(run, form.lifetime, form.mask_entries, signed_in(request))
        address = request.build_absolute_uri(reverse("shared-run", args=[secret]))
        context |= {"made": link, "address": address, "form": ShareForm()}
    links = ShareLink.objects.for_run(run)[:MAX_LINKS]
    context["table"] = ShareLinkTable([(link, _mask_labels(link)) for link in links])
    return render(request, "share/share.html", context, status=400 if form.errors else 200)


def _mask_labels(link: ShareLink) -> list[str]:
    """Return what a link does not show, in words."""
    labels = [MASKABLE_FIELDS[entry] for entry in link.masked if entry in MASKABLE_FIELDS]
    for prefix in ("key", "word"):
        entries = (entry for entry in link.masked if entry.startswith(f"{prefix}:"))
        labels += [f"{prefix} “{entry.removeprefix(f'{prefix}:')}”" for entry in entries]
    return labels


@require_POST
def revoke_share_link(request: HttpRequest, run_id: UUID, link_id: UUID) -> HttpResponse:
    """Revoke a link. Anybody who sees the run may: it is the safe direction."""
    run = run_or_404(run_id)
    link = ShareLink.objects.for_run(run).filter(pk=link_id).first()
    if link is None:
        raise Http404("This run has no such link.")
    link.revoke()
    messages.success(request, "The link was revoked and no longer works.")
    return redirect("run-share", run.pk)


def public_view(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Decorate a view of what a link shows: the link is looked up by its secret, without sign-in;
    the page is kept by no cache, listed by no search engine, and its address is sent to no other
    site."""

    @login_not_required
    @never_cache
    @require_safe
    @wraps(view)
    def guarded(request: HttpRequest, token: str, **arguments: Any) -> HttpResponse:
        link = ShareLink.find(token)
        shared = shared_run_of(link) if link else None
        if link is None or shared is None:
            response = _not_found(request, NOWHERE)
        else:
            link.touch()
            response = view(request, shared, token, **arguments)
        response["X-Robots-Tag"] = "noindex, nofollow, noarchive"
        response["Referrer-Policy"] = "no-referrer"
        return response

    return guarded


def _not_found(request: HttpRequest, sentence: str) -> HttpResponse:
    if request.path.endswith(".json"):
        return JsonResponse({"error": sentence}, status=404)
    return render(request, "share/shared_nothing.html", {"sentence": sentence}, status=404)


@public_view
def shared_run(request: HttpRequest, shared: SharedRun, token: str) -> HttpResponse:
    rows, following = shared.rows(_after_index(request))
    context = {
        "head": shared_head(shared),
        "status": shared.run.shown_status,
        "status_label": shared.run.shown_status_label,
        "inputs": shared.inputs,
        "outputs": shared.outputs,
        "notes": shared.notes(),
        "rows": rows,
        "first": _after_index(request) is None,
        "following": following,
        "token": token,
        "labels": [MASKABLE_FIELDS[name] for name in shared_head(shared)["masked"]],
        "is_masked": shared.mask.is_active,
    }
    return render(request, "share/shared_run.html", context)


@public_view
def shared_run_twin(request: HttpRequest, shared: SharedRun, token: str) -> HttpResponse:
    rows, following = shared.rows(_after_index(request))
    page = f"{request.path}?after={following}"
    address = request.build_absolute_uri(page) if following is not None else None
    return json_response(shared_run_json(shared, rows, address))


@public_view
def shared_step(
    request: HttpRequest, shared: SharedRun, token: str, execution_id: UUID
) -> HttpResponse:
    step = _shared_step_or_none(shared, execution_id)
    if step is None:
        return _not_found(request, NO_STEP)
    context = {"head": shared_head(shared), "step": step, "token": token}
    return render(request, "share/shared_step.html", context)


@public_view
def shared_step_twin(
    request: HttpRequest, shared: SharedRun, token: str, execution_id: UUID
) -> HttpResponse:
    step = _shared_step_or_none(shared, execution_id)
    return json_response(shared_step_json(step)) if step else _not_found(request, NO_STEP)


def _shared_step_or_none(shared: SharedRun, execution_id: UUID) -> SharedStep | None:
    """Return a step of this run, if it is one that the run's page lists."""
    steps = NodeExecution.objects.in_run(shared.run.pk).visible().with_payloads()
    execution = steps.filter(id=execution_id).first()
    return shared.step(execution) if execution else None


def _after_index(request: HttpRequest) -> int | None:
    return whole_number(request.GET.get("after", ""), 8)
