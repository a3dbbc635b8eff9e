"""Places where searched words stand, as JSON."""

from typing_extensions import TypedDict


class SearchHitJson(TypedDict):
    """A place in a run where searched words stand."""

    execution: str | None
    """Null: the run itself has them."""
    field: str
    """“inputs”, “process_data”, “outputs”, “error”, “title”, “node_id” or “source_id”."""
    title: str | None
    iteration: list[int]
    before: str
    match: str
    after: str
    url: str
