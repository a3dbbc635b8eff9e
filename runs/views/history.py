"""The run history: of all apps, or of one; the same for machines."""

from typing import Any

from django.http import HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseStopPolling, push_url

from nodes.http import HtmxHttpRequest, render_region, wants_fragment
from runs.access import ReadRequest, app_or_404, refusal, session_or_read_key
from runs.forms import RunFilterForm
from runs.models import App, Run
from runs.paging import BadCursor, page_of
from runs.tables import RunTable
from runs.twins import run_json

REGION = "run-results"


@require_safe
def run_list(request: HtmxHttpRequest) -> HttpResponse:
    apps = App.objects.in_use().order_by("name")[:500]
    return history(request, "runs/history.html", RunFilterForm(request.GET), {"apps": apps})


@require_safe
def app_runs(request: HtmxHttpRequest, slug: str) -> HttpResponse:
    app = app_or_404(slug)
    form = RunFilterForm(request.GET, app=app)
    return history(request, "runs/app.html", form, {"app": app, "tab": "runs"})


def history(
    request: HtmxHttpRequest, page_template: str, form: RunFilterForm, context: dict[str, Any]
) -> HttpResponse:
    """The page, or its region for htmx. A poll (the region asks for itself) is told to stop once no
    run shown is unfinished."""
    context |= {"form": form, "problems": [], "page": None, "path": request.path}
    if form.is_valid():
        try:
            runs = form.apply(Run.objects.for_list())
            page = page_of(runs, form.ordering, request.GET.get("after", ""))
            without = ("app",) if form.only_app else ()
            context |= {
                "page": page,
                "table": RunTable(page.rows, exclude=without),
                "live": any(run.is_unfinished and not run.stalled for run in page.rows),
            }
        except BadCursor as problem:
            context["problems"] = [str(problem)]
    else:
        context["problems"] = form.sentences
    response = render_region(request, page_template, "runs/_results_update.html", context)
    if not wants_fragment(request):
        return response
    if request.htmx.trigger == REGION:
        return response if context.get("live") else stop_polling(response)
    return push_url(response, address(request, form))


def stop_polling(response: HttpResponse) -> HttpResponse:
    stop = HttpResponseStopPolling(response.content)
    stop["Vary"] = response["Vary"]
    return stop


def address(request: HtmxHttpRequest, form: RunFilterForm, after: str = "") -> str:
    """This list's address without empty filters."""
    query = form.query(after=after or request.GET.get("after", ""))
    return f"{request.path}?{query}" if query else request.path


@require_safe
@session_or_read_key
def run_list_json(request: ReadRequest) -> HttpResponse:
    form = RunFilterForm(request.GET)
    if not form.is_valid():
        return refusal(400, " ".join(form.sentences))
    runs = form.apply(Run.objects.for_list().with_sources().for_app(request.only_app))
    try:
        page = page_of(runs, form.ordering, request.GET.get("after", ""))
    except BadCursor as problem:
        return refusal(400, str(problem))
    base_url = request.build_absolute_uri("/")[:-1]
    following = base_url + address(request, form, page.next) if page.next else None
    return JsonResponse({"runs": [run_json(run, base_url) for run in page.rows], "next": following})
