"""What tests of the search do all the time."""

from typing import Any

from runs.models import Run
from runs.search import Found, find, parse_text
from runs.search.indexing import work_off


def index_all() -> None:
    while work_off(early=True):
        pass


def search(text: str, after: str = "", **options: Any) -> Found:
    return find(Run.objects.for_list(), parse_text(text), after, **options)
