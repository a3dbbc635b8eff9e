"""The prices that a team sets itself. Everybody may read them, staff may change them."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from nodes.models import OwnPrice
from runs.pages.prices.forms import PriceForm
from runs.pages.prices.tables import PriceTable, UnpricedTable
from runs.pages.prices.unpriced import RUNS, unpriced_models


def require_price_setter(request: HttpRequest) -> None:
    if not request.user.is_staff:
        raise PermissionDenied("Only staff can set prices.")


@require_http_methods(["GET", "HEAD", "POST"])
def price_list(request: HttpRequest) -> HttpResponse:
    """List the prices with a form for a new one, which `model` and `provider` of the URL fill."""
    named = {name: request.GET[name][:200] for name in ("model", "provider") if name in request.GET}
    form = PriceForm(initial=named)
    if request.method == "POST":
        require_price_setter(request)
        form = PriceForm(request.POST)
        if form.is_valid():
            price = form.save()
            messages.success(
                request, f"The price of {price} is set: calls are priced by it from now on."
            )
            return redirect("prices")
    context = {
        "form": form,
        "named": bool(named) or form.is_bound,
        "table": PriceTable(OwnPrice.objects.for_list()),
        "unpriced": UnpricedTable(unpriced_models()),
        "runs_looked_at": f"{RUNS:,}",
    }
    return render(request, "prices/prices.html", context, status=400 if form.errors else 200)


@require_POST
def remove_price(request: HttpRequest, price_id: int) -> HttpResponse:
    require_price_setter(request)
    price = OwnPrice.objects.filter(pk=price_id).first()
    if price is None:
        raise Http404("There is no such price.")
    price.delete()
    messages.success(
        request, f"The price of {price} was removed. Runs that were priced by it keep their cost."
    )
    return redirect("prices")
