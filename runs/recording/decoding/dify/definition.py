"""The definition of a Dify app: its graph, features and declared variables. Pure.

They are read the same from a DSL file and from the table `workflows`, so that equal content is seen
to be equal.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from runs.recording.decoding.dify.graphs import DifyGraph, json_digest, storable
from runs.recording.records.json_text import deeper_than, readable
from runs.recording.records.payload_values import clean
from runs.redaction.secrets import is_secret_name, redact_settings, redact_text

MAX_VARIABLES = 1_000
# Features that are settings; the others are switches that count when they are on.
_TEXT_FEATURES = ("opening_statement", "suggested_questions")


@dataclass(frozen=True, slots=True)
class Definition:
    """A graph with what else decides what a run does: `behaviour`, None where only the graph is
    known. `extras` (notes, plugins) change nothing about what runs."""

    graph: DifyGraph
    behaviour: dict[str, Any] | None = None
    extras: dict[str, Any] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Return 32 hex digits of the graph, followed by 32 of the behaviour where it is known. Two
        definitions are the same if everything that both contain is equal."""
        behaviour_digest = "" if self.behaviour is None else json_digest(self.behaviour)
        return self.graph.digest + behaviour_digest

    @property
    def configuration(self) -> dict[str, Any] | None:
        """Return what a version keeps beside its graph; None for nothing."""
        notes = {"notes": self.graph.notes} if self.graph.notes else {}
        return {**(self.behaviour or {}), **self.extras, **notes} or None


def same_content(digest: str, other_digest: str) -> bool:
    """Return whether two digests (see `Definition.digest`) may be of the same content."""
    length = min(len(digest), len(other_digest))
    return length >= 32 and digest[:length] == other_digest[:length]


def behaviour_of(workflow: Mapping[str, Any]) -> dict[str, Any]:
    """Return features and variables from the keys of a DSL's `workflow`, or from columns of the
    table."""
    behaviour = {
        "features": _enabled_features(_shallow_json(workflow.get("features"))),
        "environment_variables": _declared_variables(workflow.get("environment_variables")),
        "conversation_variables": _declared_variables(workflow.get("conversation_variables")),
    }
    return {name: value for name, value in behaviour.items() if value}


def _enabled_features(features: Any) -> dict[str, Any]:
    enabled = {}
    for name, value in sorted(features.items()) if isinstance(features, dict) else ():
        is_on = isinstance(value, dict) and value.get("enabled")
        if is_on or (name in _TEXT_FEATURES and value):
            enabled[str(name)] = storable(redact_settings(value, str(name)))
    return enabled


def _declared_variables(declared: Any) -> list[dict[str, Any]]:
    """Return declared variables by name. A DSL has a list of them, the database an object by
    name."""
    declared = _shallow_json(declared)
    items = declared if isinstance(declared, list) else []
    if isinstance(declared, dict):
        items = [
            {"name": name, **value} if isinstance(value, dict) else {"name": name, "value": value}
            for name, value in declared.items()
        ]
    items = [item for item in items if isinstance(item, dict)]
    variables = (_declared_variable(_shallow_json(item)) for item in items[:MAX_VARIABLES])
    return sorted(variables, key=lambda variable: str(variable["name"]))


def _declared_variable(item: dict[str, Any]) -> dict[str, Any]:
    name, kind = clean(str(item.get("name") or ""), 255), str(item.get("value_type") or "string")
    variable: dict[str, Any] = {"name": name, "type": clean(kind, 40)}
    if text := item.get("description"):
        variable["description"] = redact_text(clean(str(text))[:1000])
    if kind == "secret" or is_secret_name(name):
        return variable
    value = item.get("value")
    if value not in (None, "", [], {}):
        variable["value"] = storable(redact_settings(value))
    return variable


def _shallow_json(value: Any) -> Any:
    """Return the value, parsed if it is JSON text; None where it is nested too deep."""
    value = readable(value) if isinstance(value, str) else value
    return None if deeper_than(value, 60) else value
