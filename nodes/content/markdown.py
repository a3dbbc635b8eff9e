"""Markdown of models and users as safe HTML. The one place that marks text as safe.

HTML in the text is shown as text; images are never loaded, they become links; what the renderer
makes goes through a sanitiser with a short list of tags.
"""

import re
from collections.abc import Sequence
from typing import Any

import nh3
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererProtocol
from markdown_it.token import Token

TAGS = {
    "a", "blockquote", "br", "code", "del", "em", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre",
    "s", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
# Below the headings of the page: h1 is the run, h2 the panel, h3 the value.
HEADINGS = {"h1": "h4", "h2": "h5"}
_LOOKS_LIKE = re.compile(
    r"^(#{1,6} |[-*+] |\d+[.)] |> |```|\|.*\|)|\*\*\S|`[^`\n]+`|\]\(https?:", re.MULTILINE
)


def looks_like_markdown(text: str) -> bool:
    """True when showing `text` as Markdown would tell a reader more than showing it as it is."""
    return bool(_LOOKS_LIKE.search(text, 0, 4000))


def render(text: str) -> SafeString:
    """`text` as HTML that is safe to put into a page, whatever it says."""
    html = _parser.render(text)
    clean = nh3.clean(
        html,
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow noopener noreferrer",
    )
    return mark_safe(clean)


def _image_as_link(
    renderer: RendererProtocol, tokens: Sequence[Token], index: int, options: Any, env: Any
) -> str:
    """A remote image would tell its host who reads this page, and when."""
    token = tokens[index]
    return (
        f'<a href="{escape(str(token.attrs.get("src", "")))}">[image: {escape(token.content)}]</a>'
    )


def _lower_headings(state: Any) -> None:
    for token in state.tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = HEADINGS.get(token.tag, "h6")


_parser = MarkdownIt("commonmark", {"html": False, "breaks": True, "maxNesting": 20})
_parser.enable(["table", "strikethrough"])
_parser.add_render_rule("image", _image_as_link)
_parser.core.ruler.push("lower_headings", _lower_headings)
