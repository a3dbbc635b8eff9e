"""JSON within texts. Pure."""

import json
from typing import Any

import orjson


def decoded_json(value: Any) -> Any:
    """Return a string that holds a JSON object or list decoded, anything else as it is. Numbers
    that JSON does not have (Python and JavaScript write NaN and Infinity) become their names."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            if "NaN" in value or "Infinity" in value:
                return _with_names_of_numbers(value)
    return value


def decoded_text(value: Any) -> Any:
    """Return a string that holds JSON decoded, also where it is a JSON string, once or several
    times; anything else as it is."""
    while isinstance(value, str) and len(value) > 1 and value[0] == value[-1] == '"':
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            break
    return decoded_json(value)


def _with_names_of_numbers(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=str)
    except (ValueError, RecursionError):
        return text
