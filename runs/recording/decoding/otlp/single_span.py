"""One span as a whole request of its own, with its resource and scope: what the inbox keeps of a
refused span, to be replayed. Pure."""

from collections.abc import Collection

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from runs.recording.decoding.otlp import json_spans
from runs.recording.decoding.otlp.salvage import in_protobuf


def of_span(body: bytes, content_type: str, trace: str, ids: Collection[str]) -> bytes:
    """The span of `trace` whose id is one of `ids` (hex), cut out of the request that it came in;
    b"" where it is not found."""
    if "json" in content_type:
        return json_spans.cut(body, trace, ids)
    request = ExportTraceServiceRequest()
    try:
        request.ParseFromString(body)
    except DecodeError:
        return b""
    for told in request.resource_spans:
        for part in told.scope_spans:
            for span in part.spans:
                if span.trace_id.hex() == trace and span.span_id.hex() in ids:
                    messages = (span, told.resource, part.scope)
                    return in_protobuf(*(message.SerializeToString() for message in messages))
    return b""
