"""Reads Dify's variable assigners: which variables one writes, and what it wrote. Pure.

Facts: Dify's variables have two names, that of a node (a loop's id, or `conversation`) and their
own; further names lead into the value. An assigner's process data has a list `__updated_variables`
(in some logs `updated_variables`) of {"selector", "new_value"}; older ones have the values by the
variables' names, and the first form of the node has one `value` in its inputs.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nodes.lineage.engine import AssignedVariable, VariableSelector
from nodes.lineage.steps import PARTS
from nodes.lineage.values import MISSING, ValuePath


def assigner_targets(
    kind: str, config: Mapping[str, Any] | None
) -> dict[VariableSelector, list[str]]:
    """Return the variables that an assigner writes, with the settings that say what it writes:
    {("conversation", "language"): ["items[0].variable_selector", "items[0].value"]}."""
    if kind != "assigner" or not config:
        return {}
    targets: dict[VariableSelector, list[str]] = {}
    for selector, *settings in _configured_writes(config):
        if isinstance(selector, list) and len(selector) > 1:
            targets.setdefault(tuple(map(str, selector[:2])), []).extend(settings)
    return targets


def _configured_writes(config: Mapping[str, Any]) -> Iterator[tuple[Any, str, str]]:
    """Yield the selector of each variable that is written, and the settings of variable and
    value."""
    first_form = "assigned_variable_selector"
    yield config.get(first_form), first_form, "input_variable_selector"
    items = config.get("items")
    for number, item in enumerate(items if isinstance(items, list) else ()):
        if isinstance(item, dict):
            field = f"items[{number}]"
            yield item.get("variable_selector"), f"{field}.variable_selector", f"{field}.value"


def written_variables(
    values: Mapping[str, Any], targets: Sequence[VariableSelector]
) -> list[AssignedVariable]:
    """Return what an assigner wrote. `values`: its values by part, looked through in the order of
    PARTS; `targets`: the variables that its settings name."""
    objects = [(part, values[part]) for part in PARTS if isinstance(values.get(part), dict)]
    for part, value in objects:
        updates = [
            AssignedVariable(selector, new_value, part, path)
            for selector, new_value, path in _listed_updates(value)
        ]
        if updates:
            return updates
    only_name = ["value"] if len(targets) == 1 else []
    written = []
    for selector in targets:
        candidates = (
            AssignedVariable(selector, value[name], part, (name,))
            for name in [selector[-1], *only_name]
            for part, value in objects
            if name in value
        )
        written.append(next(candidates, AssignedVariable(selector, MISSING)))
    return written


def _listed_updates(value: dict[str, Any]) -> Iterator[tuple[VariableSelector, Any, ValuePath]]:
    """Yield selector, new value and path of each entry in the list of updated variables."""
    key = "updated_variables" if "updated_variables" in value else "__updated_variables"
    updates = value.get(key)
    for number, update in enumerate(updates if isinstance(updates, list) else ()):
        names = update.get("selector") if isinstance(update, dict) else None
        if isinstance(names, list) and len(names) > 1:
            field = "new_value" if "new_value" in update else "value"
            selector, new_value = tuple(map(str, names[:2])), update.get(field)
            stands_by_name = value.get(selector[-1], MISSING) == new_value
            yield (
                selector,
                new_value,
                (selector[-1],) if stands_by_name else (key, number, field),
            )
