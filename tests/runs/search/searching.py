"""Helpers of the tests of the search."""

from typing import Any

from runs.models import Run
from runs.search import SearchResult, find, parse_text
from runs.search.indexing import index_waiting


def index_all() -> None:
    while index_waiting(early=True):
        pass


def search(text: str, after: str = "", **options: Any) -> SearchResult:
    return find(Run.objects.for_list(), parse_text(text), after, **options)
