"""Renders Markdown from models and users as safe HTML. This is the only module that marks text as
safe.

HTML in the text is shown as text; images are never loaded, they become links; what the renderer
makes goes through a sanitiser with a short list of tags.
"""

import re
from collections.abc import Callable, Iterable, Sequence
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
# A document of our own fills a page whose h1 is the document's title.
DOCUMENT_HEADINGS = {"h1": "h2", "h2": "h2", "h3": "h3"}
_LOOKS_LIKE = re.compile(
    r"^(#{1,6} |[-*+] |\d+[.)] |> |```|\|.*\|)|\*\*\S|`[^`\n]+`|\]\(https?:", re.MULTILINE
)


def looks_like_markdown(text: str) -> bool:
    """Return whether `text` is easier to read when rendered as Markdown."""
    return bool(_LOOKS_LIKE.search(text, 0, 4000))


def render_markdown(text: str) -> SafeString:
    """Return `text` as HTML that is safe to put into a page, whatever the text holds."""
    return _sanitized(_parser.render(text))


def render_document(text: str) -> SafeString:
    """Return `text`, Markdown of our own documentation, as safe HTML. Its lines are wrapped, so
    their ends are no breaks, and its headings start at h2."""
    return _sanitized(_document_parser.render(text), DOCUMENT_HEADINGS.values())


def _sanitized(html: str, more_tags: Iterable[str] = ()) -> SafeString:
    clean = nh3.clean(
        html,
        tags=TAGS | set(more_tags),
        attributes=ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow noopener noreferrer",
    )
    return mark_safe(clean)


def _image_as_link(
    renderer: RendererProtocol, tokens: Sequence[Token], index: int, options: Any, env: Any
) -> str:
    """Render an image as a link: a remote image would tell its host who reads this page, and
    when."""
    token = tokens[index]
    return (
        f'<a href="{escape(str(token.attrs.get("src", "")))}">[image: {escape(token.content)}]</a>'
    )


def _heading_rule(levels: dict[str, str]) -> Callable[[Any], None]:
    def lower_headings(state: Any) -> None:
        for token in state.tokens:
            if token.type in ("heading_open", "heading_close"):
                token.tag = levels.get(token.tag, "h6")

    return lower_headings


def _markdown_parser(breaks: bool, levels: dict[str, str]) -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": breaks, "maxNesting": 20})
    parser.enable(["table", "strikethrough"])
    parser.add_render_rule("image", _image_as_link)
    parser.core.ruler.push("lower_headings", _heading_rule(levels))
    return parser


_parser = _markdown_parser(breaks=True, levels=HEADINGS)
_document_parser = _markdown_parser(breaks=False, levels=DOCUMENT_HEADINGS)
