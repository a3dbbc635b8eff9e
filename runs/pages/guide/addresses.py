"""Addresses that machines read, as URL patterns and as text."""

import re
from collections.abc import Iterable

from django.urls import URLPattern

from runs.pages.guide.endpoints import ENDPOINTS

# Addresses that end so are for machines.
MACHINE_SUFFIX = re.compile(r"\.(json|jsonl|md|ndjson|csv|html)$")
_PLACE = re.compile(r"<(?:\w+:)?(\w+)>")
# What the places of an address are called.
PLACES = {
    "run_id": "run", "execution_id": "execution", "slug": "app", "node_id": "node",
    "conversation_id": "conversation", "rerun_id": "rerun", "group_id": "group",
    "source_id": "any-id", "number": "number", "note_id": "note",
}  # fmt: skip


def path_of(pattern: URLPattern) -> str:
    """Return the path of a pattern: runs/{run}/tracing/{execution}.json"""
    route = str(pattern.pattern)
    return _PLACE.sub(lambda place: "{" + PLACES.get(place[1], place[1]) + "}", route)


def machine_patterns(patterns: Iterable[URLPattern]) -> list[URLPattern]:
    """Return the patterns for machines, in the order of `ENDPOINTS`."""
    order = {name: place for place, name in enumerate(ENDPOINTS)}
    chosen = [pattern for pattern in patterns if MACHINE_SUFFIX.search(path_of(pattern))]
    return sorted(chosen, key=lambda pattern: order.get(pattern.name or "", len(order)))
