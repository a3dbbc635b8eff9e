"""Reads ids as people and producers write them. Pure."""

from uuid import UUID


def as_uuid(text: str) -> UUID | None:
    """Return the UUID that `text` spells, with dashes or without; None for any other text."""
    try:
        return UUID(text)
    except ValueError:
        return None
