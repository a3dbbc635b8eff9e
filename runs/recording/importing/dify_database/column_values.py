"""Values of Dify's columns as records hold them, and how they rank beside other sources. Pure.

Facts: times are `timestamp without time zone` in UTC; JSON is text with ASCII escapes.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from nodes.clock import to_us
from runs.recording.records.json_text import readable
from runs.recording.records.record import RANKED

# A row of a Dify table: column → value, None where the column does not exist in this version.
TableRow = Mapping[str, Any]

RUN_ENDS = frozenset({"succeeded", "partial-succeeded", "failed", "stopped"})

# The database is what the engine itself wrote: where several sources send a field in different
# words, its own are kept (see NodeRecord.rank).
NEAREST: Mapping[str, int] = {**dict.fromkeys(RANKED, 2), "taken": 2}
# Values of a step that is still at work: any later value beats them.
UNFINISHED: Mapping[str, int] = {
    name: rank
    for name, rank in NEAREST.items()
    if name not in ("inputs", "outputs", "process_data", "error", "ended_us")
}
# A value that Dify cut: a source that sent the whole beats it.
CUT = -1
DIALECT = "dify-database"


def column_us(value: Any) -> int | None:
    """Return a timestamp as microseconds since the epoch."""
    if not isinstance(value, datetime):
        return None
    return to_us(value.replace(tzinfo=UTC) if value.tzinfo is None else value)


def json_value(text: Any) -> Any:
    """Return the value of a JSON column; broken JSON stays text. None for nothing."""
    if text is None or text == "" or text == "null":
        return None
    return readable(text, is_json=True) if isinstance(text, str) else text


def json_object(text: Any) -> dict[str, Any]:
    """Return the JSON object of a column; {} for anything else."""
    value = json_value(text)
    return value if isinstance(value, dict) else {}
