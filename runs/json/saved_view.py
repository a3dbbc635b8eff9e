"""Saved views as JSON."""

from typing_extensions import TypedDict


class SavedViewJson(TypedDict):
    """A search that somebody keeps under a name."""

    name: str
    url: str
    app: str | None
    query: str
    shared: bool
    owner: str
    created_at: str | None


class SavedViewListJson(TypedDict):
    """Saved views that the reader may open."""

    views: list[SavedViewJson]
