"""The HTTP endpoints of OpenTelemetry."""

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
    """Answer `POST /v1/traces`: OTLP/HTTP, protobuf or JSON."""
    return answer_traces(incoming)


def answer_traces(incoming: IncomingRequest, project: str = "") -> HttpResponse:
    """Record and answer a body of spans; `project` as in `ingest.store_spans`."""
    result = ingest.store_spans(incoming.body, incoming.content_type, incoming.sender, project)
    incoming.result = result
    partial = (len(result.refused), result.reason) if result.refused else None
    return _otlp_response(incoming, partial)


@endpoint(PROTOBUF, JSON)
def logs(incoming: IncomingRequest) -> HttpResponse:
    """Answer `POST /v1/logs`: OTLP/HTTP, protobuf or JSON. A log that belongs to no run is accepted
    and set aside."""
    read = decode_logs(incoming.body, incoming.content_type)
    decoded = Decoded(read.records, read.refused)
    result = ingest.store_decoded(decoded, incoming.sender, single=lambda refused: refused.body)
    notes.save(read.notes, incoming.sender.scope)
    incoming.result = replace(result, records=result.records + read.aside)
    partial = (len(result.refused), result.reason) if result.refused else None
    body = log_requests.encode_log_response(partial, incoming.content_type)
    return HttpResponse(body, content_type=incoming.content_type)


@endpoint(PROTOBUF, JSON)
def metrics(incoming: IncomingRequest) -> HttpResponse:
    """Answer `POST /v1/metrics`, so that clients that send everything do not complain. Metrics are
    not stored."""
    return _otlp_response(incoming, None)


def _otlp_response(incoming: IncomingRequest, partial: tuple[int, str] | None) -> HttpResponse:
    body = trace_requests.encode_trace_response(partial, incoming.content_type)
    return HttpResponse(body, content_type=incoming.content_type)
