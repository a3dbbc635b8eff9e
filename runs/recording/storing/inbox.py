"""Writes the inbox: one row for each request to an endpoint for producers, and every refused record
as a request that can be replayed. Both are bounded; the oldest are deleted."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import DatabaseError, models

from nodes.compression import pack, unpack
from runs.models import App, IngestKey, ReceivedRequest, RefusedRecord
from runs.recording.records.payload_values import clean
from runs.recording.records.record import Refused

log = logging.getLogger(__name__)

RAW_LIMIT = 64_000  # characters of a refused record that are shown
BODY_LIMIT = 1_000_000  # packed bytes that are kept for a replay
TRIM_EVERY = 200
RUNS_LISTED = 10


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sent records: to which path, with which key, from which program, in which content
    type."""

    path: str
    key: IngestKey | None = None
    user_agent: str = ""
    content_type: str = ""

    @property
    def app(self) -> App | None:
        """Return the app that the key is bound to."""
        return self.key.app if self.key is not None else None

    @property
    def scope(self) -> int:
        """Return the scope as of RunSource: what a bound key sends can never touch another app's
        run."""
        return self.app.pk if self.app else 0


def record_request(sender: Sender, error: str = "", **columns: Any) -> ReceivedRequest | None:
    """Write a request down; `error` is the sentence that was answered. Never raises: a request that
    cannot be written down is None, and a line in the log."""
    try:
        row = ReceivedRequest.objects.create(
            door=clean(sender.path, 200),
            key=sender.key,
            user_agent=clean(sender.user_agent, 200),
            content_type=clean(sender.content_type, 100),
            error=clean(error),
            **columns,
        )
        if row.pk % TRIM_EVERY == 0:
            _trim(ReceivedRequest.objects.all(), settings.WAYLOG_INBOX_REQUESTS)
        return row
    except DatabaseError:
        log.warning("A request to %s could not be noted in the inbox.", sender.path, exc_info=True)
        return None


def keep_refused(records: Sequence[tuple[Refused, bytes]], sender: Sender) -> list[int]:
    """Keep refused records, each with the request that replays it; returns their ids. One that a
    client sent again, and that nobody has replayed since, is kept once."""
    rows = [_refused_row(*record, sender) for record in records[: settings.WAYLOG_INBOX_REFUSED]]
    if not rows:
        return []
    fresh = {(row.reason, bytes(row.body or b"")): row for row in rows}
    alike = RefusedRecord.objects.open().filter(
        door=rows[0].door, body__in={body for _, body in fresh if body}
    )
    known = {
        (reason, bytes(body or b"")): id_
        for id_, reason, body in alike.values_list("id", "reason", "body")
    }
    kept = [known[name] for name in fresh if name in known]
    new = [row for name, row in fresh.items() if name not in known]
    made = RefusedRecord.objects.bulk_create(new, batch_size=100)
    if any(row.pk % TRIM_EVERY == 0 for row in made):
        _trim(RefusedRecord.objects.all(), settings.WAYLOG_INBOX_REFUSED)
    return [*kept, *(row.pk for row in made)]


def link_refused(kept: Sequence[int], request: ReceivedRequest) -> None:
    """Set the request that refused records came in."""
    try:
        RefusedRecord.objects.filter(pk__in=kept).update(request=request)
    except DatabaseError:
        log.warning("Refused records could not be linked to their request.", exc_info=True)


def replay_body(record: RefusedRecord) -> bytes:
    """Return the body that replays a record, unpacked."""
    packed = bytes(record.body or b"")
    return unpack(packed[1:]) if packed[:1] == b"\1" else packed[1:]


def _refused_row(refused: Refused, body: bytes, sender: Sender) -> RefusedRecord:
    compressed, packed = pack(body)
    return RefusedRecord(
        door=clean(sender.path, 200),
        key=sender.key,
        user_agent=clean(sender.user_agent, 200),
        reason=clean(refused.reason),
        raw=_raw_text(refused),
        content_type=clean(sender.content_type, 100),
        body=bytes([compressed]) + packed if body and len(packed) < BODY_LIMIT else None,
    )


def _raw_text(refused: Refused) -> str:
    raw = refused.raw
    if isinstance(raw, dict) and list(raw) == ["json"]:
        return clean(str(raw["json"]))[:RAW_LIMIT]
    try:
        text = json.dumps(raw, ensure_ascii=False, default=str)
    except RecursionError:
        text = "(nested too deep to be shown)"
    return clean(text)[:RAW_LIMIT]


def _trim(rows: models.QuerySet[Any], limit: int) -> None:
    """Drop all but the newest `limit`; without counting them."""
    last = rows.order_by("-pk").values_list("pk", flat=True)[limit : limit + 1].first()
    if last is not None:
        rows.filter(pk__lte=last).delete()
