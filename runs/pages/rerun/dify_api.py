"""Run an app again through its Dify API, and stop such a run. Dify's event stream goes into the
recorder event by event, as every other stream does, without a detour over this console's own
address."""

import json
import time
from dataclasses import replace
from uuid import UUID

import httpx2

from runs.models import App, Rerun
from runs.pages.rerun.dify_request import stop_path
from runs.recording.decoding.dify_stream import api_calls
from runs.recording.receiving import upstream, upstream_errors
from runs.recording.receiving.dify_answer import BROKEN, record_answer
from runs.recording.storing import ingest

KIND = "rerun"
TRIGGER = "rerun"


def run_through_dify(rerun: Rerun, app: App, path: str) -> None:
    """Send the body of `rerun` to `path` below Dify's API, and record the answer to its end. The
    rerun says what went wrong."""
    try:
        error = _request_run(rerun, app, path)
    except upstream.UpstreamUnreachable as problem:
        error = str(problem)
    except Exception as problem:
        rerun.end(f"The run could not be recorded ({type(problem).__name__}).")
        raise
    rerun.end(error)


def _request_run(rerun: Rerun, app: App, path: str) -> str:
    """Return what went wrong, in a sentence; "" for nothing."""
    url = upstream.target(app.upstream_url, path, "")
    if url is None:
        return "The address set for this app's Dify API is not a web address."
    body, sent_us = json.dumps(rerun.sent).encode(), time.time_ns() // 1000
    response = upstream.send_request("POST", url, _dify_headers(app), body)
    try:
        if response.status_code >= 300:
            answer = upstream_errors.read_beginning(response.iter_raw())
            return _refusal_of_dify(app, response.status_code, answer)
        return _record_response(rerun, app, response, body, sent_us)
    except httpx2.HTTPError:
        return BROKEN
    finally:
        response.close()


def stop_path_of(rerun: Rerun) -> str:
    """Return the path below Dify's API that stops the run; "" where there is nothing to stop."""
    running = rerun.state == Rerun.State.RUNNING and rerun.original.app.upstream_kind == "dify"
    if rerun.run is None or not running or "user" not in rerun.sent:  # it went to a webhook
        return ""
    ids = {source.kind: source.source_id for source in rerun.run.producer_ids}
    return stop_path("query" in rerun.sent, ids)


def stop_through_dify(rerun: Rerun, path: str) -> None:
    """Ask Dify to stop the run, whose stream then ends. The rerun says what went wrong."""
    app = rerun.original.app
    url = upstream.target(app.upstream_url, path, "")
    if url is None:
        return
    body = json.dumps({"user": rerun.sent["user"]}).encode()
    try:
        response = upstream.send_request("POST", url, _dify_headers(app), body)
        answer = upstream_errors.read_beginning(response.iter_raw())
        response.close()
    except (upstream.UpstreamUnreachable, httpx2.HTTPError):
        return rerun.warn("Waylog could not ask Dify to stop the run.")
    if response.status_code >= 300:
        rerun.warn(_refusal_of_dify(app, response.status_code, answer))


def _refusal_of_dify(app: App, status: int, answer: bytes) -> str:
    return upstream_errors.refusal_sentence("Dify", status, answer, app.upstream_key)


def _dify_headers(app: App) -> list[tuple[bytes, bytes]]:
    return [*upstream.own_headers(app.upstream_key), (b"Content-Type", b"application/json")]


def _record_response(
    rerun: Rerun, app: App, response: httpx2.Response, body: bytes, sent_us: int
) -> str:
    """Record the answer to the request with this `body`, which was sent at this time. Return what
    went wrong; "" for nothing."""
    request = replace(api_calls.read_run_request(app.name, body, sent_us), trigger=TRIGGER)
    unstarted = api_calls.UnstartedRun(request, rerun.pk.hex, "query" in rerun.sent)
    answer = api_calls.answer_reader(response.status_code, response.headers, unstarted, False)
    if not isinstance(answer, api_calls.RunAnswer):
        return "Dify's answer cannot be read: it is compressed."

    def link(result: ingest.IngestResult) -> None:
        _link_new_run(rerun, result.runs, answer.reader.last)

    problem = record_answer(response, answer, app.name, KIND, link)
    if refusal := answer.reader.refusal:
        return upstream_errors.refusal_of(refusal, response.status_code, app.upstream_key)
    return problem or ("" if rerun.run_id else "Dify's answer named no run.")


def _link_new_run(rerun: Rerun, run_ids: frozenset[UUID], last: object) -> None:
    """Link the rerun with the run that the first events made. `last`: the last event."""
    if not rerun.run_id and run_ids:
        source_id = getattr(last, "run", None) or getattr(last, "message", None) or ""
        rerun.set_run(min(run_ids), source_id)
