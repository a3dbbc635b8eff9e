"""Saved views as JSON."""

from typing_extensions import TypedDict


class SavedViewJson(TypedDict):
    """Filters saved under a name."""

    name: str
    url: str
    app: str | None
    query: str
    shared: bool
    owner: str
    created_at: str | None


class SavedViewListJson(TypedDict):
    """The saved views that are visible to the reader."""

    views: list[SavedViewJson]
