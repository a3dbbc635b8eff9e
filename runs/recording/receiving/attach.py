"""Attaches to a run that is going on at Dify: it is recorded from its first step on, although it
was started past the proxy.

Facts: `GET /v1/workflow/<run>/events?user=…&include_state_snapshot=true` sends again what has
happened so far, then what happens; of a run that has ended its end alone. With
`continue_on_pause=true` it goes on after a person has decided. Dify shows a run only to the user
that it was started as (1.14 and later).
"""

from collections.abc import Callable
from urllib.parse import urlencode
from uuid import UUID

import httpx2

from runs.models import App
from runs.recording.decoding.dify_stream.api_calls import RunAnswer, UnstartedRun, answer_reader
from runs.recording.decoding.dify_stream.stream_event import RunRequest
from runs.recording.receiving import upstream, upstream_errors
from runs.recording.receiving.dify_answer import BROKEN, record_answer
from runs.recording.storing.ingest import IngestResult

KIND = "attached"


def attach_to_run(
    app: App, run_id: str, user: str, key: str, recorded: Callable[[UUID], None]
) -> str:
    """Record the run of `app` that Dify knows by `run_id` until it ends; `recorded` is called with
    its id here as soon as a part of it is stored. Return what went wrong, in a sentence; "" for
    nothing. The `key` of the app's API goes to Dify and nowhere else."""
    parameters = {"user": user, "include_state_snapshot": "true", "continue_on_pause": "true"}
    url = upstream.target(app.upstream_url, f"workflow/{run_id}/events", urlencode(parameters))
    if url is None:
        return "No Dify API is set for this app."
    try:
        response = upstream.send_request("GET", url, upstream.own_headers(key), None)
    except upstream.UpstreamUnreachable as problem:
        return str(problem)
    try:
        return _record_events(app, run_id, user, key, response, recorded)
    except httpx2.HTTPError:
        return BROKEN
    finally:
        response.close()


def _record_events(
    app: App,
    run_id: str,
    user: str,
    key: str,
    response: httpx2.Response,
    recorded: Callable[[UUID], None],
) -> str:
    if response.status_code >= 300:
        body = upstream_errors.read_beginning(response.iter_raw())
        return upstream_errors.refusal_sentence("Dify", response.status_code, body, key)
    request = RunRequest(service=app.name, user=user)
    unstarted = UnstartedRun(request, run_id, False)
    answer = answer_reader(response.status_code, response.headers, unstarted, starts_run=False)
    if not isinstance(answer, RunAnswer):
        return "Dify's answer cannot be read: it is compressed."

    def stored(result: IngestResult) -> None:
        for stored_id in result.runs:
            recorded(stored_id)

    problem = record_answer(response, answer, app.name, KIND, stored)
    if answer.reader.refusal:
        return upstream_errors.refusal_of(answer.reader.refusal, response.status_code, key)
    if not answer.reader.events:
        return problem or "What answered sent no events of a run."
    return problem
