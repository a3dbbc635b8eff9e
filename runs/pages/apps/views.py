"""The apps page; the same for machines."""

from django.http import HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from nodes.http import HtmxHttpRequest, render_region
from runs.access import ReadRequest, session_or_read_key
from runs.lookup import app_or_404
from runs.models import App
from runs.pages.apps.overview import app_json, overview
from runs.pages.apps.tables import AppTable
from runs.pages.producers.documents import documents

SHOWN_APPS = 200


@require_safe
def app_list(request: HtmxHttpRequest) -> HttpResponse:
    apps = list(App.objects.in_use().by_activity()[: SHOWN_APPS + 1])
    context = {
        "table": AppTable(overview(apps[:SHOWN_APPS])),
        "more": len(apps) > SHOWN_APPS,
        "shown": SHOWN_APPS,
        "has_samples": any(app.is_sample for app in apps),
        "base_url": request.build_absolute_uri("/")[:-1],
        "producers": documents().values(),
    }
    return render_region(request, "apps/apps.html", "apps/_apps.html", context)


@require_safe
@session_or_read_key
def app_list_twin(request: ReadRequest) -> HttpResponse:
    apps = App.objects.readable_by(request.only_app).in_use().by_activity().with_versions()
    base_url = request.build_absolute_uri("/")[:-1]
    rows = overview(list(apps[:SHOWN_APPS]))
    return JsonResponse({"apps": [app_json(row, base_url) for row in rows]})


@require_safe
@session_or_read_key
def app_twin(request: ReadRequest, slug: str) -> HttpResponse:
    app = app_or_404(slug, request.only_app)
    [row] = overview(list(App.objects.filter(pk=app.pk).by_activity().with_versions()))
    return JsonResponse(app_json(row, request.build_absolute_uri("/")[:-1]))
