"""The HTTP doors of OpenTelemetry."""

from dataclasses import replace

from django.http import HttpResponse

from runs.recording.decoding.logs import decode_logs
from runs.recording.decoding.otlp import logs as otlp_logs
from runs.recording.decoding.otlp import protobuf
from runs.recording.receiving.endpoint import JSON, PROTOBUF, Arrival, door
from runs.recording.records.record import Decoded
from runs.recording.storing import ingest, notes


@door(PROTOBUF, JSON)
def traces(arrival: Arrival) -> HttpResponse:
    """`POST /v1/traces`: OTLP/HTTP, protobuf or JSON."""
    return take_traces(arrival)


def take_traces(arrival: Arrival, project: str = "") -> HttpResponse:
    """Record and answer a body of spans; `project` as in `intake.take`."""
    taken = ingest.take(arrival.body, arrival.content_type, arrival.sender, project)
    arrival.taken = taken
    partial = (len(taken.refused), taken.reason) if taken.refused else None
    return _answer(arrival, partial)


@door(PROTOBUF, JSON)
def logs(arrival: Arrival) -> HttpResponse:
    """`POST /v1/logs`: OTLP/HTTP, protobuf or JSON. A log that belongs to no run is accepted and
    set aside."""
    read = decode_logs(arrival.body, arrival.content_type)
    decoded = Decoded(read.records, read.refused)
    taken = ingest.keep(decoded, arrival.sender, single=lambda refused: refused.body)
    notes.save(read.notes, arrival.sender.scope)
    arrival.taken = replace(taken, records=taken.records + read.aside)
    partial = (len(taken.refused), taken.reason) if taken.refused else None
    told = otlp_logs.encode_response(partial, arrival.content_type)
    return HttpResponse(told, content_type=arrival.content_type)


@door(PROTOBUF, JSON)
def set_aside(arrival: Arrival) -> HttpResponse:
    """`POST /v1/metrics`: answered, so that clients that send everything do not complain; not
    kept."""
    return _answer(arrival, None)


def _answer(arrival: Arrival, partial: tuple[int, str] | None) -> HttpResponse:
    told = protobuf.encode_response(partial, arrival.content_type)
    return HttpResponse(told, content_type=arrival.content_type)
