"""The log that an agent or a tool keeps of its work, as steps below it. Dify sends it live
(`agent_log`) and again, as a list, with the node's metadata. Pure.

An entry: `message_id` (or `id`), `node_execution_id`, `parent_id`, `label`, `status` (start,
success, error), `error`, `data`, `metadata` {elapsed_time, started_at (a clock of the process's
own, in seconds), provider, total_tokens, …}.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from runs.recording.decoding.dify.vocabulary import duration_us, text_or_none, usage_of
from runs.recording.records.json_text import object_or_empty
from runs.recording.records.record import NodeRecord

STATUSES = {"start": "running", "success": "succeeded", "error": "failed"}
MAX_ID = 128


def log_entries(metadata: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the list in a node's execution metadata; [] for the newer agent node, which keeps an
    object there."""
    log = metadata.get("agent_log")
    return [entry for entry in log if isinstance(entry, dict)] if isinstance(log, list) else []


def entry_id(entry: dict[str, Any]) -> str | None:
    value = entry.get("message_id") or entry.get("id")
    return value if isinstance(value, str) and 0 < len(value) <= MAX_ID else None


def log_steps(
    entries: Iterable[dict[str, Any]],
    node_id: str,
    trace: str,
    service: str,
    node_started_us: int | None,
    rank: Mapping[str, int],
) -> list[NodeRecord]:
    """Return a record for each entry that has an id; `node_id` is the execution id of their node.
    Only the node's own start is known as a timestamp: the entries say how much later than each
    other they began. `rank` is that of the times (`NodeRecord.rank`)."""
    records, first_us = [], None
    named = [entry for entry in entries if entry_id(entry) is not None]
    for number, entry in enumerate(named, 1):
        record = entry_record(entry, trace, service, node_id, node_id)
        process_us = process_time_us(entry)
        first_us = process_us if first_us is None else first_us
        if node_started_us is not None:
            later = max(0, process_us - first_us) if process_us is not None and first_us else 0
            record.started_us = node_started_us + later + number
            length = length_us(entry)
            record.ended_us = None if length is None else record.started_us + length
        record.rank = {**rank, **record.rank}
        records.append(record)
    return records


def process_time_us(entry: dict[str, Any]) -> int | None:
    """Return when an entry began, by a clock of the process's own."""
    return duration_us(object_or_empty(entry.get("metadata")).get("started_at"))


def length_us(entry: dict[str, Any]) -> int | None:
    """Return how long an entry took; None while it is at work."""
    if _status_of(entry) not in ("succeeded", "failed"):
        return None
    return duration_us(object_or_empty(entry.get("metadata")).get("elapsed_time")) or 0


def _status_of(entry: dict[str, Any]) -> str | None:
    return STATUSES.get(str(entry.get("status")))


def entry_record(
    entry: dict[str, Any],
    trace: str,
    service: str,
    node: str,
    parent_source_id: str | None,
    **fields: Any,
) -> NodeRecord:
    """Return an entry that has an id as a step. `node` is the id of the execution whose log it is
    in, or of its node in the graph; `parent_source_id` what it stands below where it names no other
    entry."""
    metadata, data = object_or_empty(entry.get("metadata")), entry.get("data")
    label = text_or_none(entry.get("label")) or "log"
    usage, cost = usage_of(metadata)
    # An entry is sent when it begins and when it ends: the end knows more.
    rank = {"outputs": 1, "received": 1} if length_us(entry) is not None else {}
    known: dict[str, Any] = {"rank": {}} | fields
    return NodeRecord(
        trace=trace,
        source_id=entry_id(entry) or "",
        service=service,
        title=label,
        kind=_kind_from_label(label),
        parent_source_id=text_or_none(entry.get("parent_id")) or parent_source_id,
        in_log=node,
        status=_status_of(entry),
        outputs=data if data not in (None, {}) else None,
        error=text_or_none(entry.get("error")),
        provider=text_or_none(metadata.get("provider")),
        usage=usage,
        cost=cost,
        received={"attributes": metadata, "scope": "dify agent_log"} if metadata else None,
        **(known | {"rank": known["rank"] | rank}),
    )


def _kind_from_label(label: str) -> str:
    """Return the kind of an entry. Dify's strategies name what they do: "CALL search",
    "gpt-4o Thought", "ROUND 1"."""
    if label.startswith("CALL "):
        return "tool"
    return "llm" if label.endswith(" Thought") else "task"
