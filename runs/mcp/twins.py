"""Reads the machine twins of pages for the tools, as a client with the caller's key would."""

from collections.abc import Callable
from copy import copy
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import orjson
from django.http import Http404, HttpRequest, HttpResponse, QueryDict

from runs.access import key_from
from runs.lookup import run_named


class NoTwin(Exception):
    """A twin did not answer with what was asked for; the message is its sentence."""


class TwinReader:
    """Reads twins for one request. Each checks the key by itself, so that no tool can show what the
    key may not read."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    def read(self, twin: Callable[..., HttpResponse], *place: Any, **query: object) -> Any:
        """Return the JSON, or the text, with which a twin answers: `place` is what its URL pattern
        captures, `query` its parameters without those that are "" or 0. Raises NoTwin."""
        inner = copy(self.request)
        inner.method = "GET"
        inner.GET = QueryDict(urlencode({name: value for name, value in query.items() if value}))
        response = twin(inner, *place)
        if response.status_code != 200:
            raise NoTwin(orjson.loads(response.content)["error"])
        is_json = response["Content-Type"] == "application/json"
        return orjson.loads(response.content) if is_json else response.content.decode()

    def run_id(self, name: str) -> Any:
        """Return the id of the run that Waylog's or the producer's id names. Raises NoTwin."""
        key = key_from(self.request)
        try:
            run = run_named(name, key.app if key else None)
        except Http404 as missing:
            raise NoTwin(str(missing)) from None
        if run is None:
            raise NoTwin("Name a run by its id.")
        return run.pk


def cursor(following: str | None) -> str:
    """Return where the page at the address `following` begins: its parameter `after`; "" for
    None."""
    return parse_qs(urlsplit(following or "").query).get("after", [""])[0]
