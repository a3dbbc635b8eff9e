"""The HTTP doors that Langfuse's clients, and Dify's Langfuse provider, speak to.

They sign in with Basic: the secret key is a key of ours; the public key names the app, unless it
looks like one of Langfuse's own.
"""

from typing import Any

from django.http import HttpResponse, JsonResponse

from runs.access import basic_credentials
from runs.recording.decoding import langfuse_rest
from runs.recording.receiving.endpoint import JSON, PROTOBUF, endpoint
from runs.recording.receiving.otlp import answer_traces
from runs.recording.receiving.request import IncomingRequest, Refusal
from runs.recording.records import request_body
from runs.recording.records.json_text import NotJson, parse_json
from runs.recording.records.record import Decoded
from runs.recording.storing import ingest, notes

OWN_KEY = "pk-"
CREATED, BAD = 201, 400


@endpoint(JSON)
def ingestion(incoming: IncomingRequest) -> HttpResponse:
    """`POST /api/public/ingestion`: a batch of events, each answered for itself."""
    told = _json(incoming)
    if isinstance(told, dict):
        told = [told] if "type" in told else told.get("batch")
    if not isinstance(told, list):
        raise Refusal(400, 'The body must be {"batch": […]}, a list of events.')
    batch = langfuse_rest.read_batch(told, _project(incoming))
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
    """`POST /api/public/otel/v1/traces`: the spans of Langfuse's newer clients."""
    return answer_traces(incoming, _project(incoming))


@endpoint(JSON)
def scores(incoming: IncomingRequest) -> HttpResponse:
    """`POST /api/public/scores`: one score, or a list of them, as notes on their runs."""
    told = _json(incoming)
    bodies_told = told if isinstance(told, list) else [told]
    try:
        found = [langfuse_rest.read_score(body) for body in bodies_told if isinstance(body, dict)]
    except langfuse_rest.BadLangfuseEvent as problem:
        raise Refusal(400, str(problem)) from None
    if not found or len(found) != len(bodies_told):
        raise Refusal(400, "A score is an object with traceId, name and value.")
    notes.save(found, incoming.sender.scope)
    return JsonResponse({"id": found[0].source_id})


@endpoint(methods=("GET",))
def projects(incoming: IncomingRequest) -> HttpResponse:
    """`GET /api/public/projects`: the project of a key, by which clients check it and make links
    (`/project/<id>`)."""
    name = _project(incoming) or "waylog"
    project = {
        "id": name,
        "name": name,
        "metadata": {},
        "organization": {"id": "waylog", "name": "Waylog"},
    }
    return JsonResponse({"data": [project]})


@endpoint(methods=("GET",), keyless=True)
def health(incoming: IncomingRequest) -> HttpResponse:
    """`GET /api/public/health`."""
    return JsonResponse({"status": "OK", "version": "3.0.0"})


def _json(incoming: IncomingRequest) -> Any:
    try:
        return parse_json(incoming.body)
    except NotJson as problem:
        raise request_body.UnreadableBody(f"The body is not JSON: {problem}.") from None


def _project(incoming: IncomingRequest) -> str:
    """The name of the app: of the key's own, else what stands for the public key."""
    if bound := incoming.sender.app:
        return bound.name
    name, _ = basic_credentials(incoming.request)
    return "" if name.startswith(OWN_KEY) else name
