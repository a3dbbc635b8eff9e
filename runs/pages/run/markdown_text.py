"""Untrusted values in Markdown that a terminal, a ticket or a coding agent shows. Pure."""

from collections.abc import Iterator

from nodes import formats

SHORT = 120


def escaped_line(text: str) -> str:
    """Inside a line: on one line, with every mark of Markdown's taken as a character."""
    text = " ".join(text.split())[:SHORT]
    return "".join("\\" + char if char in "\\`*_[]<>#|" else char for char in text)


def fenced_block(text: str, limit: int, size: int = 0) -> Iterator[str]:
    """A code block that the text cannot close, cut to `limit` bytes; says how much is cut. `size`:
    the bytes of the whole value, of which `text` is the beginning."""
    data = text.encode("utf-8", "replace")
    shown = data[:limit].decode("utf-8", "ignore")
    fence = "```"
    while fence in shown:
        fence += "`"
    yield ""
    yield fence
    yield shown
    yield fence
    size = max(size, len(data))
    if size > len(shown.encode()):
        yield f"(the first {formats.size(len(shown.encode()))} of {formats.size(size)})"
    yield ""


def without_control_marks(text: str) -> str:
    """Without marks that turn the direction of the text, and other unseen control characters."""
    return "".join(char for char in text if char in "\n\t" or char.isprintable() or char.isspace())
