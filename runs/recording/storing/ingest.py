"""Turns a request body into stored runs: the path that every endpoint, import and sample takes."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

import orjson

from runs.recording.decoding.otlp.trace_requests import single_span_request
from runs.recording.decoding.traces import decode_traces
from runs.recording.records.record import Decoded, NodeRecord, Refused
from runs.recording.storing import inbox, notes
from runs.recording.storing.store import Origin, save_records


@dataclass(frozen=True, slots=True)
class IngestResult:
    """What became of one body: the runs touched; how many records it held; those refused, and where
    the inbox keeps them; of the others how many said nothing new, and how many came for a run that
    had ended; of each run the steps whose parent is missing; remarks as of `Decoded`."""

    runs: frozenset[UUID] = frozenset()
    records: int = 0
    refused: Sequence[Refused] = ()
    kept: Sequence[int] = ()
    duplicates: int = 0
    late: int = 0
    orphans: Mapping[UUID, int] = field(default_factory=dict)
    remarks: Mapping[str, int] = field(default_factory=dict)

    @property
    def reason(self) -> str:
        """Return why the first record was refused."""
        return self.refused[0].reason if self.refused else ""

    @property
    def runs_worst_first(self) -> list[UUID]:
        """Return runs with orphans before others."""
        return sorted(self.runs, key=lambda run_id: (-self.orphans.get(run_id, 0), run_id))

    def __add__(self, other: "IngestResult") -> "IngestResult":
        """Return both together, for bodies that are recorded piece by piece."""
        return IngestResult(
            self.runs | other.runs,
            self.records + other.records,
            [*self.refused, *other.refused],
            [*self.kept, *other.kept],
            self.duplicates + other.duplicates,
            self.late + other.late,
            {**self.orphans, **other.orphans},
            Counter(self.remarks) + Counter(other.remarks),
        )


NOTHING_INGESTED = IngestResult()
RESOURCE_NAMES = ("service.name", "openinference.project.name")
# Of bodies that came through no endpoint: samples.
SAMPLE_SENDER = inbox.Sender("/v1/traces", user_agent="waylog samples")


def store_spans(
    body: bytes, content_type: str, sender: inbox.Sender = SAMPLE_SENDER, project: str = ""
) -> IngestResult:
    """Decode and store one uncompressed OTLP body of spans. `project` names the app of those whose
    resource names none. Raises `request_body.UnreadableBody` when nothing of it can be read."""

    def single_request(refused: Refused) -> bytes:
        raw = refused.raw if isinstance(refused.raw, dict) else {}
        trace = str(raw.get("trace_id") or raw.get("trace"))
        ids = {raw.get("span_id"), raw.get("source_id"), *raw.get("span_ids", ())}
        return refused.body or single_span_request(body, content_type, trace, ids)

    decoded = decode_traces(body, content_type)
    if project:
        records = [_with_service(record, project) for record in decoded.records]
        decoded = replace(decoded, records=records)
    return store_decoded(decoded, sender, single=single_request)


def _with_service(record: NodeRecord, project: str) -> NodeRecord:
    _, attribute = record.read_from.get("service", ("", ""))
    return record if attribute in RESOURCE_NAMES else replace(record, service=project)


def store_decoded(
    decoded: Decoded,
    sender: inbox.Sender,
    kind: str = "otlp",
    single: Callable[[Refused], bytes] | None = None,
) -> IngestResult:
    """Store what a decoder made of a body; a bad record is refused alone and kept in the inbox.
    `kind` is that of `store.Origin`. `single` makes a whole request of one refused record (b""
    where it cannot); without it, what the decoder made of it, else its JSON is that request.
    Committed when it returns."""
    origin = Origin(sender.scope, sender.app.name if sender.app else None, kind)
    saved = save_records(decoded.records, origin)
    if decoded.notes:
        notes.save(decoded.notes, sender.scope)
    refused = [*decoded.refused, *saved.refused]
    kept = inbox.keep_refused(
        [(record, (single or _json_request)(record)) for record in refused], sender
    )
    return IngestResult(
        frozenset(saved.runs),
        len(decoded.records) + len(decoded.refused) + decoded.aside,
        refused,
        kept,
        saved.duplicates,
        saved.late,
        saved.orphans,
        decoded.remarks,
    )


def _json_request(refused: Refused) -> bytes:
    try:
        return refused.body or orjson.dumps(refused.raw)
    except (TypeError, ValueError):
        return b""
