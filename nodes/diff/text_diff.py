"""Compare two texts by word: what stayed, what was removed, what was added. Pure.

Lines are compared first, then words within the lines that changed. Both are bounded, because
difflib takes time quadratic in the length, or worse.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal
from unicodedata import category

from nodes.content.unicode_form import in_normal_form
from nodes.formats import visible

PieceForm = Literal["same", "removed", "added", "gap"]

MAX_CHARS = 20_000  # of each text that are compared, from shortly before they diverge
MAX_LINES, MAX_WORDS = 1500, 600
CONTEXT = 100  # characters of what stayed on each side of a change
MIN_COMMON = 20  # percent of words in common below which a reader wants both texts whole
# Words with the white space after them; characters of scripts without spaces one by one.
_WIDE = "\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff"
_WORD = re.compile(rf"[{_WIDE}]|[^\W{_WIDE}]+[ \t]*|[^\w\s][ \t]*|\s+")


@dataclass(frozen=True, slots=True)
class DiffPiece:
    """A stretch of text; a `gap` stands for unchanged text that is left out."""

    form: PieceForm
    text: str = ""


@dataclass(frozen=True, slots=True)
class TextDiff:
    """`pieces` in order, [] where the texts have so little in common that both are better read by
    themselves. `note` is a sentence about what was not compared."""

    pieces: list[DiffPiece]
    note: str = ""


def invisible_difference(before: str, after: str) -> str:
    """Return a sentence about an invisible difference; "" for a visible one."""
    if before.split() == after.split():
        return "Only whitespace differs."
    if max(len(before), len(after)) <= MAX_CHARS and _without_invisible(
        before
    ) == _without_invisible(after):
        return (
            "Only invisible characters differ, or the way in which accented characters are encoded."
        )
    return ""


def _without_invisible(text: str) -> str:
    return "".join(char for char in in_normal_form("NFC", text) if category(char) != "Cf")


def diff_words(before: str, after: str) -> TextDiff:
    """Compare two texts by word, from shortly before they diverge."""
    diverge = first_difference(before, after)
    start = _word_start(before, max(0, diverge - CONTEXT), diverge)
    parts = before[start : start + MAX_CHARS], after[start : start + MAX_CHARS]
    note = ""
    longest = max(len(before), len(after))
    if longest - start > MAX_CHARS:
        note = f"Characters {start + 1:,} to {start + MAX_CHARS:,} of {longest:,} were compared."
    pieces = list(_joined_pieces(_diff_lines(*parts)))
    stayed = sum(len(piece.text) for piece in pieces if piece.form == "same")
    if (stayed + start) * 100 < MIN_COMMON * max(len(parts[0]), len(parts[1])):
        return TextDiff([], note)
    if start:
        pieces.insert(0, DiffPiece("gap"))
    return TextDiff(list(_with_gaps(pieces)), note)


def first_difference(before: str, after: str) -> int:
    """Return how many characters the texts begin with in common."""
    low, high = 0, min(len(before), len(after))
    while low < high:
        middle = (low + high + 1) // 2
        if before[low:middle] == after[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _diff_lines(before: str, after: str) -> Iterator[DiffPiece]:
    olds, news = before.splitlines(keepends=True), after.splitlines(keepends=True)
    if max(len(olds), len(news)) > MAX_LINES:
        yield from _replacement(before, after)
        return
    for form, old, new in _opcodes(olds, news):
        if form == "equal":
            yield DiffPiece("same", old)
        else:
            yield from _diff_line_words(old, new)


def _diff_line_words(before: str, after: str) -> Iterator[DiffPiece]:
    olds, news = _WORD.findall(before), _WORD.findall(after)
    first, last = ends_in_common(olds, news)
    yield DiffPiece("same", "".join(olds[:first]))
    end_a, end_b = len(olds) - last, len(news) - last
    if max(end_a, end_b) - first > MAX_WORDS:
        yield from _replacement("".join(olds[first:end_a]), "".join(news[first:end_b]))
    else:
        for form, old, new in _opcodes(olds[first:end_a], news[first:end_b]):
            yield from [DiffPiece("same", old)] if form == "equal" else _replacement(old, new)
    yield DiffPiece("same", "".join(olds[end_a:]))


def ends_in_common(olds: Sequence[str], news: Sequence[str]) -> tuple[int, int]:
    """Return how many items both begin with, and how many of the rest both end with."""
    short = min(len(olds), len(news))
    first = next((n for n in range(short) if olds[n] != news[n]), short)
    rest = range(1, short - first + 1)
    last = next((n - 1 for n in rest if olds[-n] != news[-n]), short - first)
    return first, last


def _opcodes(olds: Sequence[str], news: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    for form, i, j, k, n in SequenceMatcher(None, olds, news).get_opcodes():
        yield form, "".join(olds[i:j]), "".join(news[k:n])


def _replacement(before: str, after: str) -> Iterator[DiffPiece]:
    if before:
        yield DiffPiece("removed", before)
    if after:
        yield DiffPiece("added", after)


def _joined_pieces(pieces: Iterator[DiffPiece]) -> Iterator[DiffPiece]:
    """Join neighbours of one form; a lone blank between two changes belongs to both of them."""
    held: dict[PieceForm, str] = {}
    for piece in filter(lambda piece: piece.text, pieces):
        if piece.form == "same" and (piece.text.strip() or "same" in held or not held):
            yield from _held_pieces(held)
            held = {"same": piece.text}
        elif piece.form == "same":
            held = {form: held.get(form, "") + piece.text for form in ("removed", "added")}
        else:
            if "same" in held:
                yield from _held_pieces(held)
                held = {}
            held[piece.form] = held.get(piece.form, "") + piece.text
    yield from _held_pieces(held)


def _held_pieces(held: dict[PieceForm, str]) -> Iterator[DiffPiece]:
    for form in ("same", "removed", "added"):
        if text := held.get(form):
            yield DiffPiece(form, text)


def _with_gaps(pieces: list[DiffPiece]) -> Iterator[DiffPiece]:
    """Cut unchanged text to some context around the changes, and make every character visible."""
    last = len(pieces) - 1
    for index, piece in enumerate(pieces):
        text = piece.text
        if piece.form != "same" or len(text) <= CONTEXT * 2 + 20:
            yield DiffPiece(piece.form, visible(text))
            continue
        if index > 0:
            yield DiffPiece("same", visible(text[:CONTEXT]))
        yield DiffPiece("gap")
        if index < last:
            start = len(text) - CONTEXT
            yield DiffPiece("same", visible(text[_word_start(text, start, start + CONTEXT) :]))


def _word_start(text: str, start: int, end: int) -> int:
    """Return `start`, or the start of the next word where it is near and before `end`."""
    blank = text.find(" ", start, min(end, start + CONTEXT // 3)) if start else -1
    return blank + 1 if blank >= 0 else start
