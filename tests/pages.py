"""Checks that every page and every fragment must pass, whatever its content."""

from collections import Counter
from typing import Any

import html5lib
from django.test import Client

FRAGMENT = {"HX-Request": "true"}
RESTORE = {"HX-Request": "true", "HX-History-Restore-Request": "true"}


def parse(html: str, fragment: bool = False) -> Any:
    """Return the tree of `html`; a parse error fails the test."""
    parser = html5lib.HTMLParser(
        tree=html5lib.getTreeBuilder("etree"), strict=True, namespaceHTMLElements=False
    )
    return parser.parseFragment(html) if fragment else parser.parse(html)


def check_page(html: str) -> Any:
    """Check a whole page: valid, one h1, unique ids, no inline script or handler. Return its
    tree."""
    tree = parse(html)
    assert len(tree.findall(".//h1")) == 1
    _check_tree(tree)
    return tree


def check_fragment(html: str) -> Any:
    """Check a part of a page: valid, unique ids, no <html> or <body>, no inline script. Return its
    tree."""
    assert "<html" not in html and "<body" not in html
    tree = parse(html, fragment=True)
    _check_tree(tree)
    return tree


def check_view(client: Client, url: str) -> Any:
    """Check the page, the fragment for htmx, and the page again for a history restore. Return the
    tree of the page."""
    response = client.get(url)
    assert response.status_code == 200, response.content[:300]
    tree = check_page(response.content.decode())
    check_fragment(client.get(url, headers=FRAGMENT).content.decode())
    check_page(client.get(url, headers=RESTORE).content.decode())
    return tree


def text_of(tree: Any) -> str:
    return " ".join("".join(tree.itertext()).split())


def _check_tree(tree: Any) -> None:
    ids = Counter(element.get("id") for element in tree.iter() if element.get("id"))
    assert [name for name, times in ids.items() if times > 1] == []
    for element in tree.iter():
        if element.tag == "script":
            assert element.get("src") and not (element.text or "").strip()
        assert not [name for name in element.attrib if name.startswith("on")]
        assert not element.get("href", "").startswith("javascript:")
