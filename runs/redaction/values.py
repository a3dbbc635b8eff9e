"""Values without secrets, which are known by their names or by their form."""

from itertools import islice
from typing import Any

from runs.redaction.secrets import is_secret_name, masked, secret_fields

TEXT, ITEMS = 5_000, 40  # of what is shown in one line, so much is looked at


def hidden(value: Any, name: str = "") -> Any:
    """`value` without what stands under the name of a secret, and without texts that look like one.
    Counts of tokens are no secret."""
    if isinstance(value, dict):
        secret = is_secret_name(name) and "usage" not in name
        fields = secret_fields(value)
        return {
            key: hidden(inner, name if secret else "secret" if key in fields else key)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [hidden(item, name) for item in value]
    return masked(value, name)


def beginning(value: Any) -> Any:
    """Enough of a value for one line of it."""
    if isinstance(value, dict):
        return {key: beginning(inner) for key, inner in islice(value.items(), ITEMS)}
    if isinstance(value, list):
        return [beginning(item) for item in value[:ITEMS]]
    return value[:TEXT] if isinstance(value, str) else value
