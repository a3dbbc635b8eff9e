"""The documents in docs/producers/, one for each producer."""

import re
from dataclasses import dataclass
from functools import cache

from django.conf import settings
from django.urls import reverse

FOLDER = settings.BASE_DIR / "docs" / "producers"
EXAMPLE_ADDRESS = "http://127.0.0.1:8000"
FIRST = "opentelemetry"  # what works for every producer
LAST = "other-frameworks"


@dataclass(frozen=True)
class ProducerDocument:
    """One document: `name` is its file name without the suffix and its place in the address."""

    name: str
    title: str
    text: str

    def get_absolute_url(self) -> str:
        return reverse("producer", args=[self.name])

    def at(self, base_url: str) -> str:
        """Return the Markdown below the title, with `base_url` (http://host:port) as the console's
        address and with links that lead to pages of this console. Links to files of the
        repository become plain text."""
        text = self.text.replace(EXAMPLE_ADDRESS, base_url)
        text = re.sub(
            r"\[[^\]]+\]\(([a-z-]+)\.md\)",
            lambda link: f"[{documents()[link[1]].title}]({reverse('producer', args=[link[1]])})",
            text,
        )
        return re.sub(r"\[([^\]]+)\]\(\.\./[^)]*\)", r"`\1`", text)


@cache
def documents() -> dict[str, ProducerDocument]:
    """Return all documents by name: the general one first, then by title."""
    read = [_read_document(path.stem, path.read_text()) for path in FOLDER.glob("*.md")]
    read.sort(key=lambda page: (page.name != FIRST, page.name == LAST, page.title.lower()))
    return {page.name: page for page in read}


def _read_document(name: str, text: str) -> ProducerDocument:
    heading, _, rest = text.partition("\n")
    return ProducerDocument(name, heading.removeprefix("# "), rest.strip())
