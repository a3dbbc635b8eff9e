"""The logs of a step, for its panel and its JSON.

Recording keeps them in the step's hints: `logs`, a list of texts that sort by time, each of 20
digits of nanoseconds, one sign and the id of a payload {"name", "severity", "body", "attributes",
"scope"}; and `logs_cut`, where there were more.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from nodes.clock import from_us
from nodes.content.json_tree import TreeMark, tree_marks
from nodes.content.limits import MAX_NAME, MAX_TEXT
from nodes.formats import visible
from nodes.models import NodeExecution, Payload

MAX_LINES = 50  # in a panel
MAX_MARKS = 24  # of what a log has beside its text
DIGITS = 20


@dataclass(frozen=True, slots=True)
class LogLine:
    """One log: its text, and as `marks` its attributes, scope and structured body."""

    at: datetime | None
    severity: str
    text: str
    marks: list[TreeMark]


@dataclass(frozen=True, slots=True)
class StepLogs:
    """The earliest logs of a step.

    `kept` logs are stored, of which `left_out` are not in `lines`. Where `cut`, more had been sent
    than are stored.
    """

    lines: list[LogLine] = field(default_factory=list)
    kept: int = 0
    cut: bool = False

    @property
    def left_out(self) -> int:
        return self.kept - len(self.lines)


def step_logs(execution: NodeExecution) -> StepLogs:
    """Return the logs for the panel of a step. Takes one query, none where there are no logs."""
    hints = _log_hints(execution)
    entries = hints.get("logs") or []
    lines = [_log_line(*log) for log in _loaded_logs(entries[:MAX_LINES])]
    return StepLogs(lines, len(entries), bool(hints.get("logs_cut")))


def step_logs_json(execution: NodeExecution) -> list[dict[str, Any]]:
    """Return all stored logs of a step in the order of their times, each with `time_us`."""
    return [
        {"time_us": time_us, **value}
        for time_us, value in _loaded_logs(_log_hints(execution).get("logs") or [])
    ]


def _log_hints(execution: NodeExecution) -> dict[str, Any]:
    if '"logs"' not in execution.hints:
        return {}
    hints: dict[str, Any] = orjson.loads(execution.hints)
    return hints


def _loaded_logs(entries: list[str]) -> Iterator[tuple[int | None, dict[str, Any]]]:
    ids = [entry[DIGITS + 1 :] for entry in entries]
    payloads = Payload.objects.in_bulk([UUID(id_) for id_ in ids]) if ids else {}
    for entry, id_ in zip(entries, ids, strict=True):
        payload = payloads.get(UUID(id_))
        value = payload.value if payload is not None else None
        if isinstance(value, dict):
            yield int(entry[:DIGITS]) // 1000 or None, value


def _log_line(time_us: int | None, value: dict[str, Any]) -> LogLine:
    body, name = value.get("body"), str(value.get("name") or "")
    text = body if isinstance(body, str) else ""
    rest = {key: value[key] for key in ("attributes", "scope") if value.get(key)}
    if name and text and name != text:
        rest["name"] = name
    if body is not None and not isinstance(body, str):
        rest = {"body": body, **rest}
    return LogLine(
        from_us(time_us),
        visible(str(value.get("severity") or "")[:MAX_NAME]),
        visible((text or name or "log")[:MAX_TEXT]) + ("…" if len(text) > MAX_TEXT else ""),
        tree_marks(rest, MAX_MARKS) if rest else [],
    )
