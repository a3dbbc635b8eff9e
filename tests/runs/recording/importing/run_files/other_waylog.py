"""What is stored, as another installation would store the same: without the numbers that a database
gives out, and what holds them (ids of payloads begin with day and app, ids of conversations and of
groups of errors follow from their app)."""

import io
import re
from typing import Any

import orjson

from nodes.models import NodeExecution, Payload
from runs.exports import ndjson
from runs.models import App, Conversation, ErrorGroup, Note, Run, RunSource, Version
from runs.recording.importing.run_files.reader import RunFileReport, import_file
from runs.recording.records.record import NodeRecord
from runs.recording.storing import inbox
from tests.conftest import CAPTURES

NAMES = sorted({path.name.rpartition("-")[0] for path in CAPTURES.glob("*-[0-9]*.bin")})
SENDER = inbox.Sender("import_runs")
LOG = re.compile(r"(\d{20}[!-])([0-9a-f]{32})")
VALUES = ("inputs_id", "outputs_id", "process_data_id", "resource_id")
TRACE = "0af7651916cd43dd8448eb211c80319c"
STEP = NodeRecord(
    TRACE, "b7ad6b7169203331", "shop", "Answer", "llm", status="succeeded",
    started_us=10**15, ended_us=10**15 + 5,
)  # fmt: skip


def stored() -> dict[str, Any]:
    """All rows of all runs, in no order that a database chose."""
    talks = dict(Conversation.objects.values_list("id", "source_id"))
    errors = ErrorGroup.objects.values_list("id", "node_id", "error_type", "message")
    groups = {id_: columns for id_, *columns in errors}
    labels = dict(Version.objects.values_list("id", "label"))
    apps = dict(App.objects.values_list("id", "name"))
    steps = [row | {"hints": _hints(row["hints"])} for row in _rows(NodeExecution, apps)]
    runs = _rows(Run, apps)
    # Without values that nothing leads to any more: another value came for the same step.
    used = {row[name] for row in (*steps, *runs) for name in VALUES if row.get(name)}
    used |= {log[21:] for row in steps for log in row["hints"].get("logs", ())}
    return {
        "runs": [
            row | {"conversation_id": talks.get(row["conversation_id"]),
                   "error_group_id": groups.get(row["error_group_id"]),
                   "version_id": labels.get(row["version_id"])}
            for row in runs
        ],
        "steps": steps,
        "payloads": [row for row in _rows(Payload, apps) if row["id"] in used],
        "sources": _rows(RunSource, apps, "id"),
        "conversations": _rows(Conversation, apps, "id"),
        "versions": _rows(Version, apps, "id"),
        "apps": _rows(App, apps, "id", "created_at"),
        "notes": _rows(Note, apps),
    }  # fmt: skip


def _rows(model: Any, apps: dict[int, str], *without: str) -> list[dict[str, Any]]:
    rows = []
    for row in model.objects.values():
        values = {name: _plain(value) for name, value in row.items() if name not in without}
        if "app_id" in values:
            values["app_id"] = apps[values["app_id"]]
        if values.get("scope"):
            values["scope"] = apps[values["scope"]]
        for name in VALUES:
            if values.get(name):
                values[name] = _place(values[name].hex)
        if model is Payload:
            values["id"] = _place(values["id"].hex)
        rows.append(values)
    return sorted(rows, key=lambda row: (str(row.get("id")), row.get("label", ""), repr(row)))


def _place(hex_id: str) -> str:
    """A payload's id without its app."""
    return hex_id[:4] + hex_id[10:]


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value


def _hints(text: str) -> Any:
    hints = orjson.loads(LOG.sub(lambda m: m[1] + _place(m[2]), text)) if text else {}
    return {name: hint for name, hint in hints.items() if hint != {}}  # a rank of nothing


def exported() -> bytes:
    return b"".join(ndjson.ndjson_lines(Run.objects.for_list().with_sources()))


def take(file: bytes, **more: Any) -> RunFileReport:
    return import_file(io.BytesIO(file), SENDER, **more)


def forget() -> None:
    """Another installation: the same tables, empty, with other numbers."""
    App.objects.all().delete()
    Note.objects.all().delete()
    App.objects.create(name="not in the file", slug="not-in-the-file").delete()
