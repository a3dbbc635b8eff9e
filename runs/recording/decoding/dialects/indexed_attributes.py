"""Lists of objects flattened into attribute names, as `llm.input_messages.0.message.role`."""

from typing import Any

MAX_PARTS = 12
MAX_DIGITS = 6


def indexed_objects(
    attributes: dict[str, Any], prefix: str, used: set[str]
) -> list[dict[str, Any]]:
    """Return the objects below `prefix` (which ends with a dot), in the order of their indexes.
    Inner indexes stay keys: see `sorted_by_index`. Adds the names of the attributes read to `used`.
    """
    tree: dict[str, Any] = {}
    start = len(prefix)
    for name, value in attributes.items():
        if not name.startswith(prefix):
            continue
        path = name[start:].split(".")
        if not 2 <= len(path) <= MAX_PARTS or not is_index(path[0]):
            continue
        branch = tree
        for part in path[:-1]:
            child = branch.setdefault(part, {})
            if type(child) is not dict:
                break  # a value and an object by the same name: the value stays an attribute
            branch = child
        else:
            if path[-1] not in branch:
                branch[path[-1]] = value
                used.add(name)
    return sorted_by_index(tree)


def sorted_by_index(numbered: Any) -> list[dict[str, Any]]:
    """Return the objects of {"0": {…}, "1": {…}} by their numbers; [] for anything else."""
    if type(numbered) is not dict:
        return []
    keys = sorted((key for key in numbered if is_index(key)), key=int)
    return [numbered[key] for key in keys if type(numbered[key]) is dict]


def is_index(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS
