"""What a stored value still holds of what was sent. Pure.

An attribute is left out of what is kept as received only if every text and number of it stands
somewhere in the fields of its step. Not compared are true, false and null, names of kinds and
roles, and how often a text stands there: of a part that no reader knows, these may be missing.
"""

from collections.abc import Iterator
from typing import Any

from runs.recording.records.json_text import readable

# Fields that say what a part of a message is, not what it holds.
STRUCTURE = frozenset({"type", "role", "index", "object", "modality"})


def kept_texts(fields: dict[str, Any]) -> set[str]:
    """Return the texts and numbers in the fields of a step."""
    return set(_texts_in(list(fields.values()), frozenset()))


def is_kept(sent: Any, kept: set[str]) -> bool:
    """Return whether every text and number in `sent` is among those `kept`."""
    if isinstance(sent, str) and sent.strip() in kept:
        return True
    return all(text in kept for text in _texts_in(sent, STRUCTURE))


def _texts_in(value: Any, without: frozenset[str]) -> Iterator[str]:
    """Yield the texts and numbers of a value, those in JSON texts among them, but for what stands
    under the names `without`."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            parsed = readable(item)
            if isinstance(parsed, str):
                yield parsed.strip()
            else:
                waiting.append(parsed)
        elif isinstance(item, dict):
            waiting += [child for name, child in item.items() if name not in without]
        elif isinstance(item, list | tuple):
            waiting += item
        elif item is not None and not isinstance(item, bool):
            yield str(item)
