"""Saved views: filters of the run history that somebody keeps under a name."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from runs.access import ReadRequest, presented_secret, session_or_read_key, signed_in
from runs.models import SavedView
from runs.pages.saved_views.forms import TAKEN, ViewForm, filters_of, view_json
from runs.pages.saved_views.tables import SavedViewTable

MAX_LISTED = 1000


@require_http_methods(["GET", "HEAD", "POST"])
def view_list(request: HttpRequest) -> HttpResponse:
    """All views that somebody may open; a POST keeps a new one."""
    if request.method != "POST":
        return _answer(request)
    form = ViewForm(request.POST, signed_in(request))
    view = _saved(form)
    if view is None:
        return _answer(request, form)
    messages.success(request, f"The view “{view.name}” is kept.")
    return redirect(view)


@require_POST
def edit(request: HttpRequest, view_id: int) -> HttpResponse:
    """A new name, shared or not."""
    form = ViewForm(request.POST, signed_in(request), own_view(request, view_id))
    view = _saved(form)
    if view is None:
        return _answer(request, form)
    messages.success(request, f"The view “{view.name}” is changed.")
    return redirect("views")


@require_POST
def delete(request: HttpRequest, view_id: int) -> HttpResponse:
    view = own_view(request, view_id)
    view.delete()
    messages.success(request, f"The view “{view.name}” is deleted.")
    return redirect("views")


@require_safe
@session_or_read_key
def view_list_twin(request: ReadRequest) -> HttpResponse:
    """A session's own views and shared ones; a key's: shared ones."""
    user = None if presented_secret(request) else signed_in(request)
    views = SavedView.objects.open_to(user).readable_by(request.only_app).for_list()
    base_url = request.build_absolute_uri("/")[:-1]
    return JsonResponse({"views": [view_json(view, base_url) for view in views[:MAX_LISTED]]})


def own_view(request: HttpRequest, view_id: int) -> SavedView:
    """A view of the user's: nobody else may change it."""
    view = SavedView.objects.open_to(signed_in(request)).filter(pk=view_id).first()
    if view is None:
        raise Http404("There is no such view.")
    if view.owner_id != request.user.pk:
        raise PermissionDenied("A shared view is changed by its owner only.")
    return view


def _saved(form: ViewForm) -> SavedView | None:
    if not form.is_valid():
        return None
    try:
        with transaction.atomic():
            return form.save()
    except IntegrityError:
        form.add_error("name", ValidationError(TAKEN, code="taken"))
        return None


def _answer(request: HttpRequest, form: ViewForm | None = None) -> HttpResponse:
    views = SavedView.objects.open_to(signed_in(request)).for_list()[:MAX_LISTED]
    table = SavedViewTable([(view, filters_of(view).text) for view in views])
    status = 200 if form is None else 409 if form.taken else 400
    return render(request, "saved_views/views.html", {"table": table, "form": form}, status=status)
