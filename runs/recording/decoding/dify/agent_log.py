"""What an agent or a tool logs of its work, as steps below it. Dify tells it live (`agent_log`) and
again, as a list, with the node's metadata. Pure.

An entry: `message_id` (or `id`), `node_execution_id`, `parent_id`, `label`, `status` (start,
success, error), `error`, `data`, `metadata` {elapsed_time, started_at (a clock of the process's
own, in seconds), provider, total_tokens, …}.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from runs.recording.decoding.dify.vocabulary import duration_us, mapping, text, usage_of
from runs.recording.records.record import NodeRecord

STATUSES = {"start": "running", "success": "succeeded", "error": "failed"}
MAX_ID = 128


@dataclass(slots=True)
class Clock:
    """When the entries of one node began: only the node's own start is known as a moment, the
    entries tell how much later than each other they began. `places` keeps their order."""

    node_started_us: int | None = None
    base_us: int | None = None
    places: dict[str, int] = field(default_factory=dict)

    def begin(self, entry_id: str, started_at: Any) -> int | None:
        place = self.places.setdefault(entry_id, len(self.places) + 1)
        told = duration_us(started_at)
        if told is not None and self.base_us is None:
            self.base_us = told
        if self.node_started_us is None:
            return None
        after = max(0, told - self.base_us) if told is not None and self.base_us is not None else 0
        return self.node_started_us + after + place


def entries_of(metadata: dict[str, Any]) -> list[dict[str, Any]]:
    """The list in a node's execution metadata; of the newer agent node, which keeps an object,
    nothing."""
    told = metadata.get("agent_log")
    return [entry for entry in told if isinstance(entry, dict)] if isinstance(told, list) else []


def entry_id(entry: dict[str, Any]) -> str | None:
    found = entry.get("message_id") or entry.get("id")
    return found if isinstance(found, str) and 0 < len(found) <= MAX_ID else None


def steps(
    entries: Iterable[dict[str, Any]], node_id: str, trace: str, service: str, clock: Clock
) -> list[NodeRecord]:
    """A record for each entry that has an id; `node_id` is the execution id of their node."""
    return [
        _step(entry, own, node_id, trace, service, clock)
        for entry in entries
        if (own := entry_id(entry))
    ]


def _step(
    entry: dict[str, Any], own: str, node_id: str, trace: str, service: str, clock: Clock
) -> NodeRecord:
    metadata = mapping(entry.get("metadata"))
    label = text(entry.get("label")) or "log"
    status = STATUSES.get(str(entry.get("status")))
    started = clock.begin(own, metadata.get("started_at"))
    ended = None
    if started is not None and status in ("succeeded", "failed"):
        ended = started + (duration_us(metadata.get("elapsed_time")) or 0)
    usage, cost = usage_of(metadata)
    data = entry.get("data")
    return NodeRecord(
        trace=trace,
        source_id=own,
        service=service,
        title=label,
        kind=_kind(label),
        parent_source_id=text(entry.get("parent_id")) or node_id,
        status=status,
        started_us=started,
        ended_us=ended,
        outputs=data if data not in (None, {}) else None,
        error=text(entry.get("error")),
        provider=text(metadata.get("provider")),
        usage=usage,
        cost=cost,
        received={"attributes": metadata, "scope": "dify agent_log"} if metadata else None,
        # An entry is told when it begins and when it ends: the end knows more.
        rank={"outputs": 1, "received": 1} if status in ("succeeded", "failed") else {},
    )


def _kind(label: str) -> str:
    """Dify's strategies name what they do: "CALL search", "gpt-4o Thought", "ROUND 1"."""
    if label.startswith("CALL "):
        return "tool"
    return "llm" if label.endswith(" Thought") else "task"
