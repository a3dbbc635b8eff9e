"""Lists of objects flattened into attribute names, as `llm.input_messages.0.message.role`."""

from typing import Any

MAX_PARTS = 12
MAX_DIGITS = 6


def indexed_objects(
    attributes: dict[str, Any], prefix: str, used: set[str]
) -> list[dict[str, Any]]:
    """Return the objects below `prefix` (which ends with a dot), in the order of their indexes; so
    are lists within them. Adds the names of the attributes read to `used`."""
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
    return [_with_lists(tree[index]) for index in sorted(tree, key=int)]


def _with_lists(branch: dict[str, Any]) -> dict[str, Any]:
    """Return an object with lists in it where all keys are indexes."""
    for key, child in branch.items():
        if type(child) is dict:
            child = _with_lists(child)
            is_list = all(map(is_index, child))
            branch[key] = [child[index] for index in sorted(child, key=int)] if is_list else child
    return branch


def is_index(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS
