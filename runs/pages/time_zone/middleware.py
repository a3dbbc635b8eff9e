"""Shows the times of a page in the zone that its reader chose. JSON keeps the zone of the settings,
so that scripts do not depend on whose browser they were tried in."""

from collections.abc import Callable
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

COOKIE = "waylog-time-zone"


def time_zone_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    def respond(request: HttpRequest) -> HttpResponseBase:
        name = request.COOKIES.get(COOKIE, "")
        if not name or name not in zone_names():
            return get_response(request)
        with timezone.override(ZoneInfo(name)):
            return get_response(request)

    return respond


@cache
def zone_names() -> list[str]:
    """Return the names of all time zones that this machine knows, without the historic short
    ones."""
    return sorted(name for name in available_timezones() if "/" in name or name == "UTC")
