"""Keys of machines, and taking the samples away: staff only."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from runs.models import IngestKey
from runs.pages.keys.forms import KeyForm
from runs.pages.keys.tables import KeyTable


def staff_only(request: HttpRequest) -> None:
    if not request.user.is_staff:
        raise PermissionDenied("Only staff manage keys and samples.")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def key_list(request: HttpRequest) -> HttpResponse:
    """The keys and the form for a new one; the answer to a POST shows its secret, once."""
    staff_only(request)
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
    staff_only(request)
    key = IngestKey.objects.filter(pk=key_id).first()
    if key is None:
        raise Http404("There is no such key.")
    key.revoke()
    messages.success(request, f"The key “{key.name}” is revoked. Whoever uses it gets 401 now.")
    return redirect("keys")


@require_POST
def remove_samples(request: HttpRequest) -> HttpResponse:
    staff_only(request)
    from runs import samples

    samples.remove()
    messages.success(request, "The sample apps and their runs are gone.")
    return redirect("apps")
