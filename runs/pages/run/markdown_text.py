"""Write untrusted values into Markdown that a terminal, a ticket or a coding agent shows. Pure."""

from collections.abc import Iterator

from nodes import formats

SHORT = 120


def escaped_line(text: str) -> str:
    """Return `text` for use inside a line: on one line, at most SHORT characters, and with the
    marks of Markdown escaped."""
    text = " ".join(text.split())[:SHORT]
    return "".join("\\" + char if char in "\\`*_[]<>#|" else char for char in text)


def fenced_block(text: str, limit: int, size: int = 0) -> Iterator[str]:
    """Yield the lines of a code block that the text cannot close, cut to `limit` bytes, and how
    much was cut. `size`: the bytes of the whole value, of which `text` is the beginning."""
    data = text.encode("utf-8", "replace")
    content = data[:limit].decode("utf-8", "ignore")
    fence = "```"
    while fence in content:
        fence += "`"
    yield ""
    yield fence
    yield content
    yield fence
    size = max(size, len(data))
    if size > len(content.encode()):
        yield f"(the first {formats.size(len(content.encode()))} of {formats.size(size)})"
    yield ""


def without_control_marks(text: str) -> str:
    """Return `text` without marks that turn its direction and other invisible control
    characters."""
    return "".join(char for char in text if char in "\n\t" or char.isprintable() or char.isspace())
