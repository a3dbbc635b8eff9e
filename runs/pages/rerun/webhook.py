"""Asking a webhook for a run. Whatever it starts is recorded like any other run; what leads to it
is the trace that the request begins (W3C `traceparent`), or the id that the webhook answers with.

The body is {"inputs", "query", "original_run", "rerun", "scope", "node_id"}. `scope` is "run", and
for a step "node" (this step alone) or "from" (from this step on), with the step's own inputs. A
webhook that can do these answers with {"scope": …} as well; else nobody could tell whether it ran
the whole app instead. An answer with {"run": …} names the run by any id that its producer sends.
"""

import json
import time
from uuid import UUID

import httpx2
from django.db import connection

from runs.models import App, Rerun
from runs.pages.rerun import upstream_errors
from runs.pages.rerun.outcome import settle
from runs.recording.receiving import upstream
from runs.recording.receiving.upstream_address import problem_of

WHOLE = "run"
NO_ADDRESS = "The address that is set for this app's webhook is no web address."
SCOPES = {"node": "this step alone", "from": "from this step on"}
# Seconds between two looks for the run.
PAUSES = (0.2, 0.5, 1, 1, 2)
LONG_PAUSE = 5.0


def trace_of(rerun_id: UUID) -> str:
    """A trace id of its own: as random as the token that the attempt's id is made of."""
    return rerun_id.hex


def ask(rerun: Rerun, app: App) -> None:
    """Send what `rerun` says, and wait for its run. What goes wrong is told there."""
    try:
        error = _send(rerun, app)
    except upstream.UpstreamUnreachable as problem:
        error = str(problem).replace("Dify", "The webhook")
    except httpx2.HTTPError:
        error = "The webhook's answer broke off."
    except Exception as problem:
        rerun.end(f"The webhook could not be asked ({type(problem).__name__}).")
        raise
    if error:
        rerun.end(error)
    else:
        _wait(rerun)


def _send(rerun: Rerun, app: App) -> str:
    if problem_of(app.upstream_url):
        return NO_ADDRESS
    headers = [
        (b"Content-Type", b"application/json"),
        (b"Accept-Encoding", b"identity"),
        (b"traceparent", f"00-{trace_of(rerun.pk)}-{rerun.pk.hex[:16]}-01".encode()),
    ]
    if app.upstream_key:
        headers.append((b"Authorization", f"Bearer {app.upstream_key}".encode()))
    response = upstream.send_request(
        "POST", httpx2.URL(app.upstream_url), headers, json.dumps(rerun.sent).encode()
    )
    try:
        said = upstream_errors.head(response.iter_raw())
    finally:
        response.close()
    if response.status_code >= 300:
        return upstream_errors.refusal("The webhook", response.status_code, said, app.upstream_key)
    _take(rerun, upstream_errors.object_of(said))
    return ""


def _take(rerun: Rerun, told: dict[str, object]) -> None:
    """What the webhook says of what it did."""
    if isinstance(run := told.get("run"), str) and 0 < len(run) <= 128 and "\0" not in run:
        rerun.called(run)
    if rerun.node_id and told.get("scope") != rerun.sent["scope"]:
        rerun.warn("The webhook did not say that it ran this step; it may have run all of the app.")


def _wait(rerun: Rerun) -> None:
    pauses = iter(PAUSES)
    while not settle(rerun):
        connection.close()
        time.sleep(next(pauses, LONG_PAUSE))
