"""The HTTP doors of OpenTelemetry."""

from dataclasses import replace

from django.http import HttpResponse

from runs.recording.decoding.logs import decode_logs
from runs.recording.decoding.otlp import log_requests, trace_requests
from runs.recording.receiving.endpoint import JSON, PROTOBUF, endpoint
from runs.recording.receiving.request import IncomingRequest
from runs.recording.records.record import Decoded
from runs.recording.storing import ingest, notes


@endpoint(PROTOBUF, JSON)
def traces(incoming: IncomingRequest) -> HttpResponse:
    """`POST /v1/traces`: OTLP/HTTP, protobuf or JSON."""
    return answer_traces(incoming)


def answer_traces(incoming: IncomingRequest, project: str = "") -> HttpResponse:
    """Record and answer a body of spans; `project` as in `intake.take`."""
    taken = ingest.store_spans(incoming.body, incoming.content_type, incoming.sender, project)
    incoming.result = taken
    partial = (len(taken.refused), taken.reason) if taken.refused else None
    return _answer(incoming, partial)


@endpoint(PROTOBUF, JSON)
def logs(incoming: IncomingRequest) -> HttpResponse:
    """`POST /v1/logs`: OTLP/HTTP, protobuf or JSON. A log that belongs to no run is accepted and
    set aside."""
    read = decode_logs(incoming.body, incoming.content_type)
    decoded = Decoded(read.records, read.refused)
    taken = ingest.store_decoded(decoded, incoming.sender, single=lambda refused: refused.body)
    notes.save(read.notes, incoming.sender.scope)
    incoming.result = replace(taken, records=taken.records + read.aside)
    partial = (len(taken.refused), taken.reason) if taken.refused else None
    told = log_requests.encode_log_response(partial, incoming.content_type)
    return HttpResponse(told, content_type=incoming.content_type)


@endpoint(PROTOBUF, JSON)
def metrics(incoming: IncomingRequest) -> HttpResponse:
    """`POST /v1/metrics`: answered, so that clients that send everything do not complain; not
    kept."""
    return _answer(incoming, None)


def _answer(incoming: IncomingRequest, partial: tuple[int, str] | None) -> HttpResponse:
    told = trace_requests.encode_trace_response(partial, incoming.content_type)
    return HttpResponse(told, content_type=incoming.content_type)
