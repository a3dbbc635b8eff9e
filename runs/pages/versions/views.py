"""The versions of an app: their list, the page of one, and the upload of a definition."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from nodes.content.limits import Limits
from nodes.content.parts import present
from nodes.graph.canvas_notes import without_places
from nodes.graph.graph import sent_graph
from nodes.http import HtmxHttpRequest, render_region
from nodes.kinds import kind_of
from nodes.lineage.engines.dify.settings import node_names, present_settings
from runs.access import ReadRequest, session_or_read_key
from runs.json.app import VersionDetailJson, version_json
from runs.lookup import app_or_404, version_or_404
from runs.models import App, Run, Version
from runs.pages.history.tables import RunTable
from runs.pages.versions.forms import DslForm
from runs.pages.versions.tables import VersionTable
from runs.recording.storing.definitions import store_dsl
from runs.tables import EmptyState

MAX_VERSIONS, MAX_RUNS, MAX_NODES = 200, 10, 200
VERSION_DAYS = 30
NO_RUNS = EmptyState("No runs", "No runs of this version have been recorded.")


@require_http_methods(["GET", "HEAD", "POST"])
def version_list(request: HtmxHttpRequest, slug: str) -> HttpResponse:
    """List the versions, newest first, with the figures of their runs of the last VERSION_DAYS
    days. A POST uploads a definition."""
    app, form = app_or_404(slug), DslForm()
    if request.method == "POST":
        form = DslForm(request.POST, request.FILES)
        if added := _add_version(request, app, form):
            return redirect(added)
    figures = _figures_by_version(app)
    context = {
        "app": app,
        "tab": "versions",
        "table": VersionTable(_versions_with_figures(app, figures), VERSION_DAYS),
        "unversioned": figures.get(None),
        "days": VERSION_DAYS,
        "form": form if request.user.is_staff else None,
    }
    page = render_region(request, "versions/versions.html", "versions/_versions.html", context)
    page.status_code = 400 if form.errors else 200
    return page


def _add_version(request: HttpRequest, app: App, form: DslForm) -> Version | None:
    """Return the version that the uploaded file defines; None where the form says why not."""
    if not request.user.is_staff:
        raise PermissionDenied("Only staff can add versions.")
    if not form.is_valid():
        return None
    definition = store_dsl(form.cleaned_data["file"], app.name)
    messages.success(request, definition.sentence)
    return definition.version


def _figures_by_version(app: App) -> dict[int | None, dict[str, Any]]:
    """Return the figures of recent runs by version id; None holds those of runs without one."""
    since = timezone.now() - timedelta(days=VERSION_DAYS)
    recent = Run.objects.for_app(app).started_between(since, None).figures_by_version()
    return {row["version_id"]: row for row in recent}


def _versions_with_figures(app: App, figures: dict[int | None, dict[str, Any]]) -> list[Version]:
    versions = list(app.versions.for_list()[:MAX_VERSIONS])
    for version in versions:
        version.figures = figures.get(version.pk)
    return versions


@require_safe
def version_page(request: HtmxHttpRequest, slug: str, number: int) -> HttpResponse:
    """Show a version's nodes and configuration as the producer sent them, and its newest runs."""
    app = app_or_404(slug)
    version = version_or_404(app, number)
    graph = sent_graph(version.graph)
    names = node_names(graph)
    limits = Limits(text=4_000, parts=120)
    runs = list(Run.objects.for_app(app).ran_as(version).for_list()[: MAX_RUNS + 1])
    context = {
        "app": app,
        "tab": "versions",
        "version": version,
        "nodes": [
            (
                node,
                kind_of(node.kind),
                names.get(node.parent or ""),
                present_settings(node.config, names, limits) if node.config else None,
            )
            for node in graph.nodes[:MAX_NODES]
        ],
        "hidden_nodes": len(graph.nodes[MAX_NODES:]),
        "configuration": present(without_places(version.configuration))
        if version.configuration
        else None,
        "table": RunTable(runs[:MAX_RUNS], exclude=("app", "version"), empty=NO_RUNS),
        "more": len(runs) > MAX_RUNS,
        "first_seen": _first_seen(version),
    }
    return render_region(request, "versions/version.html", "versions/_version.html", context)


@require_safe
@session_or_read_key
def version_list_twin(request: ReadRequest, slug: str) -> HttpResponse:
    app = app_or_404(slug, request.only_app)
    base_url = request.build_absolute_uri("/")[:-1]
    versions = _versions_with_figures(app, _figures_by_version(app))
    return JsonResponse({"versions": [version_json(version, base_url) for version in versions]})


def _first_seen(version: Version) -> datetime:
    """Return when the first run of a version began, or when it was sent, whichever was earlier: a
    version may be sent, or its runs be imported, long after they ran. One query."""
    runs = Run.objects.for_app(version.app).ran_as(version).order_by("started_at", "id")
    first = runs.values_list("started_at", flat=True).first()
    return min(version.created_at, first) if first else version.created_at


@require_safe
@session_or_read_key
def version_page_twin(request: ReadRequest, slug: str, number: int) -> HttpResponse:
    version = version_or_404(app_or_404(slug, request.only_app), number)
    base_url = request.build_absolute_uri("/")[:-1]
    [row] = version.app.versions.for_list().filter(pk=version.pk)
    payload: VersionDetailJson = {
        **version_json(row, base_url),
        "configuration": version.configuration,
        "graph": version.graph,
    }
    return JsonResponse(payload)
