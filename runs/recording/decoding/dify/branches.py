"""Which branch a node of Dify's chose, by the name that its graph gives it. Pure.

Everything that reads a run asks here, so that a branch has one name whichever way the run came:
IF, ELIF 1, ELSE, the name of a class, the title of an action, Error. A node says by which handle
the graph's edges leave it. The conditions that an if-else tried end with the one that held: that
many came before it. Where the values leave the name open, the handle stands for it.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from runs.recording.decoding.dify.graphs import ERROR_BRANCHES, branch_label
from runs.recording.decoding.dify.vocabulary import text_or_none
from runs.recording.records.json_text import object_or_empty

FAIL_BRANCH = "fail-branch"
# Handles by which a node is left that does not branch.
PLAIN_HANDLES = frozenset({"", "source", "success-branch"})


class ChosenBranch(NamedTuple):
    """The handle by which a step was left ("" for none), what the branch is called (None: it is no
    branch), and the rank of that name: below 0 where it is the handle itself."""

    handle: str = ""
    name: str | None = None
    rank: int = 0


def branch_of(
    kind: str, outputs: Any, process_data: Any = None, metadata: Any = None
) -> ChosenBranch:
    """Return the branch that a step chose; `metadata` is that of its execution."""
    outputs = object_or_empty(outputs)
    handle = _handle(kind, outputs, object_or_empty(metadata))
    if handle in PLAIN_HANDLES:
        return ChosenBranch(handle)
    name = _name(kind, handle, outputs, object_or_empty(process_data))
    if name is None:
        return ChosenBranch(handle, branch_label(handle), -1)
    return ChosenBranch(handle, branch_label(name))


def _handle(kind: str, outputs: Mapping[str, Any], metadata: Mapping[str, Any]) -> str:
    if metadata.get("error_strategy") == FAIL_BRANCH:
        return FAIL_BRANCH
    if kind == "if-else":
        chosen = outputs.get("selected_case_id")
        if chosen is None and isinstance(outputs.get("result"), bool):
            chosen = str(outputs["result"]).lower()
        return str(chosen or "")
    if kind == "question-classifier":
        return str(outputs.get("class_id") or outputs.get("class_name") or "")
    if kind == "agent":
        # An agent with output routes (1.18 and later) names the one it took.
        route = outputs.get("switch")
        return route if isinstance(route, str) else ""
    if kind == "human-input":
        return str(outputs.get("__action_id") or outputs.get("action_id") or "")
    return ""


def _name(
    kind: str, handle: str, outputs: Mapping[str, Any], process_data: Mapping[str, Any]
) -> str | None:
    if handle == FAIL_BRANCH:
        return ERROR_BRANCHES[FAIL_BRANCH]
    if kind == "if-else":
        if handle in ("true", "false"):
            return {"true": "IF", "false": "ELSE"}[handle]
        tried = process_data.get("condition_results")
        number = len(tried) - 1 if isinstance(tried, list) else -1
        return None if number < 0 else f"ELIF {number}" if number else "IF"
    if kind == "question-classifier":
        return text_or_none(outputs.get("class_name"))
    names = ("__action_value", "action_text", "action_value")
    return next((text for name in names if (text := text_or_none(outputs.get(name)))), None)
