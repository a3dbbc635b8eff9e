"""Marks in the HTML of a value."""

from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.content.marking import with_marks


@pytest.mark.parametrize(
    ("html", "text", "expected"),
    [
        ("<p>Order A-17, a-17</p>", "a-17", "<p>Order <1>A-17</mark>, <mark>a-17</mark></p>"),
        ('<p title="A-17">x</p>', "A-17", '<p title="A-17">x</p>'),
        ("<p>two\n  words</p>", "two words", "<p><1>two\n  words</mark></p>"),
        ("<p>a &amp; b</p>", "amp", "<p>a &amp; b</p>"),
        (
            "<p>a &lt;b&gt; &quot;c&quot;</p>",
            '<b> "c"',
            "<p>a <1>&lt;b&gt; &quot;c&quot;</mark></p>",
        ),
        ('<p>say "hi"</p>', '"hi"', '<p>say <1>"hi"</mark></p>'),
        ("<p>你好</p>", "你", "<p><1>你</mark>好</p>"),
        (
            "<details><p>no</p></details><details><b>yes</b></details>",
            "yes",
            "<details><p>no</p></details><details open><b><1>yes</mark></b></details>",
        ),
        ("<p>x</p>", "  ", "<p>x</p>"),
    ],
)
def test_marks(html: str, text: str, expected: str) -> None:
    assert with_marks(html, text, "at") == expected.replace("<1>", '<mark id="at">')


@given(st.text(), st.text())
def test_nothing_but_marks_is_added(value: str, text: str) -> None:
    html = f"<pre>{escape(value)}</pre>"
    marked = with_marks(html, text, "at")
    assert marked.replace('<mark id="at">', "").replace("<mark>", "").replace("</mark>", "") == html
