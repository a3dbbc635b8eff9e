"""From a request body to stored runs: what every OTLP door, import and sample goes through."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import orjson

from runs.models import IngestKey, RefusedRecord
from runs.recording.decode import decode_traces
from runs.recording.records import Refused
from runs.recording.store import Origin, save

log = logging.getLogger(__name__)
# The inbox keeps this much of a refused record.
RAW_LIMIT = 64_000


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one body: runs touched, records taken, records refused with the first
    reason."""

    runs: set[UUID]
    taken: int
    refused: Sequence[Refused]

    @property
    def reason(self) -> str:
        return self.refused[0].reason if self.refused else ""


def take(
    body: bytes,
    content_type: str,
    key: IngestKey | None = None,
    door: str = "/v1/traces",
    user_agent: str = "",
) -> Taken:
    """Decode and store one uncompressed body. Raises `bodies.UnreadableBody` when nothing of it can
    be read; a bad record is refused alone and kept in the inbox. Committed when it returns."""
    decoded = decode_traces(body, content_type)
    bound = key.app if key is not None and key.app_id else None
    origin = Origin(bound.pk, bound.name) if bound else Origin()
    runs, unfit = save(decoded.records, origin)
    every = [*decoded.refused, *unfit]
    if every:
        RefusedRecord.objects.bulk_create(
            [
                RefusedRecord(
                    door=door,
                    key=key,
                    user_agent=user_agent[:200],
                    reason=refused.reason,
                    raw=_raw(refused),
                )
                for refused in every
            ],
            batch_size=100,
        )
    return Taken(runs, len(decoded.records) - len(unfit), every)


def _raw(refused: Refused) -> str:
    try:
        text = orjson.dumps(refused.raw, default=str).decode()
    except (TypeError, ValueError, RecursionError):
        text = "(cannot be shown as JSON)"
    return text[:RAW_LIMIT].replace("\\u0000", "")
