"""Reads the recorded inputs with which a run can be run again. Pure.

Dify flattens system variables into a workflow's inputs (`sys.query`, `sys.files`, `sys.workflow_id`
…); the inputs of a rerun hold the user's own, and the query and files are in their own places.
"""

import re
from dataclasses import dataclass, field
from typing import Any

SYSTEM_PREFIX = "sys."
_ID = re.compile(r"[\w-]{1,64}", re.ASCII)  # it becomes a part of an address


@dataclass(frozen=True, slots=True)
class RecordedInputs:
    """The recorded inputs of a run: an object's fields, or any other value as `whole`."""

    inputs: dict[str, Any] = field(default_factory=dict)
    whole: Any = None
    query: str | None = None
    files: list[Any] = field(default_factory=list)
    workflow: str = ""  # Dify's id of the version that ran


def recorded_inputs_of(value: Any, in_chat: bool) -> RecordedInputs:
    """Return a run's recorded inputs (`value`) taken apart. `in_chat`: a plain text is the user's
    query."""
    if isinstance(value, str) and in_chat:
        return RecordedInputs(query=value)
    if not isinstance(value, dict):
        return RecordedInputs(whole=value)
    inputs = {name: inner for name, inner in value.items() if not name.startswith(SYSTEM_PREFIX)}
    query, files = value.get("sys.query"), value.get("sys.files")
    workflow = value.get("sys.workflow_id")
    if query is None and in_chat and isinstance(inputs.get("query"), str):
        query = inputs.pop("query")
    return RecordedInputs(
        inputs=inputs,
        query=query if isinstance(query, str) else None,
        files=files if isinstance(files, list) else [],
        workflow=workflow if isinstance(workflow, str) and _ID.fullmatch(workflow) else "",
    )
