"""Markdown that nobody has checked, as safe HTML."""

import pytest

from nodes.content.markdown import looks_like_markdown, render_markdown


def test_ordinary_markdown() -> None:
    html = render_markdown(
        "# Title\n\n**bold**\nsecond line\n\n- one\n- two\n\n|a|b|\n|-|-|\n|1|2|"
    )
    for piece in ("<h4>Title</h4>", "<strong>bold</strong><br>", "<li>one</li>", "<td>1</td>"):
        assert piece in html
    assert "<h1" not in html


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](data:text/html,<script>)",
        "</textarea></div><iframe src='//evil'>",
        '<a href="https://x" onclick="y">z</a>',
        "![a](javascript:alert(1))",
        '[x](https://x "\\" onmouseover=alert(1)")',
    ],
)
def test_hostile_markdown_is_text(hostile: str) -> None:
    html = render_markdown(hostile)
    for tag in ("<script", "<img", "<iframe", "</div", "</textarea"):
        assert tag not in html
    assert 'href="javascript' not in html and 'href="data' not in html
    assert " onclick=" not in html.replace("&quot;", '"') or "&lt;a" in html


def test_images_become_links_and_links_send_no_referrer() -> None:
    html = render_markdown('![a "b" <i>](https://host/pixel.png) [site](https://host/)')
    assert "<img" not in html
    assert html.count('rel="nofollow noopener noreferrer"') == 2


def test_plain_text_is_not_taken_for_markdown() -> None:
    assert not looks_like_markdown("snake_case and 2 * 3 < 7, C# too")
    assert looks_like_markdown("- one\n- two")
