"""The views of the guide for machines."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, get_resolver
from django.views.decorators.http import require_safe
from django.views.defaults import page_not_found

from runs.access import ReadRequest, refusal, session_or_read_key
from runs.json.values import json_response
from runs.pages.guide.addresses import MACHINE_SUFFIX
from runs.pages.guide.guide import guide
from runs.pages.guide.openapi import openapi_document
from runs.pages.producers.documents import EXAMPLE_ADDRESS

SKILL = settings.BASE_DIR / "docs" / "skill.md"


@require_safe
@login_not_required
def llms(request: HttpRequest) -> HttpResponse:
    """Return the guide to anyone: it names addresses and holds no data."""
    text = guide(_patterns(), request.build_absolute_uri("/")[:-1])
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


@require_safe
@login_not_required
def skill(request: HttpRequest) -> HttpResponse:
    """Return the way from a failure to its cause, for coding agents. Like the guide it is open."""
    text = SKILL.read_text().replace(EXAMPLE_ADDRESS, request.build_absolute_uri("/")[:-1])
    return HttpResponse(text, content_type="text/markdown; charset=utf-8")


@require_safe
@session_or_read_key
def openapi(request: ReadRequest) -> HttpResponse:
    return json_response(openapi_document(_patterns(), request.build_absolute_uri("/")[:-1]))


def _patterns() -> list[URLPattern]:
    patterns = get_resolver("runs.urls").url_patterns
    return [pattern for pattern in patterns if isinstance(pattern, URLPattern)]


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer machines with a sentence, people with the page."""
    if MACHINE_SUFFIX.search(request.path):
        return refusal(404, "There is no such address. /llms.txt lists all addresses.")
    return page_not_found(request, exception)
