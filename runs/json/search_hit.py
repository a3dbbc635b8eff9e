"""Matches of a search as JSON."""

from typing_extensions import TypedDict


class SearchHitJson(TypedDict):
    """A place in a run that contains the searched words."""

    execution: str | None
    """Null where the run itself contains them."""
    field: str
    """“inputs”, “process_data”, “outputs”, “error”, “title”, “node_id” or “source_id”."""
    title: str | None
    iteration: list[int]
    before: str
    match: str
    after: str
    url: str
