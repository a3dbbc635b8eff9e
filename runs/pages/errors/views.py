"""The pages of errors: the groups of all apps or of one app, one group, and the button that
resolves it."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from nodes.http import HtmxHttpRequest, render_region
from runs.access import ReadRequest, refusal, session_or_read_key
from runs.lookup import app_or_404
from runs.models import App, ErrorGroup
from runs.pages.errors.error_group_json import error_group_json, listed_error_group_json
from runs.pages.errors.forms import STATES, ErrorsForm
from runs.pages.errors.groups import MAX_FAILURES, MAX_GROUPS, ErrorGroupPage, error_group_page
from runs.pages.errors.history import error_group_history
from runs.pages.errors.tables import (
    NO_OPEN_ERRORS,
    NO_RESOLVED_ERRORS,
    NO_RUNS_LEFT,
    ErrorTable,
)
from runs.pages.history.tables import RunTable

MAX_APPS = 500


@require_safe
def error_list(request: HtmxHttpRequest, slug: str = "") -> HttpResponse:
    """List the error groups of all apps, or of one. Failures that were handled did not end their
    run, so they are in no group."""
    app = app_or_404(slug) if slug else None
    form = ErrorsForm(request.GET, app=app)
    context: dict[str, Any] = {"app": app, "tab": "errors", "form": form, "error_groups": None}
    if form.is_valid():
        error_groups = _error_groups(form, form.chosen_app)
        empty = None
        if error_groups.read:
            empty = NO_RESOLVED_ERRORS if form.chosen_state == "resolved" else NO_OPEN_ERRORS
        context |= {
            "error_groups": error_groups,
            "table": ErrorTable(error_groups.shown, empty=empty),
            "older": _older_query(form, error_groups),
        }
    context |= {
        "apps": None if app else App.objects.in_use().order_by("name")[:MAX_APPS],
        "states": [(name, label, form.query(state=name)) for name, label in STATES],
        "most": MAX_FAILURES,
        "most_groups": MAX_GROUPS,
    }
    return render_region(request, "errors/errors.html", "errors/_errors.html", context)


def _error_groups(form: ErrorsForm, app: App | None) -> ErrorGroupPage:
    filters = form.cleaned_data
    return error_group_page(app, filters["since"], filters["until"], form.chosen_state)


def _older_query(form: ErrorsForm, error_groups: ErrorGroupPage) -> str:
    """Return the query string of the page with older failures; "" where there are none."""
    return form.query(until=error_groups.older.isoformat()) if error_groups.older else ""


@require_safe
@session_or_read_key
def error_list_twin(request: ReadRequest, slug: str = "") -> HttpResponse:
    app = app_or_404(slug, request.only_app) if slug else None
    form = ErrorsForm(request.GET, app=app, readable_by=request.only_app)
    if not form.is_valid():
        return refusal(400, " ".join(form.sentences))
    error_groups = _error_groups(form, form.chosen_app)
    base_url = request.build_absolute_uri("/")[:-1]
    older = _older_query(form, error_groups)
    return JsonResponse({
        "errors": [listed_error_group_json(listed, base_url) for listed in error_groups.shown],
        "read": {"failures": error_groups.read, "complete": error_groups.complete},
        "next": request.build_absolute_uri(request.path + older) if older else None,
    })  # fmt: skip


def error_group_or_404(group_id: UUID, only_app: App | None = None) -> ErrorGroup:
    groups = ErrorGroup.objects.readable_by(only_app).with_history().select_related("resolved_by")
    group = groups.filter(pk=group_id).first()
    if group is None:
        raise Http404("There is no such error group.")
    return group


@require_safe
def error_group(request: HtmxHttpRequest, group_id: UUID) -> HttpResponse:
    history = error_group_history(error_group_or_404(group_id))
    context = {
        "app": history.group.app,
        "tab": "errors",
        "group": history.group,
        "history": history,
        "table": RunTable(history.runs, exclude=("app",), empty=NO_RUNS_LEFT),
    }
    return render_region(request, "errors/error_group.html", "errors/_error_group.html", context)


@require_safe
@session_or_read_key
def error_group_twin(request: ReadRequest, group_id: UUID) -> HttpResponse:
    history = error_group_history(error_group_or_404(group_id, request.only_app))
    return JsonResponse(error_group_json(history, request.build_absolute_uri("/")[:-1]))


@require_POST
def resolve(request: HtmxHttpRequest, group_id: UUID) -> HttpResponse:
    """Mark a group as resolved, or (`to=open`) undo that. Doing it twice changes nothing more."""
    group = error_group_or_404(group_id)
    to = request.POST.get("to", "resolved")
    if to not in ("resolved", "open"):
        return HttpResponse(
            "“to” must be “resolved” or “open”.", status=400, content_type="text/plain"
        )
    resolved = to == "resolved"
    if not resolved or group.state(group.last_at) != "resolved":
        now = timezone.now()
        # A producer's clock may be ahead of ours.
        group.resolved_at = max(now, group.last_at or now) if resolved else None
        group.resolved_by_id = request.user.pk if resolved else None
        group.save(update_fields=["resolved_at", "resolved_by"])
    messages.success(request, _MESSAGES[resolved])
    return redirect(group)


_MESSAGES = {
    True: "Marked as resolved. A run that starts from now on and fails like this reopens it.",
    False: "Reopened.",
}
