"""Reads what a loop reports about each iteration: loop variables, the item it worked on, its
output.

Facts, read in Dify (1.0 and later): the metadata of a loop have `loop_variable_map`, which maps the
number of the iteration, as text, to the values of its variables after it; an iteration's inputs
have the list `iterator_selector`, its outputs the list `output`, an item for each iteration unless
it was flattened or failed iterations were left out.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import orjson

from nodes.content.payloads import MAX_BYTES_IN_PANEL, load_value
from nodes.content.previews import preview, single_line
from nodes.models import NodeExecution, Payload
from nodes.numbers import whole_number

MAX_VARIABLES = 30
LENGTH = 80
_METADATA = ("metadata", "execution_metadata")


@dataclass(frozen=True, slots=True)
class PassValues:
    """`rows`: (name, its value in each of some iterations, as short text or "" where none is
    reported); `too_large` when a list was not read for its size."""

    rows: list[tuple[str, list[str]]]
    too_large: bool = False


def pass_values_of(container: NodeExecution, numbers: Collection[int | None]) -> PassValues:
    """Return the values of the iterations `numbers` (from 0) of an execution loaded
    `with_payloads()`."""
    rows = [
        (name[:LENGTH], [_short_text(values, number) for number in numbers])
        for name, values in _loop_variables(container).items()
    ]
    inputs, outputs = _load_small(container.inputs), _load_small(container.outputs)
    items = _list_in(inputs, "iterator_selector")
    results = _list_in(outputs, "output")
    if items is not None:
        rows.append(("item", [_short_text(items, number) for number in numbers]))
    if items is not None and results is not None and len(results) == len(items):
        rows.append(("output", [_short_text(results, number) for number in numbers]))
    too_large = container.kind_info.group == "loop" and any(
        payload is not None and payload.size > MAX_BYTES_IN_PANEL
        for payload in (container.inputs, container.outputs)
    )
    return PassValues([row for row in rows if any(row[1])], too_large)


def _loop_variables(container: NodeExecution) -> dict[str, dict[int, Any]]:
    """Return {variable: {iteration: value}} of a loop."""
    variables: dict[str, dict[int, Any]] = {}
    by_pass = _variable_map(container.received.get("attributes"))
    if by_pass is None:
        by_pass = _variable_map(_load_small(container.process_data))
    for key, values in (by_pass or {}).items():
        number = whole_number(str(key), 9)
        if number is None or not isinstance(values, dict):
            continue
        for name, value in values.items():
            if name in variables or len(variables) < MAX_VARIABLES:
                variables.setdefault(str(name), {})[number] = value
    return variables


def _variable_map(attributes: Any) -> dict[str, Any] | None:
    """Return the `loop_variable_map` in attributes or in the metadata among them."""
    if not isinstance(attributes, dict):
        return None
    for place in (attributes, *(_decoded_json(attributes.get(name)) for name in _METADATA)):
        if isinstance(place, dict) and isinstance(by_pass := place.get("loop_variable_map"), dict):
            return by_pass
    return None


def _decoded_json(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return None


def _load_small(payload: Payload | None) -> Any:
    """Return a stored value; None for none, or one too large to be read for a panel."""
    return (
        load_value(payload) if payload is not None and payload.size <= MAX_BYTES_IN_PANEL else None
    )


def _list_in(value: Any, name: str) -> list[Any] | None:
    items = value.get(name) if isinstance(value, dict) else None
    return items if isinstance(items, list) else None


def _short_text(values: list[Any] | dict[int, Any], number: int | None) -> str:
    """Return the value of iteration `number` as short text, "" for none."""
    if isinstance(values, dict):
        value = values.get(-1 if number is None else number)
    else:
        value = values[number] if number is not None and number < len(values) else None
    if value in (0, False, ""):
        return {"": "“”"}.get(value) or str(value).lower()
    return single_line(preview(value), LENGTH)
