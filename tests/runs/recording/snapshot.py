"""Everything that recording stored, as plain data to compare: all columns of all rows but the
moment of arrival and numbers that the database gives out."""

from typing import Any

from nodes.models import NodeExecution, Payload
from runs.models import App, Conversation, Run, RunSource, Version


def snapshot() -> dict[str, list[dict[str, Any]]]:
    return {
        "runs": _rows(Run, "last_seen_at", "version_id"),
        "versions of runs": sorted(map(str, Run.objects.values_list("id", "version__label"))),
        "executions": _rows(NodeExecution),
        "payloads": _rows(Payload),
        # Former ids tell in which order things arrived, so that old links go on working.
        "sources": [row for row in _rows(RunSource, "id") if row["kind"] != "former"],
        "conversations": _rows(Conversation),
        "versions": _rows(Version, "id", "number", "created_at"),
        "apps": _rows(App, "id", "created_at"),
    }


def _rows(model: Any, *without: str) -> list[dict[str, Any]]:
    rows = [
        {name: bytes(v) if isinstance(v, memoryview) else v for name, v in row.items()}
        for row in model.objects.values()
    ]
    for row in rows:
        for name in without:
            del row[name]
    return sorted(rows, key=repr)
