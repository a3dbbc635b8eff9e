"""Everything that recording stored, as plain data to compare: all columns of all rows except times
of arrival and numbers that the database assigns."""

from typing import Any

from nodes.models import NodeExecution, Payload
from runs.models import App, Conversation, Run, RunSource, SpanLink, Version


def snapshot() -> dict[str, list[dict[str, Any]]]:
    """Return the rows of every table that recording writes, in an order that does not depend on
    ids."""
    return {
        "runs": _rows_without(Run, "last_seen_at", "version_id"),
        "versions of runs": sorted(map(str, Run.objects.values_list("id", "version__label"))),
        "executions": _rows_without(NodeExecution),
        "payloads": _rows_without(Payload),
        # Former ids, which keep old links working, depend on the order of arrival.
        "sources": [row for row in _rows_without(RunSource, "id") if row["kind"] != "former"],
        "span links": _rows_without(SpanLink, "id"),
        "conversations": _rows_without(Conversation),
        "versions": _rows_without(Version, "id", "number", "created_at"),
        "apps": _rows_without(App, "id", "created_at"),
    }


def _rows_without(model: Any, *without: str) -> list[dict[str, Any]]:
    rows = [
        {name: bytes(v) if isinstance(v, memoryview) else v for name, v in row.items()}
        for row in model.objects.values()
    ]
    for row in rows:
        for name in without:
            del row[name]
    return sorted(rows, key=repr)
