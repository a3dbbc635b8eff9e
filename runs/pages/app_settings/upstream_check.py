"""Asks an app's upstream whether it is there, and says what it answered."""

from dataclasses import dataclass

import httpx2

from nodes.formats import visible
from runs.choices import Upstream
from runs.models import App
from runs.recording.decoding.dify.vocabulary import text_or_none
from runs.recording.receiving import upstream, upstream_errors

SECONDS = 10.0
# Fields of every error that Dify answers with.
ERROR_FIELDS = frozenset({"code", "message", "status"})


@dataclass(frozen=True, slots=True)
class UpstreamCheck:
    """`works`: whether runs can go through the proxy; `sentence` says what was seen."""

    works: bool
    sentence: str


def check_upstream(app: App) -> UpstreamCheck:
    """Ask Dify's API for the name of the app, `GET /info`, with the key that is set, if any."""
    if not app.upstream_url:
        return UpstreamCheck(False, "No upstream is set.")
    if app.upstream_kind == Upstream.WEBHOOK:
        return UpstreamCheck(False, "A webhook cannot be tested without running the app.")
    url = upstream.target(app.upstream_url, "info", "")
    if url is None:
        return UpstreamCheck(False, "The upstream is not a web address.")
    try:
        response = upstream.send_request(
            "GET", url, upstream.own_headers(app.upstream_key), None, SECONDS
        )
        try:
            body = upstream_errors.read_beginning(response.iter_raw())
        finally:
            response.close()
    except upstream.UpstreamUnreachable as problem:
        return UpstreamCheck(False, str(problem))
    except httpx2.HTTPError:
        return UpstreamCheck(False, "The upstream's answer ended early.")
    return _read_answer(response.status_code, body, app.upstream_key)


def _read_answer(status: int, body: bytes, key: str) -> UpstreamCheck:
    answer = upstream_errors.json_object(body)
    if status == 200 and "name" in answer:
        name = visible(text_or_none(answer["name"]) or "")
        return UpstreamCheck(True, f"Dify answered: the key belongs to its app “{name}”.")
    if answer.keys() >= ERROR_FIELDS:
        if status == 401 and not key:
            return UpstreamCheck(
                True, "Dify answered. No key is set here: clients send theirs with each request."
            )
        sentence = upstream_errors.refusal_sentence("Dify", status, body, key)
        return UpstreamCheck(status == 404, sentence)
    if 300 <= status < 400:
        return UpstreamCheck(False, upstream_errors.refusal_sentence("It", status, body, key))
    return UpstreamCheck(
        False,
        f"Something answered with {status}, but not as Dify's API does. Is the address right? It"
        " usually ends in /v1.",
    )
