"""For machines: what there is to be read."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, get_resolver
from django.views.decorators.http import require_safe

from runs.reports.guide import guide


@require_safe
@login_not_required
def llms(request: HttpRequest) -> HttpResponse:
    """Open to everybody: it tells addresses, and holds no data."""
    patterns = [
        one for one in get_resolver("runs.urls").url_patterns if isinstance(one, URLPattern)
    ]
    text = guide(patterns, request.build_absolute_uri("/")[:-1])
    return HttpResponse(text, content_type="text/plain; charset=utf-8")
