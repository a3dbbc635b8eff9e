"""Which received attribute gave which field of a step, as JSON."""

from typing_extensions import TypedDict


class MappedFieldJson(TypedDict):
    """A field of a step or of its run, and where it came from."""

    field: str
    label: str
    value: str
    """The beginning of the value."""
    dialect: str | None
    attribute: str | None
    told: str | None
    """The beginning of the attribute's value."""
    note: str | None
    """Where the field came from when no attribute gave it."""


class UnusedAttributeJson(TypedDict):
    """A received attribute that gave no field."""

    attribute: str
    told: str
    """The beginning of its value."""


class AttributeMappingJson(TypedDict):
    """How a step was read."""

    door: str
    """The protocol by which the step arrived, in words."""
    step: list[MappedFieldJson]
    run: list[MappedFieldJson]
    unused: list[UnusedAttributeJson]
    unused_count: int
