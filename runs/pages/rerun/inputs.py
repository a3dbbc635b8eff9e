"""What a run was asked with, as it can be asked again. Pure.

Dify flattens system variables into a workflow's inputs (`sys.query`, `sys.files`, `sys.workflow_id`
…); what is asked anew holds the user's own, and the query and files in their own places. A file in
recorded values is an object with `dify_model_identity` and `related_id`, or (lately)
`reference`; the API wants it named by its upload, its tool file or its address, and takes either of
the two as such a name.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

SYSTEM = "sys."
FILE = "__dify__file__"
_ID = re.compile(r"[\w-]{1,64}", re.ASCII)  # it becomes a part of an address
NAMED_BY = {
    "local_file": "upload_file_id",
    "tool_file": "tool_file_id",
    "datasource_file": "datasource_file_id",
}


@dataclass(frozen=True, slots=True)
class Told:
    """The recorded inputs of a run: an object's fields, or any other value as `whole`."""

    inputs: dict[str, Any] = field(default_factory=dict)
    whole: Any = None
    query: str | None = None
    files: list[Any] = field(default_factory=list)
    workflow: str = ""  # Dify's id of the version that ran


def told_of(value: Any, in_chat: bool) -> Told:
    """What `value`, a run's recorded inputs, tells; `in_chat`: a plain text is the user's query."""
    if isinstance(value, str) and in_chat:
        return Told(query=value)
    if not isinstance(value, dict):
        return Told(whole=value)
    inputs = {name: one for name, one in value.items() if not name.startswith(SYSTEM)}
    query, files = value.get("sys.query"), value.get("sys.files")
    workflow = value.get("sys.workflow_id")
    if query is None and in_chat and isinstance(inputs.get("query"), str):
        query = inputs.pop("query")
    return Told(
        inputs=inputs,
        query=query if isinstance(query, str) else None,
        files=files if isinstance(files, list) else [],
        workflow=workflow if isinstance(workflow, str) and _ID.fullmatch(workflow) else "",
    )


def dify_path(in_chat: bool, kinds: Collection[str], workflow: str = "") -> str:
    """Below Dify's API; `kinds` of ids that the run has. `workflow`: of this version."""
    if in_chat:
        return "chat-messages"
    if "dify-message" in kinds and "dify-run" not in kinds:
        return "completion-messages"
    return f"workflows/{workflow}/run" if workflow else "workflows/run"


def stop_path(in_chat: bool, ids: Mapping[str, str]) -> str:
    """Where a run is stopped, below Dify's API; "" while its task is not known. `ids` by kind."""
    if "dify-task" not in ids:
        return ""
    if in_chat:
        return f"chat-messages/{ids['dify-task']}/stop"
    place = "workflows/tasks" if "dify-run" in ids else "completion-messages"
    return f"{place}/{ids['dify-task']}/stop"


def for_dify(value: Any) -> Any:
    """A recorded value as Dify's API takes it: files by what names them there."""
    if isinstance(value, list):
        return [for_dify(one) for one in value]
    if not isinstance(value, dict):
        return value
    if value.get("dify_model_identity") != FILE:
        return {name: for_dify(one) for name, one in value.items()}
    method = str(value.get("transfer_method") or "")
    asked = {"type": value.get("type") or "custom", "transfer_method": method}
    name = NAMED_BY.get(method, "upload_file_id")
    stored = value.get("related_id") or value.get("reference") or value.get(name)
    if method not in NAMED_BY:
        asked["url"] = value.get("remote_url") or value.get("url")
    if stored or method in NAMED_BY:
        # Also of a file that was given by its address: one that Dify signed ends within minutes.
        asked[name] = stored
    return asked
