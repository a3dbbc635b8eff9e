"""Markdown, fences and broken JSON as plain text, for one line of a list."""

import pytest

from nodes.content.plain_text import without_fence, without_json, without_markup
from nodes.content.previews import preview
from nodes.models import PREVIEW_LENGTH


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("# Title\n\n## Section\n\nText", "Title · Section · Text"),
        ("**bold** and *slanted*, `code`", "bold and slanted, code"),
        ("**第三条 服务水平** (high): 可用性", "第三条 服务水平 (high): 可用性"),
        ("- one\n- [x] two\n* three", "one · two · three"),
        ("> quoted\nanswered", "quoted answered"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "a · b · 1 · 2"),
        ("[the docs](https://example.org/a_(b)) ![chart](x.png)", "the docs chart"),
        ("Title\n=====\nText\n---\nend", "Title Text end"),
        ("```python\nprint(1)\n```\nas above", "print(1) as above"),
        # No marks: arithmetic, names, signs within a line.
        ("2**3 and a*b*c, 5 * 3", "2**3 and a*b*c, 5 * 3"),
        ("__init__ of snake_case", "__init__ of snake_case"),
        ("#5 in C#, a - b, x > 3", "#5 in C#, a - b, x > 3"),
        ("a · b", "a · b"),
    ],
)
def test_markup_is_left_out_and_words_stay(text: str, plain: str) -> None:
    assert preview(text) == " ".join(without_markup(text).split()) == plain


def test_broken_json_reads_like_fields() -> None:
    broken = '{"clause": "7. Fees", "risk": "high", "quote": "\\"Fees\\", as due, are'
    assert without_json(broken) == 'clause: 7. Fees · risk: high · quote: "Fees", as due, are'
    assert preview({"text": broken}).startswith("clause: 7. Fees · risk: high")
    assert without_json('["a", "b') == "a · b"
    assert without_json("[ERROR] disk full") == "[ERROR] disk full"
    assert without_json("[{[{") == "[{[{"


def test_json_in_a_fence_is_read() -> None:
    assert preview('```json\n{"answer": "at nine"}\n```') == "at nine"
    assert without_fence("```\na\n``` and more") == "```\na\n``` and more"


@pytest.mark.parametrize(
    "mark", ["# " + " " * 99, "*", "**a", "[", "](", "|", "- ", "\n", "`", ">", "-", '["', '{"]']
)
def test_markup_without_end_takes_linear_time(mark: str) -> None:
    """A pattern that takes the square of the length would take minutes."""
    assert len(preview(mark * (60_000 // len(mark)) + "x")) <= PREVIEW_LENGTH
