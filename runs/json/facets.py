"""Facets of the list of runs as JSON."""

from typing_extensions import TypedDict


class FacetValueJson(TypedDict):
    """A value of a field, and how many runs have it."""

    value: str
    label: str
    runs: int
    chosen: bool
    query: str
    """The query text for this value alone."""
    url: str
    """The address of the list that toggles this value: with it, or without it where it is
    active."""


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
    """Whether more runs match than were counted."""
    runs_of_steps: int
    """How many of these runs the fields of steps were counted in."""
    facets: list[FacetJson]
