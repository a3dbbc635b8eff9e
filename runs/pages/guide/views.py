"""For machines: what there is to be read."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, get_resolver
from django.views.decorators.http import require_safe
from django.views.defaults import page_not_found

from runs.access import refusal
from runs.pages.guide.guide import FORMS, guide


@require_safe
@login_not_required
def llms(request: HttpRequest) -> HttpResponse:
    """Open to everybody: it tells addresses, and holds no data."""
    patterns = [
        one for one in get_resolver("runs.urls").url_patterns if isinstance(one, URLPattern)
    ]
    text = guide(patterns, request.build_absolute_uri("/")[:-1])
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """For machines a sentence, for people the page."""
    if FORMS.search(request.path):
        return refusal(404, "There is no such address. /llms.txt tells those that there are.")
    return page_not_found(request, exception)
