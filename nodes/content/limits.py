"""How much of a value a page shows at once, and the sentence about what it leaves out. Pure."""

from dataclasses import dataclass

from nodes.formats import visible

MAX_NAME = 200  # characters of a name, title, role or key
MAX_TEXT = 2_000  # characters of a text that is one of many: in a tree, a log, too deep a value


@dataclass(frozen=True, slots=True)
class Limits:
    """Characters of a single text, parts in all, and messages of one conversation."""

    text: int = 20_000
    parts: int = 400
    messages: int = 60


IN_PANEL = Limits()
ON_PAGE = Limits(text=2_000_000, parts=4000, messages=1000)  # the payload's own page


def visible_name(name: str) -> str:
    """Return a name as a page shows it, at most 200 characters."""
    return visible(name[:MAX_NAME])


def cut_note(limit: int, text: str) -> str:
    """Return the sentence about a `text` of which `limit` characters are shown; "" for a whole
    one."""
    return (
        f"Only the first {limit:,} of {len(text):,} characters are shown."
        if len(text) > limit
        else ""
    )
