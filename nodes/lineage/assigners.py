"""Variable assigners: which variables one writes, and what it wrote. Pure.

Facts: Dify's variables have two names, that of a node (a loop's id, or `conversation`) and their
own; further names lead into the value. An assigner's process data has a list `__updated_variables`
(in some logs `updated_variables`) of {"selector", "new_value"}; older ones have the values by the
variables' names, and the first form of the node has one `value` in its inputs.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from nodes.lineage.values import MISSING, Path

Selector = tuple[str, ...]
PARTS = ("process_data", "outputs", "inputs")  # where it may be told, in this order


class Assigned(NamedTuple):
    """What was written to a variable, and where the step tells it; MISSING where it does not."""

    selector: Selector
    value: Any
    part: str = ""
    path: Path = ()


def targets(kind: str, config: Mapping[str, Any] | None) -> dict[Selector, list[str]]:
    """The variables that an assigner writes, with the settings that say what: {("conversation",
    "language"): ["items[0].value"]}."""
    if kind != "assigner" or not config:
        return {}
    found: dict[Selector, list[str]] = {}
    for selector, *settings in _written(config):
        if isinstance(selector, list) and len(selector) > 1:
            found.setdefault(tuple(map(str, selector[:2])), []).extend(settings)
    return found


def _written(config: Mapping[str, Any]) -> Iterator[tuple[Any, str, str]]:
    old = "assigned_variable_selector"
    yield config.get(old), old, "input_variable_selector"
    items = config.get("items")
    for number, item in enumerate(items if isinstance(items, list) else ()):
        if isinstance(item, dict):
            place = f"items[{number}]"
            yield item.get("variable_selector"), f"{place}.variable_selector", f"{place}.value"


def assigned(told: Mapping[str, Any], written: Sequence[Selector]) -> list[Assigned]:
    """What an assigner wrote. `told`: its values by part; `written`: what its settings name."""
    parts = [(part, told[part]) for part in PARTS if isinstance(told.get(part), dict)]
    for part, value in parts:
        if found := [Assigned(*one[:2], part, one[2]) for one in _listed(value)]:
            return found
    alone = ["value"] if len(written) == 1 else []
    found = []
    for selector in written:
        places = (
            Assigned(selector, value[name], part, (name,))
            for name in [selector[-1], *alone]
            for part, value in parts
            if name in value
        )
        found.append(next(places, Assigned(selector, MISSING)))
    return found


def _listed(value: dict[str, Any]) -> Iterator[tuple[Selector, Any, Path]]:
    key = "updated_variables" if "updated_variables" in value else "__updated_variables"
    listed = value.get(key)
    for number, item in enumerate(listed if isinstance(listed, list) else ()):
        told = item.get("selector") if isinstance(item, dict) else None
        if isinstance(told, list) and len(told) > 1:
            name = "new_value" if "new_value" in item else "value"
            selector, wrote = tuple(map(str, told[:2])), item.get(name)
            by_name = value.get(selector[-1], MISSING) == wrote
            yield selector, wrote, (selector[-1],) if by_name else (key, number, name)
