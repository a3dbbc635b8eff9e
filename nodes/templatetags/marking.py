"""A template tag that marks what a search found."""

from typing import Any

from django import template

from nodes.content.marking import with_marks

register = template.Library()


class MarkedNode(template.Node):
    """{% marked "outputs" %}…{% endmarked %}: marks the text that the parameter `find` of the
    address names; the first mark has the id "found-outputs". Without a name nothing is marked."""

    def __init__(self, name: template.base.FilterExpression, inside: template.NodeList) -> None:
        self.name = name
        self.inside = inside

    def render(self, context: Any) -> str:
        html: str = self.inside.render(context)
        request = context.get("request")
        text = request.GET.get("find", "") if request else ""
        name = self.name.resolve(context, ignore_failures=True)
        return with_marks(html, text, f"found-{name}") if text and name else html


@register.tag
def marked(parser: template.base.Parser, token: template.base.Token) -> MarkedNode:
    _, name = token.split_contents()
    inside = parser.parse(("endmarked",))
    parser.delete_first_token()
    return MarkedNode(parser.compile_filter(name), inside)
