"""The HTTP endpoints that Langfuse's clients, and Dify's Langfuse provider, send to.

They sign in with Basic: the secret key is a key of ours; the public key names the app, unless it
looks like one of Langfuse's own.
"""

from django.http import HttpResponse, JsonResponse

from runs.access import basic_credentials
from runs.recording.decoding import langfuse_rest
from runs.recording.receiving.endpoint import JSON, PROTOBUF, endpoint
from runs.recording.receiving.otlp import answer_traces
from runs.recording.receiving.request import IncomingRequest, Refusal
from runs.recording.records.record import Decoded
from runs.recording.storing import ingest, notes

OWN_KEY = "pk-"
CREATED, BAD = 201, 400


@endpoint(JSON)
def ingestion(incoming: IncomingRequest) -> HttpResponse:
    """Answer `POST /api/public/ingestion`: a batch of events, each answered for itself."""
    events = incoming.json()
    if isinstance(events, dict):
        events = [events] if "type" in events else events.get("batch")
    if not isinstance(events, list):
        raise Refusal(400, 'The body must be {"batch": […]}, where the batch is a list of events.')
    batch = langfuse_rest.read_batch(events, _project_name(incoming))
    sender = incoming.sender
    incoming.result = ingest.store_decoded(
        Decoded(batch.records, batch.refused), sender, langfuse_rest.SOURCE
    )
    notes.save(batch.notes, incoming.sender.scope)
    successes = [{"id": name, "status": CREATED} for name in batch.accepted]
    errors = [
        {"id": name, "status": BAD, "message": reason, "error": reason}
        for name, reason in batch.rejected
    ]
    return JsonResponse({"successes": successes, "errors": errors}, status=207)


@endpoint(PROTOBUF, JSON)
def traces(incoming: IncomingRequest) -> HttpResponse:
    """Answer `POST /api/public/otel/v1/traces`: the spans of Langfuse's newer clients."""
    return answer_traces(incoming, _project_name(incoming))


@endpoint(JSON)
def scores(incoming: IncomingRequest) -> HttpResponse:
    """Answer `POST /api/public/scores`: one score or a list of them, stored as notes on their
    runs."""
    payload = incoming.json()
    bodies = payload if isinstance(payload, list) else [payload]
    try:
        records = [langfuse_rest.read_score(body) for body in bodies if isinstance(body, dict)]
    except langfuse_rest.BadLangfuseEvent as problem:
        raise Refusal(400, str(problem)) from None
    if not records or len(records) != len(bodies):
        raise Refusal(400, "A score must be an object with traceId or sessionId, name and value.")
    notes.save(records, incoming.sender.scope)
    return JsonResponse({"id": records[0].source_id})


@endpoint(methods=("GET",))
def projects(incoming: IncomingRequest) -> HttpResponse:
    """Answer `GET /api/public/projects` with the project of a key, by which clients check the key
    and make links (`/project/<id>`)."""
    name = _project_name(incoming) or "waylog"
    project = {
        "id": name,
        "name": name,
        "metadata": {},
        "organization": {"id": "waylog", "name": "Waylog"},
    }
    return JsonResponse({"data": [project]})


@endpoint(methods=("GET",), keyless=True)
def health(incoming: IncomingRequest) -> HttpResponse:
    """Answer `GET /api/public/health`."""
    return JsonResponse({"status": "OK", "version": "3.0.0"})


def _project_name(incoming: IncomingRequest) -> str:
    """Return the name of the app: of the app that the key is bound to, else the public key."""
    if bound := incoming.sender.app:
        return bound.name
    name, _ = basic_credentials(incoming.request)
    return "" if name.startswith(OWN_KEY) else name
