"""Reads numbers as addresses and producers write them. Pure."""


def whole_number(text: str, digits: int) -> int | None:
    """Return the number that a text of at most so many digits spells; None for any other text.
    Longer ones would take long to read, and no column of a database takes them."""
    return int(text) if text.isdecimal() and len(text) <= digits else None
