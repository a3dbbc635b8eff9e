"""Locates the value of a variable in the step that read it, by the setting that refers to it.
Pure."""

from dataclasses import replace
from typing import Any

from nodes.lineage.engines.dify.references import VariableReference
from nodes.lineage.links import LineageLink, ValueSource
from nodes.lineage.value_search import locate
from nodes.lineage.values import MISSING, equality_key, pieces_of, value_at

# What a condition has compared, by the setting that says with what.
_COMPARED = {"variable_selector": "actual_value", "value": "expected_value"}
MAX_PARTS = 20  # of a value that are looked for in a text


def placements(reference: VariableReference, value: Any, target: Any) -> list[LineageLink]:
    """Return links that say where `value`, which `reference` means, stands in `target`, a value of
    the step, and how; [] where that cannot be seen. The path of a link's source is that below
    `value`."""
    if target is MISSING:
        return []
    named = _input_by_name(reference, target)
    if named is None:
        return [] if value is MISSING else _places_of_value(reference, value, target)
    if value is MISSING:
        return [named]
    named_value = value_at(target, named.path or ())
    if named_value == value:
        return [replace(named, change="same")]
    inside = [
        replace(link, path=(*(named.path or ()), *(link.path or ())))
        for link in _places_of_value(reference, value, named_value)
    ]
    if reference.in_text:
        return inside or _places_of_value(reference, value, target)
    return inside or [replace(named, value=value)]


def _input_by_name(reference: VariableReference, target: Any) -> LineageLink | None:
    """Return the link to the input that is called as the setting says."""
    if not isinstance(target, dict):
        return None
    setting = reference.field.rpartition(".")[2]
    for name in (f"#{reference.variable}#", reference.name, setting):
        if name and name in target:
            change = "inserted" if reference.in_text else ""
            return LineageLink((name,), ValueSource(""), change, value=target[name])
    return None


def _places_of_value(reference: VariableReference, value: Any, target: Any) -> list[LineageLink]:
    """Return all places where a distinctive value stands, however many there are; a value that is
    not distinctive has to stand in just one."""
    links = locate(value, target) if equality_key(value) is not None else []
    return links or _only_place(reference, value, target)


def _only_place(reference: VariableReference, value: Any, target: Any) -> list[LineageLink]:
    """Return the one place of a short value, or the one text that has all its parts: Dify writes
    objects as JSON, lists as JSON, Python or bullets."""
    if reference.in_text:
        parts = [str(p.value) for p in pieces_of(value, MAX_PARTS) if _may_stand_in_text(p.value)]
        texts = [
            piece.path
            for piece in pieces_of(target)
            if isinstance(piece.value, str) and parts and all(p in piece.value for p in parts)
        ]
        if len(texts) != 1:
            return []
        return [LineageLink(texts[0], ValueSource(""), "inserted", value=value)]
    if value in (None, "", [], {}) or isinstance(value, bool):
        return []
    paths = [piece.path for piece in pieces_of(target) if piece.value == value]
    compared = _COMPARED.get(reference.field.rpartition(".")[2])
    if len(paths) > 1:
        paths = [path for path in paths if path[-1:] == (compared,)]
    return [LineageLink(paths[0], ValueSource(""), value=value)] if len(paths) == 1 else []


def _may_stand_in_text(value: Any) -> bool:
    return value != "" and isinstance(value, (str, int, float)) and not isinstance(value, bool)
