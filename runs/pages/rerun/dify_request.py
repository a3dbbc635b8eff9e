"""Builds requests to Dify's API that run an app or stop a run. Pure.

A file in recorded values is an object with `dify_model_identity` and `related_id`, or (lately)
`reference`; the API wants it named by its upload, its tool file or its address, and takes either of
the two as such a name.
"""

from collections.abc import Collection, Mapping
from typing import Any

FILE_IDENTITY = "__dify__file__"
# Transfer method → the field that names the file.
ID_FIELDS = {
    "local_file": "upload_file_id",
    "tool_file": "tool_file_id",
    "datasource_file": "datasource_file_id",
}


def run_path(in_chat: bool, kinds: Collection[str], workflow: str = "") -> str:
    """Return the path below Dify's API that runs the app of a run. `kinds` of ids that the run has;
    `workflow`: the version to run, "" for the published one."""
    if in_chat:
        return "chat-messages"
    if "dify-message" in kinds and "dify-run" not in kinds:
        return "completion-messages"
    return f"workflows/{workflow}/run" if workflow else "workflows/run"


def stop_path(in_chat: bool, ids: Mapping[str, str]) -> str:
    """Return the path below Dify's API that stops a run; "" while its task is not known. `ids` of
    the run by kind."""
    if "dify-task" not in ids:
        return ""
    if in_chat:
        return f"chat-messages/{ids['dify-task']}/stop"
    tasks = "workflows/tasks" if "dify-run" in ids else "completion-messages"
    return f"{tasks}/{ids['dify-task']}/stop"


def value_for_dify(value: Any) -> Any:
    """Return a recorded value as Dify's API takes it: files by what names them there."""
    if isinstance(value, list):
        return [value_for_dify(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("dify_model_identity") != FILE_IDENTITY:
        return {name: value_for_dify(inner) for name, inner in value.items()}
    method = str(value.get("transfer_method") or "")
    file = {"type": value.get("type") or "custom", "transfer_method": method}
    id_field = ID_FIELDS.get(method, "upload_file_id")
    stored_as = value.get("related_id") or value.get("reference") or value.get(id_field)
    if method not in ID_FIELDS:
        file["url"] = value.get("remote_url") or value.get("url")
    if stored_as or method in ID_FIELDS:
        # Also of a file that was sent by its address: one that Dify signed ends within minutes.
        file[id_field] = stored_as
    return file
