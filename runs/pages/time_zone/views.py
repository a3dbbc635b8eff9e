"""The page on which a reader chooses a time zone."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods

from runs.pages.time_zone.middleware import COOKIE, zone_names

YEAR = 365 * 24 * 3600


@require_http_methods(["GET", "HEAD", "POST"])
def time_zone(request: HttpRequest) -> HttpResponse:
    """Show the choice; a POST keeps it in a cookie and leads back to `next`."""
    asked = request.POST if request.method == "POST" else request.GET
    back = asked.get("next", "")
    if not (back.startswith("/") and url_has_allowed_host_and_scheme(back, None)):
        back = "/"
    context = {
        "zones": zone_names(),
        "current": timezone.get_current_timezone_name(),
        "back": back,
        "wrong": False,
    }
    if request.method == "POST":
        zone = request.POST.get("zone", "")
        if zone in zone_names():
            response = redirect(back)
            safe = request.is_secure()
            response.set_cookie(COOKIE, zone, YEAR, samesite="Lax", httponly=True, secure=safe)
            return response
        context["wrong"] = True
    return render(
        request, "time_zone/time_zone.html", context, status=400 if context["wrong"] else 200
    )
