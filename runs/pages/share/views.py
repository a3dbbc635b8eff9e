"""Sharing a run: the page that makes links to it, and what whoever has a link sees."""

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
from runs.pages.share.parts import FIELDS, SharedStep
from runs.pages.share.public_view import Shared, shared_of
from runs.pages.share.twins import head_of, run_json, step_json

LISTED = 100
# One sentence for every link that leads nowhere: it tells nobody which there were.
NOWHERE = "This link leads nowhere: it has ended, was taken back, or is not whole."
NO_STEP = "The shared run has no such step."


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def run_share(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """The links to a run and the form for a new one, whose address a POST shows, once."""
    run = run_or_404(run_id)
    form = ShareForm(request.POST if request.method == "POST" else None)
    context: dict[str, Any] = {"run": run, "form": form}
    if form.is_bound and form.is_valid():
        link, secret = ShareLink.create(run, form.lasting, form.masked, signed_in(request))
        address = request.build_absolute_uri(reverse("shared-run", args=[secret]))
        context |= {"made": link, "address": address, "form": ShareForm()}
    links = ShareLink.objects.of_run(run)[:LISTED]
    context["links"] = [(link, _masked_words(link)) for link in links]
    return render(request, "share/share.html", context, status=400 if form.errors else 200)


def _masked_words(link: ShareLink) -> list[str]:
    """What a link does not show, in words."""
    found = [FIELDS[name] for name in link.masked if name in FIELDS]
    for beginning, word in (("key:", "key"), ("word:", "word")):
        told = (name for name in link.masked if name.startswith(beginning))
        found += [f"{word} “{name[len(beginning) :]}”" for name in told]
    return found


@require_POST
def revoke(request: HttpRequest, run_id: UUID, link_id: UUID) -> HttpResponse:
    """Anybody who sees the run may: it is the safe direction."""
    run = run_or_404(run_id)
    link = ShareLink.objects.of_run(run).filter(pk=link_id).first()
    if link is None:
        raise Http404("This run has no such link.")
    link.revoke()
    messages.success(request, "The link is taken back: it leads nowhere now.")
    return redirect("run-share", run.pk)


def shared(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """For what a link leads to: found by its secret, without sign-in; kept by no cache, listed by
    no search engine, and the address told to no other site."""

    @login_not_required
    @never_cache
    @require_safe
    @wraps(view)
    def guarded(request: HttpRequest, token: str, **named: Any) -> HttpResponse:
        link = ShareLink.find(token)
        found = shared_of(link) if link else None
        if link is None or found is None:
            response = _nothing(request, NOWHERE)
        else:
            link.touch()
            response = view(request, found, token, **named)
        response["X-Robots-Tag"] = "noindex, nofollow, noarchive"
        response["Referrer-Policy"] = "no-referrer"
        return response

    return guarded


def _nothing(request: HttpRequest, sentence: str) -> HttpResponse:
    if request.path.endswith(".json"):
        return JsonResponse({"error": sentence}, status=404)
    return render(request, "share/shared_nothing.html", {"sentence": sentence}, status=404)


@shared
def shared_run(request: HttpRequest, shared: Shared, token: str) -> HttpResponse:
    rows, following = shared.rows(_after(request))
    context = {
        "head": head_of(shared),
        "status": shared.run.shown_status,
        "status_label": shared.run.shown_status_label,
        "inputs": shared.inputs,
        "outputs": shared.outputs,
        "notes": shared.notes(),
        "rows": rows,
        "first": _after(request) is None,
        "following": following,
        "token": token,
        "labels": [FIELDS[name] for name in head_of(shared)["masked"]],
        "is_masked": shared.mask.is_active,
    }
    return render(request, "share/shared_run.html", context)


@shared
def shared_run_twin(request: HttpRequest, shared: Shared, token: str) -> HttpResponse:
    rows, following = shared.rows(_after(request))
    page = f"{request.path}?after={following}"
    address = request.build_absolute_uri(page) if following is not None else None
    return json_response(run_json(shared, rows, address))


@shared
def shared_step(
    request: HttpRequest, shared: Shared, token: str, execution_id: UUID
) -> HttpResponse:
    step = _step(shared, execution_id)
    if step is None:
        return _nothing(request, NO_STEP)
    context = {"head": head_of(shared), "step": step, "token": token}
    return render(request, "share/shared_step.html", context)


@shared
def shared_step_twin(
    request: HttpRequest, shared: Shared, token: str, execution_id: UUID
) -> HttpResponse:
    step = _step(shared, execution_id)
    return json_response(step_json(step)) if step else _nothing(request, NO_STEP)


def _step(shared: Shared, execution_id: UUID) -> SharedStep | None:
    """A step of this run, and one that its page lists."""
    steps = NodeExecution.objects.in_run(shared.run.pk).visible().with_payloads()
    found = steps.filter(id=execution_id).first()
    return shared.step(found) if found else None


def _after(request: HttpRequest) -> int | None:
    return whole_number(request.GET.get("after", ""), 8)
