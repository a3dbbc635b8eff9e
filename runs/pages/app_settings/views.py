"""The pages that add an app, show and change its settings, and attach to a run of it."""

import threading
from typing import Any
from urllib.parse import quote
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from nodes.http import HtmxHttpRequest, render_region
from runs.choices import Upstream
from runs.lookup import app_or_404
from runs.models import App
from runs.pages.app_settings.forms import AttachForm, NewAppForm, UpstreamForm
from runs.pages.app_settings.upstream_check import check_upstream
from runs.recording.receiving.attach import attach_to_run
from runs.recording.receiving.live_stream import run_in_background

# So long (seconds) the answer to the form waits for Dify's first events.
ATTACH_SECONDS = 10.0


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def new_app(request: HttpRequest) -> HttpResponse:
    """Add an app before anything of it was recorded."""
    if not request.user.has_perm("runs.add_app"):
        raise PermissionDenied("You are not allowed to add apps.")
    data = request.POST if request.method == "POST" else None
    form = NewAppForm(data, own_host=request.get_host())
    if form.is_bound and form.is_valid():
        app = form.save()
        messages.success(request, f"The app “{app.name}” was added.")
        return redirect("app-settings", app.slug)
    status = 400 if form.errors else 200
    return render(request, "app_settings/new.html", {"form": form}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def app_settings(request: HttpRequest, slug: str) -> HttpResponse:
    """Show where clients send their requests; a POST sets the upstream."""
    app = app_or_404(slug)
    if request.method != "POST":
        return _render_settings(request, app)
    require_change(request)
    form = UpstreamForm(request.POST, instance=app, own_host=request.get_host())
    if not form.is_valid():
        app.refresh_from_db()  # the form has written into it
        return _render_settings(request, app, form=form)
    form.save()
    messages.success(request, "The upstream was saved.")
    return redirect("app-settings", slug)


@require_POST
def test_upstream(request: HtmxHttpRequest, slug: str) -> HttpResponse:
    """Say what the app's upstream answers."""
    require_change(request)
    app = app_or_404(slug)
    context = {"app": app, "check": check_upstream(app)}
    context |= _settings_context(request, app)
    return render_region(
        request, "app_settings/settings.html", "app_settings/_upstream_check.html", context
    )


@require_POST
def attach(request: HttpRequest, slug: str) -> HttpResponse:
    """Record a run that is going on at Dify: on a thread, which outlives this request. It waits
    for the first events, so that it can lead to the run or say what is wrong."""
    require_change(request)
    app = app_or_404(slug)
    form = AttachForm(request.POST, has_key=bool(app.upstream_key))
    if not form.is_valid():
        return _render_settings(request, app, attach_form=form)
    cleaned = form.cleaned_data
    key = app.upstream_key or cleaned["key"]
    run_ids: list[UUID] = []
    problems: list[str] = []
    began = threading.Event()

    def recorded(run_id: UUID) -> None:
        run_ids.append(run_id)
        began.set()

    def follow() -> None:
        try:
            problems.append(attach_to_run(app, cleaned["run_id"], cleaned["user"], key, recorded))
        finally:
            began.set()

    run_in_background(follow)
    began.wait(ATTACH_SECONDS)
    if run_ids:
        return redirect("run", run_ids[0])
    if problem := "".join(problems):
        form.add_error(None, problem)
        return _render_settings(request, app, attach_form=form)
    address = reverse("run-by-source", args=[cleaned["run_id"]])
    sentence = "Dify has not sent anything yet. As soon as it does, the run is recorded: {}"
    messages.info(request, sentence.format(request.build_absolute_uri(address)))
    return redirect("app-settings", slug)


def require_change(request: HttpRequest) -> None:
    if not request.user.has_perm("runs.change_app"):
        raise PermissionDenied("You are not allowed to change apps.")


def _render_settings(request: HttpRequest, app: App, **bound: forms.BaseForm) -> HttpResponse:
    """Render the page with these bound forms in place of its empty ones."""
    context = _settings_context(request, app) | bound
    status = 400 if any(form.errors for form in bound.values()) else 200
    return render(request, "app_settings/settings.html", context, status=status)


def _settings_context(request: HttpRequest, app: App) -> dict[str, Any]:
    """Return the context of settings.html; without permission there are no forms."""
    base_url = request.build_absolute_uri("/")[:-1]
    is_dify = bool(app.upstream_url) and app.upstream_kind == Upstream.DIFY
    context: dict[str, Any] = {
        "app": app,
        "tab": "settings",
        "is_dify": is_dify,
        "proxy_url": f"{base_url}/dify/{quote(app.slug)}/v1",
    }
    if request.user.has_perm("runs.change_app"):
        context["form"] = UpstreamForm(instance=app)
        if is_dify:
            context["attach_form"] = AttachForm(has_key=bool(app.upstream_key))
    return context
