"""The checkpoint of an import: how far it has come, and what may still change before that point.
Pure.

Rows appear in about the order of `created_at`: a transaction that took longer shows earlier rows
later. And a run that was seen at work changes until it has ended, and its steps may be written a
little after it. So each import begins a little before the point that the last one reached, and
looks again at what had not ended; what has not changed since (`mark`) is not read again.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

OVERLAP = timedelta(minutes=10)
# Longer than any run is at work; one that waits for somebody may take as long.
MAX_RUN_AGE = timedelta(days=30)
MAX_KNOWN = 2_000
FIRST_ID = "00000000-0000-0000-0000-000000000000"

# `created_at` and id: a point in the order in which a table is read.
RowKey = tuple[datetime, str]


@dataclass(frozen=True, slots=True)
class RowHead:
    """A row before it is read: its key, a `mark` that changes whenever the row does, and whether it
    still may change (`open`)."""

    created: datetime
    id: str
    mark: str
    open: bool

    @property
    def key(self) -> RowKey:
        return self.created, self.id


@dataclass(slots=True)
class Checkpoint:
    """`reached`: the key of the last row that was read; `known`: heads near it, and those that were
    open, by id."""

    reached: RowKey | None = None
    known: dict[str, RowHead] = field(default_factory=dict)

    @property
    def start(self) -> RowKey | None:
        """Return where the next import begins."""
        if self.reached is None:
            return None
        return self.reached[0] - OVERLAP, FIRST_ID

    def unread(self, heads: Iterable[RowHead]) -> list[RowHead]:
        """Return those that are new or have changed."""
        return [h for h in heads if h.id not in self.known or self.known[h.id].mark != h.mark]

    def mark_read(self, heads: Iterable[RowHead]) -> None:
        for head in heads:
            self.known[head.id] = head
            self.reached = max(self.reached or head.key, head.key)
        if self.reached is None:
            return
        overlap_start = self.reached[0] - OVERLAP
        kept = [
            head
            for head in self.known.values()
            if head.created >= overlap_start
            or (head.open and head.created >= overlap_start - MAX_RUN_AGE)
        ]
        kept.sort(key=lambda head: head.key)
        self.known = {head.id: head for head in kept[-MAX_KNOWN:]}

    def forget(self, ids: Iterable[str]) -> None:
        """Forget rows that are gone: Dify's clean-up took them."""
        for id_ in ids:
            self.known.pop(id_, None)

    def open_ids(self) -> list[str]:
        return [head.id for head in self.known.values() if head.open]

    def as_json(self) -> dict[str, Any]:
        reached = [self.reached[0].isoformat(), self.reached[1]] if self.reached else None
        known = [[h.created.isoformat(), h.id, h.mark, h.open] for h in self.known.values()]
        return {"reached": reached, "known": known}

    @classmethod
    def from_json(cls, stored: Any) -> "Checkpoint":
        """Return what `as_json` stored; anything else begins anew."""
        try:
            key = stored["reached"]
            reached = (datetime.fromisoformat(key[0]), str(key[1])) if key else None
            heads = [
                RowHead(datetime.fromisoformat(created), str(id_), str(mark), bool(is_open))
                for created, id_, mark, is_open in stored["known"]
            ]
        except (KeyError, TypeError, ValueError):
            return cls()
        return cls(reached, {head.id: head for head in heads})
