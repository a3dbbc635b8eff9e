"""How far an import has come, and what may still change behind that place. Pure.

Rows appear in about the order of `created_at`: a transaction that took longer shows earlier rows
later. And a run that was seen at work changes until it has ended, and its steps may be written a
little after it. So each pass begins a little before the place that the last one reached, and looks
again at what had not ended; what has not changed since (`mark`) is not read again.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

OVERLAP = timedelta(minutes=10)
# Longer than any run is at work; one that waits for somebody may take as long.
PATIENCE = timedelta(days=30)
MOST = 2_000

Key = tuple[datetime, str]


@dataclass(frozen=True, slots=True)
class Head:
    """A row before it is read: its place, what changes with it, and whether it still may."""

    created: datetime
    id: str
    mark: str
    open: bool

    @property
    def key(self) -> Key:
        return self.created, self.id


@dataclass(slots=True)
class Trail:
    """`reached`: the last place; `known`: heads near it, and those that were open."""

    reached: Key | None = None
    known: dict[str, Head] = field(default_factory=dict)

    @property
    def start(self) -> Key | None:
        """Where the next pass begins."""
        if self.reached is None:
            return None
        return self.reached[0] - OVERLAP, "00000000-0000-0000-0000-000000000000"

    def news(self, heads: Iterable[Head]) -> list[Head]:
        """Those that are new or have changed."""
        return [h for h in heads if h.id not in self.known or self.known[h.id].mark != h.mark]

    def note(self, heads: Iterable[Head]) -> None:
        """These have been read."""
        for head in heads:
            self.known[head.id] = head
            self.reached = max(self.reached or head.key, head.key)
        if self.reached is None:
            return
        near = self.reached[0] - OVERLAP
        kept = [
            head
            for head in self.known.values()
            if head.created >= near or (head.open and head.created >= near - PATIENCE)
        ]
        kept.sort(key=lambda head: head.key)
        self.known = {head.id: head for head in kept[-MOST:]}

    def forget(self, ids: Iterable[str]) -> None:
        """These are gone: Dify's clean-up took them."""
        for id_ in ids:
            self.known.pop(id_, None)

    def open_ids(self) -> list[str]:
        return [head.id for head in self.known.values() if head.open]

    def as_json(self) -> dict[str, Any]:
        reached = [self.reached[0].isoformat(), self.reached[1]] if self.reached else None
        known = [[h.created.isoformat(), h.id, h.mark, h.open] for h in self.known.values()]
        return {"reached": reached, "known": known}

    @classmethod
    def of(cls, told: Any) -> "Trail":
        """As `as_json` kept it; anything else begins anew."""
        try:
            at = told["reached"]
            reached = (datetime.fromisoformat(at[0]), str(at[1])) if at else None
            heads = [
                Head(datetime.fromisoformat(created), str(id_), str(mark), bool(is_open))
                for created, id_, mark, is_open in told["known"]
            ]
        except (KeyError, TypeError, ValueError):
            return cls()
        return cls(reached, {head.id: head for head in heads})
