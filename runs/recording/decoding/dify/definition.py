"""What an app of Dify's is made to do: its graph, features and declared variables. Pure.

The same from a DSL file and from the table `workflows`, so that equal content is seen to be equal.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from runs.recording.decoding.dify.graphs import DifyGraph, digest_of, storable
from runs.recording.records.json_text import deeper_than, readable
from runs.recording.records.payload_values import clean
from runs.redaction.secrets import is_secret_name, redact_settings, redact_text

MAX_VARIABLES = 1_000
# Features that are settings; the others are switches that count when they are on.
_TEXTS = ("opening_statement", "suggested_questions")


@dataclass(frozen=True, slots=True)
class Definition:
    """`behaviour` is what else decides what a run does; None where only the graph is known.
    `extras` (notes, plugins) tell nothing about what runs."""

    graph: DifyGraph
    behaviour: dict[str, Any] | None = None
    extras: dict[str, Any] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """32 hex digits of the graph, then, where it is known, 32 of the rest. Two definitions are
        the same if all that both tell is equal."""
        rest = "" if self.behaviour is None else digest_of(self.behaviour)
        return self.graph.digest + rest

    @property
    def configuration(self) -> dict[str, Any] | None:
        """What a version keeps beside its graph; None for nothing."""
        notes = {"notes": self.graph.notes} if self.graph.notes else {}
        return {**(self.behaviour or {}), **self.extras, **notes} or None


def same_content(one: str, other: str) -> bool:
    """Whether two digests (see `Definition.digest`) may be of the same content."""
    length = min(len(one), len(other))
    return length >= 32 and one[:length] == other[:length]


def behaviour_of(workflow: Mapping[str, Any]) -> dict[str, Any]:
    """Features and variables as the keys of a DSL's `workflow`, or columns of the table, tell."""
    features = _features(_json(workflow.get("features")))
    found = {
        "features": features,
        "environment_variables": _variables(workflow.get("environment_variables")),
        "conversation_variables": _variables(workflow.get("conversation_variables")),
    }
    return {name: value for name, value in found.items() if value}


def _features(told: Any) -> dict[str, Any]:
    found = {}
    for name, value in sorted(told.items()) if isinstance(told, dict) else ():
        on = isinstance(value, dict) and value.get("enabled")
        if on or (name in _TEXTS and value):
            found[str(name)] = storable(redact_settings(value, str(name)))
    return found


def _variables(told: Any) -> list[dict[str, Any]]:
    """Declared variables by name. A DSL has a list of them, the database an object by name."""
    told = _json(told)
    if isinstance(told, dict):
        items = [
            {"name": name, **value} if isinstance(value, dict) else {"name": name, "value": value}
            for name, value in told.items()
        ]
    else:
        items = [item for item in told if isinstance(item, dict)] if isinstance(told, list) else []
    found = (_variable(_json(item)) for item in items[:MAX_VARIABLES] if isinstance(item, dict))
    return sorted(found, key=lambda item: str(item["name"]))


def _variable(item: dict[str, Any]) -> dict[str, Any]:
    name, kind = clean(str(item.get("name") or ""), 255), str(item.get("value_type") or "string")
    found: dict[str, Any] = {"name": name, "type": clean(kind, 40)}
    if text := item.get("description"):
        found["description"] = redact_text(clean(str(text))[:1000])
    if kind == "secret" or is_secret_name(name):
        return found
    value = item.get("value")
    if value not in (None, "", [], {}):
        found["value"] = storable(redact_settings(value))
    return found


def _json(told: Any) -> Any:
    value = readable(told) if isinstance(told, str) else told
    return None if deeper_than(value, 60) else value
