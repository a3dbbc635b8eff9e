"""Facets of the list of runs as JSON."""

from typing_extensions import TypedDict


class FacetValueJson(TypedDict):
    """A value of a field, and how many runs have it."""

    value: str
    label: str
    runs: int
    chosen: bool
    query: str
    """The text that asks for it alone."""
    url: str
    """The list with it in force, or without it where it is."""


class FacetJson(TypedDict):
    """A field and its commonest values."""

    field: str
    label: str
    values: list[FacetValueJson]
    more: int
    """How many further values there are."""


class FacetsJson(TypedDict):
    """How many runs of a list there are by field and value."""

    runs: int
    """How many runs were counted."""
    bounded: bool
    """Whether there are more."""
    runs_of_steps: int
    """How many of them were counted for fields of their steps."""
    facets: list[FacetJson]
