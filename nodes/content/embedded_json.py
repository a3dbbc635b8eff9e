"""JSON within texts. Pure."""

from typing import Any

import orjson


def decoded_json(value: Any) -> Any:
    """Return a string that holds a JSON object or list decoded, anything else as it is."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
    return value
