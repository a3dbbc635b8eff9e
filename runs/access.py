"""Decides who may read the JSON and files of the console: a session, or a key with read scope."""

import base64
import binascii
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django_htmx.http import HttpResponseClientRedirect

from nodes.http import HtmxHttpRequest
from runs.models import App, IngestKey

NO_KEY = (
    "Sign in, or send a key with read scope as “Authorization: Bearer <key>” or “x-api-key: <key>”."
)
UNKNOWN_KEY = "This key is unknown or has been revoked."
MAY_NOT_READ = "This key can record but not read. Create one with read scope under Keys."


class ReadRequest(HtmxHttpRequest):
    """A request that was let in by `session_or_read_key`. `only_app` is the one app that a bound
    key may read; None: all."""

    only_app: App | None


class SignInMiddleware(LoginRequiredMiddleware):
    """Sends those who are not signed in to the sign-in page, from an htmx request the whole page:
    as a part of one, the form would stand in the place of a step or a table."""

    def handle_no_permission(  # type: ignore[override]  # the stubs know of no other redirect
        self, request: HttpRequest, view_func: Callable[..., Any]
    ) -> HttpResponseBase:
        htmx = request.htmx  # type: ignore[attr-defined]
        if not htmx:
            return super().handle_no_permission(request, view_func)
        page = htmx.current_url_abs_path or settings.LOGIN_REDIRECT_URL
        return HttpResponseClientRedirect(redirect_to_login(page).url)


def signed_in(request: HttpRequest) -> User:
    """Return the user of a request for a page that only signed-in users see."""
    assert isinstance(request.user, User)
    return request.user


def presented_secret(request: HttpRequest) -> str:
    """Return the secret that a request presents, "" for none: `Authorization: Bearer`, `x-api-key`,
    `api_key`, or Basic, where it is the password (Langfuse's secret key)."""
    scheme, _, credentials = request.headers.get("Authorization", "").strip().partition(" ")
    if scheme.lower() == "bearer" and credentials.strip():
        return credentials.strip()
    # WSGI names the headers api-key and api_key alike.
    if secret := request.headers.get("x-api-key") or request.headers.get("api-key"):
        return secret.strip()
    return basic_credentials(request)[1]


def basic_credentials(request: HttpRequest) -> tuple[str, str]:
    """Return user and password of Basic authentication, or "" for each."""
    scheme, _, credentials = request.headers.get("Authorization", "").strip().partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        user, _, password = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return user.strip(), password.strip()


def key_from(request: HttpRequest) -> IngestKey | None:
    """Return the active key that a request presents; None for no key or an unknown one."""
    secret = presented_secret(request)
    return IngestKey.find(secret) if secret else None


def refusal(status: int, sentence: str) -> JsonResponse:
    """Return {"error": sentence}; a 401 also names the authentication scheme."""
    response = JsonResponse({"error": sentence}, status=status)
    if status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="waylog"'
    return response


def session_or_read_key(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Let in a session or a key with read scope, and set `request.only_app`; answer others with 401
    or 403 and a sentence. For views that machines read: an Http404 becomes JSON as well."""

    @login_not_required
    @wraps(view)
    def guarded(request: ReadRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        request.only_app = None
        if presented_secret(request) or not request.user.is_authenticated:
            key = key_from(request)
            if key is None:
                return refusal(401, UNKNOWN_KEY if presented_secret(request) else NO_KEY)
            if not key.can_read:
                return refusal(403, MAY_NOT_READ)
            key.touch()
            request.only_app = key.app
        try:
            return view(request, *args, **kwargs)
        except Http404 as missing:
            return refusal(404, str(missing) or "There is nothing here.")

    return guarded
