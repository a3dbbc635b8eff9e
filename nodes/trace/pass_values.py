"""What a loop tells of each of its passes: loop variables, the item it worked on, what came out.

Facts, read in Dify (1.0 and later): the metadata of a loop have `loop_variable_map`, by the number
of the pass as text the values of its variables after that pass; an iteration's inputs have the list
`iterator_selector`, its outputs the list `output`, an item for each pass unless it was flattened
or failed passes were left out.
"""

from collections.abc import Collection, Mapping
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
class Values:
    """`rows`: (name, its value in each pass asked for, as short text or "" where none is told);
    `too_large` when a list was not read for its size."""

    rows: list[tuple[str, list[str]]]
    too_large: bool = False


def values_of(container: NodeExecution, numbers: Collection[int | None]) -> Values:
    """The values of passes `numbers` (from 0) of an execution loaded `with_payloads()`."""
    rows = [
        (name[:LENGTH], [_short(told, number) for number in numbers])
        for name, told in _variables(container).items()
    ]
    inputs, outputs = _read(container.inputs), _read(container.outputs)
    items = _list(inputs, "iterator_selector")
    made = _list(outputs, "output")
    if items is not None:
        rows.append(("item", [_short(items, number) for number in numbers]))
    if items is not None and made is not None and len(made) == len(items):
        rows.append(("output", [_short(made, number) for number in numbers]))
    too_large = container.kind_info.group == "loop" and any(
        value is not None and value.size > MAX_BYTES_IN_PANEL
        for value in (container.inputs, container.outputs)
    )
    return Values([row for row in rows if any(row[1])], too_large)


def _variables(container: NodeExecution) -> dict[str, dict[int, Any]]:
    """{variable: {pass: value}} of a loop."""
    found: dict[str, dict[int, Any]] = {}
    told = _map_in(container.received)
    if told is None and isinstance(process := _read(container.process_data), dict):
        told = _map_in({"attributes": process})
    for key, variables in (told or {}).items():
        number = whole_number(str(key), 9)
        if number is None or not isinstance(variables, dict):
            continue
        for name, value in variables.items():
            if name in found or len(found) < MAX_VARIABLES:
                found.setdefault(str(name), {})[number] = value
    return found


def _map_in(received: Mapping[str, Any]) -> dict[str, Any] | None:
    told = received.get("attributes")
    places = [told] if isinstance(told, dict) else []
    places += [_decoded(place.get(name)) for place in tuple(places) for name in _METADATA]
    for place in places:
        if isinstance(place, dict) and isinstance(found := place.get("loop_variable_map"), dict):
            return found
    return None


def _decoded(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return None


def _read(payload: Payload | None) -> Any:
    return (
        load_value(payload) if payload is not None and payload.size <= MAX_BYTES_IN_PANEL else None
    )


def _list(value: Any, name: str) -> list[Any] | None:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, list) else None


def _short(told: list[Any] | dict[int, Any], number: int | None) -> str:
    if isinstance(told, dict):
        value = told.get(-1 if number is None else number)
    else:
        value = told[number] if number is not None and number < len(told) else None
    if value in (0, False, ""):
        return {"": "“”"}.get(value) or str(value).lower()
    return single_line(preview(value), LENGTH)
