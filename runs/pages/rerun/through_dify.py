"""Asking Dify for a run. Its event stream goes the way of every other: into the recorder, event by
event, without a way round over this console's own address."""

import json
import time
from dataclasses import replace
from urllib.parse import urlencode
from uuid import UUID

import httpx2
from django.urls import reverse

from runs.models import App, Rerun
from runs.pages.rerun import upstream_errors
from runs.pages.rerun.inputs import stop_path
from runs.recording.decoding.dify_stream import api_calls
from runs.recording.receiving import upstream
from runs.recording.receiving.live_stream import StreamRecorder
from runs.recording.records.record import Decoded
from runs.recording.storing import ingest
from runs.recording.storing.inbox import Sender

KIND = "rerun"
TRIGGER = "rerun"
BROKEN = "Dify's answer broke off before its end."


def ask(rerun: Rerun, app: App, path: str) -> None:
    """Send what `rerun` says and record the answer to its end. What goes wrong is told there."""
    try:
        error = _ask(rerun, app, path)
    except upstream.UpstreamUnreachable as problem:
        error = str(problem)
    except Exception as problem:
        rerun.end(f"The run could not be recorded ({type(problem).__name__}).")
        raise
    rerun.end(error)


def _ask(rerun: Rerun, app: App, path: str) -> str:
    """What went wrong, in a sentence; "" for nothing."""
    url = upstream.target(app.upstream_url, path, "")
    if url is None:
        return "The address that is set for this app's Dify API is no web address."
    body = json.dumps(rerun.sent).encode()
    response = upstream.send_request("POST", url, _headers(app), body)
    try:
        if response.status_code >= 300:
            said = upstream_errors.head(response.iter_raw())
            return upstream_errors.refusal("Dify", response.status_code, said, app.upstream_key)
        return _record(rerun, app, response, body)
    except httpx2.HTTPError:
        return BROKEN
    finally:
        response.close()


def way_to_stop(rerun: Rerun) -> str:
    """Below Dify's API; "" where there is nothing to stop."""
    running = rerun.state == Rerun.State.RUNNING and rerun.original.app.upstream_kind == "dify"
    if rerun.run is None or not running or "user" not in rerun.sent:  # a webhook was asked
        return ""
    ids = {source.kind: source.source_id for source in rerun.run.producer_ids}
    return stop_path("query" in rerun.sent, ids)


def stop(rerun: Rerun, path: str) -> None:
    """Ask Dify to stop the run, whose stream then tells its end. What goes wrong is told there."""
    app = rerun.original.app
    url = upstream.target(app.upstream_url, path, "")
    if url is None:
        return
    body = json.dumps({"user": rerun.sent["user"]}).encode()
    try:
        response = upstream.send_request("POST", url, _headers(app), body)
        said = upstream_errors.head(response.iter_raw())
        response.close()
    except (upstream.UpstreamUnreachable, httpx2.HTTPError):
        return rerun.warn("Dify could not be asked to stop it.")
    if response.status_code >= 300:
        rerun.warn(upstream_errors.refusal("Dify", response.status_code, said, app.upstream_key))


def _headers(app: App) -> list[tuple[bytes, bytes]]:
    return [
        (b"Authorization", f"Bearer {app.upstream_key}".encode()),
        (b"Content-Type", b"application/json"),
        (b"Accept-Encoding", b"identity"),  # it is read here
    ]


def _record(rerun: Rerun, app: App, response: httpx2.Response, body: bytes) -> str:
    asked = replace(api_calls.read_run_request(app.name, body), trigger=TRIGGER)
    now = time.time_ns() // 1000
    in_chat = "query" in rerun.sent
    failure = api_calls.UnstartedRun(asked, rerun.pk.hex, in_chat, now)
    reading = api_calls.answer_reader(response.status_code, response.headers, failure, False)
    if not isinstance(reading, api_calls.RunAnswer):
        return "Dify's answer cannot be read: it is compressed."
    # What is refused of it can be sent again where events are taken.
    door = f"{reverse('dify-events')}?{urlencode({'app': app.name})}"
    sender = Sender(door, user_agent=KIND, content_type="text/event-stream")

    def keep(found: Decoded) -> ingest.IngestResult:
        taken = ingest.store_decoded(found, sender, KIND)
        _link(rerun, taken.runs, reading.reader.last)
        return taken

    recording, reason = StreamRecorder(reading, keep, patient=True), BROKEN
    try:
        for part in response.iter_raw():
            recording.put(part)
        reason = ""
    except httpx2.HTTPError:
        pass
    finally:
        recording.close(reason)
    recording.result()
    if no := reading.reader.refusal:
        status = no.get("status")
        status = status if isinstance(status, int) else response.status_code
        return upstream_errors.refusal("Dify", status, json.dumps(no).encode(), app.upstream_key)
    return reason or ("" if rerun.run_id else "Dify's answer told of no run.")


def _link(rerun: Rerun, runs: frozenset[UUID], last: object) -> None:
    if not rerun.run_id and runs:
        rerun.begun(min(runs), getattr(last, "run", None) or getattr(last, "message", None) or "")
