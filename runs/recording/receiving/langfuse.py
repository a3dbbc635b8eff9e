"""The HTTP doors that Langfuse's clients, and Dify's Langfuse provider, speak to.

They sign in with Basic: the secret key is a key of ours; the public key names the app, unless it
looks like one of Langfuse's own.
"""

from typing import Any

from django.http import HttpResponse, JsonResponse

from runs.access import basic_credentials
from runs.recording.decoding import langfuse_rest
from runs.recording.receiving.endpoint import JSON, PROTOBUF, Arrival, Refusal, door
from runs.recording.receiving.otlp import take_traces
from runs.recording.records import request_body
from runs.recording.records.json_text import NotJson, parse_json
from runs.recording.records.record import Decoded
from runs.recording.storing import ingest, notes

OWN_KEY = "pk-"
CREATED, BAD = 201, 400


@door(JSON)
def ingestion(arrival: Arrival) -> HttpResponse:
    """`POST /api/public/ingestion`: a batch of events, each answered for itself."""
    told = _json(arrival)
    if isinstance(told, dict):
        told = [told] if "type" in told else told.get("batch")
    if not isinstance(told, list):
        raise Refusal(400, 'The body must be {"batch": […]}, a list of events.')
    batch = langfuse_rest.read_batch(told, _project(arrival))
    sender = arrival.sender
    arrival.taken = ingest.keep(Decoded(batch.records, batch.refused), sender, langfuse_rest.SOURCE)
    notes.save(batch.notes, arrival.sender.scope)
    successes = [{"id": name, "status": CREATED} for name in batch.taken]
    errors = [
        {"id": name, "status": BAD, "message": reason, "error": reason}
        for name, reason in batch.bad
    ]
    return JsonResponse({"successes": successes, "errors": errors}, status=207)


@door(PROTOBUF, JSON)
def traces(arrival: Arrival) -> HttpResponse:
    """`POST /api/public/otel/v1/traces`: the spans of Langfuse's newer clients."""
    return take_traces(arrival, _project(arrival))


@door(JSON)
def scores(arrival: Arrival) -> HttpResponse:
    """`POST /api/public/scores`: one score, or a list of them, as notes on their runs."""
    told = _json(arrival)
    bodies_told = told if isinstance(told, list) else [told]
    try:
        found = [langfuse_rest.read_score(body) for body in bodies_told if isinstance(body, dict)]
    except langfuse_rest.BadEvent as problem:
        raise Refusal(400, str(problem)) from None
    if not found or len(found) != len(bodies_told):
        raise Refusal(400, "A score is an object with traceId, name and value.")
    notes.save(found, arrival.sender.scope)
    return JsonResponse({"id": found[0].source_id})


@door(methods=("GET",))
def projects(arrival: Arrival) -> HttpResponse:
    """`GET /api/public/projects`: the project of a key, by which clients check it and make links
    (`/project/<id>`)."""
    name = _project(arrival) or "waylog"
    project = {
        "id": name,
        "name": name,
        "metadata": {},
        "organization": {"id": "waylog", "name": "Waylog"},
    }
    return JsonResponse({"data": [project]})


@door(methods=("GET",), keyless=True)
def health(arrival: Arrival) -> HttpResponse:
    """`GET /api/public/health`."""
    return JsonResponse({"status": "OK", "version": "3.0.0"})


def _json(arrival: Arrival) -> Any:
    try:
        return parse_json(arrival.body)
    except NotJson as problem:
        raise request_body.UnreadableBody(f"The body is not JSON: {problem}.") from None


def _project(arrival: Arrival) -> str:
    """The name of the app: of the key's own, else what stands for the public key."""
    if bound := arrival.sender.app:
        return bound.name
    name, _ = basic_credentials(arrival.request)
    return "" if name.startswith(OWN_KEY) else name
