"""The pages of saved views."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from runs.access import ReadRequest, presented_secret, session_or_read_key, signed_in
from runs.models import SavedView
from runs.pages.saved_views.forms import NAME_TAKEN, SavedViewForm, filters_of, saved_view_json
from runs.pages.saved_views.tables import SavedViewTable

MAX_LISTED = 1000


@require_http_methods(["GET", "HEAD", "POST"])
def view_list(request: HttpRequest) -> HttpResponse:
    """List the views that the user may open; a POST saves a new one."""
    if request.method != "POST":
        return _view_list_page(request)
    form = SavedViewForm(request.POST, signed_in(request))
    view = _save_if_valid(form)
    if view is None:
        return _view_list_page(request, form)
    messages.success(request, f"The view “{view.name}” was saved.")
    return redirect(view)


@require_POST
def edit(request: HttpRequest, view_id: int) -> HttpResponse:
    """Change a view's name, and whether it is shared."""
    form = SavedViewForm(request.POST, signed_in(request), own_view_or_error(request, view_id))
    view = _save_if_valid(form)
    if view is None:
        return _view_list_page(request, form)
    messages.success(request, f"The view “{view.name}” was changed.")
    return redirect("views")


@require_POST
def delete(request: HttpRequest, view_id: int) -> HttpResponse:
    view = own_view_or_error(request, view_id)
    view.delete()
    messages.success(request, f"The view “{view.name}” was deleted.")
    return redirect("views")


@require_safe
@session_or_read_key
def view_list_twin(request: ReadRequest) -> HttpResponse:
    """List a session's own views and shared ones, for a key the shared ones."""
    user = None if presented_secret(request) else signed_in(request)
    views = SavedView.objects.open_to(user).readable_by(request.only_app).for_list()
    base_url = request.build_absolute_uri("/")[:-1]
    return JsonResponse({"views": [saved_view_json(view, base_url) for view in views[:MAX_LISTED]]})


def own_view_or_error(request: HttpRequest, view_id: int) -> SavedView:
    """Return a view of the user's. Raises Http404, or PermissionDenied for one of others."""
    view = SavedView.objects.open_to(signed_in(request)).filter(pk=view_id).first()
    if view is None:
        raise Http404("There is no such view.")
    if view.owner_id != request.user.pk:
        raise PermissionDenied("Only its owner can change a shared view.")
    return view


def _save_if_valid(form: SavedViewForm) -> SavedView | None:
    if not form.is_valid():
        return None
    try:
        with transaction.atomic():
            return form.save()
    except IntegrityError:
        form.add_error("name", ValidationError(NAME_TAKEN, code="taken"))
        return None


def _view_list_page(request: HttpRequest, form: SavedViewForm | None = None) -> HttpResponse:
    views = SavedView.objects.open_to(signed_in(request)).for_list()[:MAX_LISTED]
    table = SavedViewTable([(view, filters_of(view).text) for view in views])
    status = 200 if form is None else 409 if form.name_is_taken else 400
    return render(request, "saved_views/views.html", {"table": table, "form": form}, status=status)
