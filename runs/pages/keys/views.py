"""API keys, and the removal of the sample apps: for staff only."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from runs.models import IngestKey
from runs.pages.keys.forms import KeyForm
from runs.pages.keys.tables import KeyTable


def require_staff(request: HttpRequest) -> None:
    if not request.user.is_staff:
        raise PermissionDenied("Only staff can manage keys and samples.")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def key_list(request: HttpRequest) -> HttpResponse:
    """List the keys with a form for a new one. The response to a POST shows the secret, once."""
    require_staff(request)
    form = KeyForm(request.POST if request.method == "POST" else None)
    context = {"form": form, "base_url": request.build_absolute_uri("/")[:-1]}
    if form.is_bound and form.is_valid():
        context["key"], context["secret"] = IngestKey.create(**form.cleaned_data)
        context["form"] = KeyForm()
    context["table"] = KeyTable(IngestKey.objects.for_list())
    status = 400 if form.errors else 200
    return render(request, "keys/keys.html", context, status=status)


@require_POST
def revoke(request: HttpRequest, key_id: int) -> HttpResponse:
    require_staff(request)
    key = IngestKey.objects.filter(pk=key_id).first()
    if key is None:
        raise Http404("There is no such key.")
    key.revoke()
    messages.success(request, f"The key “{key.name}” was revoked. Requests with it now get 401.")
    return redirect("keys")


@require_POST
def remove_samples(request: HttpRequest) -> HttpResponse:
    require_staff(request)
    from runs import samples

    samples.remove()
    messages.success(request, "The sample apps and their runs were removed.")
    return redirect("apps")
