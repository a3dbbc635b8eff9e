"""Run an app again through its webhook. Whatever the webhook starts is recorded like any other run;
what leads to it is the trace that the request begins (W3C `traceparent`), or the id that the
webhook answers with.

The body is {"inputs", "query", "original_run", "rerun", "scope", "node_id"}. `scope` is "run", and
for a step "node" (this step alone) or "from" (from this step on), with the step's own inputs. A
webhook that can do these answers with {"scope": …} as well; otherwise it may have run the whole app
instead. An answer with {"run": …} names the run by any id that its producer sends.
"""

import json
import time
from uuid import UUID

import httpx2
from django.db import connection

from runs.models import App, Rerun
from runs.pages.rerun.outcome import update_outcome
from runs.recording.receiving import upstream, upstream_errors
from runs.recording.receiving.upstream_address import problem_of

WHOLE_RUN = "run"
NO_ADDRESS = "The address set for this app's webhook is not a web address."
STEP_SCOPES = {"node": "this step only", "from": "from this step on"}
# Seconds between two looks for the run.
PAUSES = (0.2, 0.5, 1, 1, 2)
LONG_PAUSE = 5.0


def trace_id_of(rerun_id: UUID) -> str:
    """Return a trace id for a rerun: as random as the token that the rerun's id is made of."""
    return rerun_id.hex


def run_through_webhook(rerun: Rerun, app: App) -> None:
    """Send the body of `rerun`, and wait for its run. The rerun says what went wrong."""
    try:
        error = _call_webhook(rerun, app)
    except upstream.UpstreamUnreachable as problem:
        error = str(problem).replace("Dify", "The webhook")
    except httpx2.HTTPError:
        error = "The webhook's answer ended early."
    except Exception as problem:
        rerun.end(f"The webhook could not be called ({type(problem).__name__}).")
        raise
    if error:
        rerun.end(error)
    else:
        _wait_for_run(rerun)


def _call_webhook(rerun: Rerun, app: App) -> str:
    """Return what went wrong, in a sentence; "" for nothing."""
    if problem_of(app.upstream_url):
        return NO_ADDRESS
    headers = [
        (b"Content-Type", b"application/json"),
        (b"Accept-Encoding", b"identity"),
        (b"traceparent", f"00-{trace_id_of(rerun.pk)}-{rerun.pk.hex[:16]}-01".encode()),
    ]
    if app.upstream_key:
        headers.append((b"Authorization", f"Bearer {app.upstream_key}".encode()))
    response = upstream.send_request(
        "POST", httpx2.URL(app.upstream_url), headers, json.dumps(rerun.sent).encode()
    )
    try:
        body = upstream_errors.read_beginning(response.iter_raw())
    finally:
        response.close()
    if response.status_code >= 300:
        return upstream_errors.refusal_sentence(
            "The webhook", response.status_code, body, app.upstream_key
        )
    _apply_answer(rerun, upstream_errors.json_object(body))
    return ""


def _apply_answer(rerun: Rerun, answer: dict[str, object]) -> None:
    """Keep what the webhook says of the run that it started."""
    run_id = answer.get("run")
    if isinstance(run_id, str) and 0 < len(run_id) <= 128 and "\0" not in run_id:
        rerun.expect_run(run_id)
    if rerun.node_id and answer.get("scope") != rerun.sent["scope"]:
        rerun.warn("The webhook did not say that it ran this step; it may have run the whole app.")


def _wait_for_run(rerun: Rerun) -> None:
    pauses = iter(PAUSES)
    while not update_outcome(rerun):
        connection.close()
        time.sleep(next(pauses, LONG_PAUSE))
