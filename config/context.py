"""The context that every template gets."""

from typing import Any

from django.http import HttpRequest

# First word of a view's name → the part of the navigation it belongs to.
SECTIONS = {
    "apps": "apps",
    "app": "apps",
    "conversation": "apps",
    "last": "apps",
    "node": "apps",
    "errors": "errors",
    "error": "errors",
    "runs": "runs",
    "run": "runs",
    "rerun": "runs",
    "views": "runs",
    "view": "runs",
    "notes": "notes",
    "note": "notes",
    "inbox": "inbox",
    "keys": "keys",
    "key": "keys",
    "prices": "prices",
    "price": "prices",
}


def console(request: HttpRequest) -> dict[str, Any]:
    """Return `csp_nonce` where django-htmx's script tag looks for it; `section`, the chosen part of
    the navigation ("" outside of any)."""
    match = getattr(request, "resolver_match", None)
    name = (match and match.url_name) or ""
    return {
        "csp_nonce": getattr(request, "csp_nonce", ""),
        "section": SECTIONS.get(name.split("-")[0], ""),
    }
