"""Decode the body of an OTLP trace request into neutral records. Pure."""

import logging
from collections import Counter
from typing import Any

from runs.recording.decoding import evaluations
from runs.recording.decoding.dialects import read_fields
from runs.recording.decoding.otlp.content_types import choose_decoder
from runs.recording.decoding.otlp.trace_requests import decode_json_spans, decode_protobuf_spans
from runs.recording.records.record import Decoded, NodeRecord, NoteRecord, Refused
from runs.recording.records.span import Span

logger = logging.getLogger(__name__)


def decode_traces(body: bytes, content_type: str) -> Decoded:
    """Return the records of an unpacked body, in the order sent, and what was refused of it. Raises
    UnsupportedType for another content type and UnreadableBody when nothing of it can be read."""
    spans, refused = choose_decoder(content_type, decode_protobuf_spans, decode_json_spans)(body)
    records: list[NodeRecord] = []
    notes: list[NoteRecord] = []
    remarks: Counter[str] = Counter()
    aside = 0
    for span in spans:
        try:
            reading = read_fields(span)
            notes += evaluations.notes_in_events(span)
        except Exception as error:
            # A span that we cannot make sense of must not cost the others. No payload in the log.
            place = _code_location(error)
            logger.warning(
                "span %s not understood: %s at %s", span.span_id, type(error).__name__, place
            )
            reason = f"The span could not be understood ({type(error).__name__})."
            refused.append(Refused(reason, _raw_span(span)))
            continue
        if reading.ignored:
            aside += 1
        else:
            records += reading.records()
        if reading.remark:
            remarks[reading.remark] += 1
    return Decoded(records, refused, notes, remarks, aside)


def _code_location(error: Exception) -> str:
    """Return the file and line that raised the error."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"


def _raw_span(span: Span) -> dict[str, Any]:
    return {
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "name": span.name,
        "attributes": span.attributes,
        "resource": span.resource,
    }
