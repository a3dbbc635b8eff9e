"""The apps page and the versions of an app; the same for machines."""

from datetime import timedelta

from django.http import HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from nodes.http import HtmxHttpRequest, render_region
from runs import twins
from runs.access import ReadRequest, app_or_404, session_or_read_key
from runs.models import App, Run
from runs.overview import overview

SHOWN_APPS = 200
VERSION_DAYS = 30


@require_safe
def app_list(request: HtmxHttpRequest) -> HttpResponse:
    apps = list(App.objects.by_activity()[: SHOWN_APPS + 1])
    context = {
        "rows": overview(apps[:SHOWN_APPS]),
        "more": len(apps) > SHOWN_APPS,
        "shown": SHOWN_APPS,
        "has_samples": any(app.is_sample for app in apps),
        "base_url": request.build_absolute_uri("/")[:-1],
    }
    return render_region(request, "runs/apps.html", "runs/_apps.html", context)


@require_safe
def version_list(request: HtmxHttpRequest, slug: str) -> HttpResponse:
    """Versions, newest first, with what ran of them in the last 30 days."""
    app = app_or_404(slug)
    since = timezone.now() - timedelta(days=VERSION_DAYS)
    recent = Run.objects.for_app(app).started_between(since, None).figures_by_version()
    figures = {row["version_id"]: row for row in recent}
    versions = list(app.versions.for_list()[:SHOWN_APPS])
    for version in versions:
        version.figures = figures.get(version.pk)
    context = {
        "app": app,
        "tab": "versions",
        "versions": versions,
        "unversioned": figures.get(None),
        "days": VERSION_DAYS,
    }
    return render_region(request, "runs/versions.html", "runs/_versions.html", context)


@require_safe
@session_or_read_key
def app_list_json(request: ReadRequest) -> HttpResponse:
    apps = App.objects.readable_by(request.only_app).by_activity().with_versions()
    base_url = request.build_absolute_uri("/")[:-1]
    rows = overview(list(apps[:SHOWN_APPS]))
    return JsonResponse({"apps": [twins.app_json(row, base_url) for row in rows]})


@require_safe
@session_or_read_key
def app_json(request: ReadRequest, slug: str) -> HttpResponse:
    app = app_or_404(slug, request.only_app)
    [row] = overview(list(App.objects.filter(pk=app.pk).by_activity().with_versions()))
    return JsonResponse(twins.app_json(row, request.build_absolute_uri("/")[:-1]))
