"""The log that an agent or a tool keeps of its work, as steps below it. Dify sends it live
(`agent_log`) and again, as a list, with the node's metadata. Pure.

An entry: `message_id` (or `id`), `node_execution_id`, `parent_id`, `label`, `status` (start,
success, error), `error`, `data`, `metadata` {elapsed_time, started_at (a clock of the process's
own, in seconds), provider, total_tokens, …}.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from runs.recording.decoding.dify.vocabulary import duration_us, text_or_none, usage_of
from runs.recording.records.json_text import object_or_empty
from runs.recording.records.record import NodeRecord

STATUSES = {"start": "running", "success": "succeeded", "error": "failed"}
MAX_ID = 128


@dataclass(slots=True)
class AgentLogClock:
    """When the entries of one node began: only the node's own start is known as a timestamp; the
    entries say how much later than each other they began. `order` numbers them as they came.
    `rank` is that of their times (`NodeRecord.rank`)."""

    node_started_us: int | None = None
    first_us: int | None = None  # `started_at` of the first entry
    order: dict[str, int] = field(default_factory=dict)
    rank: Mapping[str, int] = field(default_factory=dict)

    def start_us(self, entry_id: str, started_at: Any) -> int | None:
        """Return when an entry began; `started_at` is in seconds of the process's own clock."""
        number = self.order.setdefault(entry_id, len(self.order) + 1)
        process_us = duration_us(started_at)
        if process_us is not None and self.first_us is None:
            self.first_us = process_us
        if self.node_started_us is None:
            return None
        elapsed = 0
        if process_us is not None and self.first_us is not None:
            elapsed = max(0, process_us - self.first_us)
        return self.node_started_us + elapsed + number


def log_entries(metadata: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the list in a node's execution metadata; [] for the newer agent node, which keeps an
    object there."""
    log = metadata.get("agent_log")
    return [entry for entry in log if isinstance(entry, dict)] if isinstance(log, list) else []


def entry_id(entry: dict[str, Any]) -> str | None:
    value = entry.get("message_id") or entry.get("id")
    return value if isinstance(value, str) and 0 < len(value) <= MAX_ID else None


def log_steps(
    entries: Iterable[dict[str, Any]], node_id: str, trace: str, service: str, clock: AgentLogClock
) -> list[NodeRecord]:
    """Return a record for each entry that has an id; `node_id` is the execution id of their
    node."""
    return [
        _entry_record(entry, source_id, node_id, trace, service, clock)
        for entry in entries
        if (source_id := entry_id(entry))
    ]


def _entry_record(
    entry: dict[str, Any],
    source_id: str,
    node_id: str,
    trace: str,
    service: str,
    clock: AgentLogClock,
) -> NodeRecord:
    metadata = object_or_empty(entry.get("metadata"))
    label = text_or_none(entry.get("label")) or "log"
    status = STATUSES.get(str(entry.get("status")))
    started = clock.start_us(source_id, metadata.get("started_at"))
    has_ended = status in ("succeeded", "failed")
    ended = None
    if started is not None and has_ended:
        ended = started + (duration_us(metadata.get("elapsed_time")) or 0)
    usage, cost = usage_of(metadata)
    data = entry.get("data")
    return NodeRecord(
        trace=trace,
        source_id=source_id,
        service=service,
        title=label,
        kind=_kind_from_label(label),
        parent_source_id=text_or_none(entry.get("parent_id")) or node_id,
        in_log=node_id,
        status=status,
        started_us=started,
        ended_us=ended,
        outputs=data if data not in (None, {}) else None,
        error=text_or_none(entry.get("error")),
        provider=text_or_none(metadata.get("provider")),
        usage=usage,
        cost=cost,
        received={"attributes": metadata, "scope": "dify agent_log"} if metadata else None,
        # An entry is sent when it begins and when it ends: the end knows more.
        rank={**clock.rank} | ({"outputs": 1, "received": 1} if has_ended else {}),
    )


def _kind_from_label(label: str) -> str:
    """Return the kind of an entry. Dify's strategies name what they do: "CALL search",
    "gpt-4o Thought", "ROUND 1"."""
    if label.startswith("CALL "):
        return "tool"
    return "llm" if label.endswith(" Thought") else "task"
