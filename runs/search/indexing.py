"""Puts the texts of runs into the index, apart from recording, a few at a time."""

from collections.abc import Iterable, Iterator
from itertools import islice

from django.db import transaction
from django.utils import timezone

from runs.models import Run, SearchDue
from runs.models.run import RunQuerySet
from runs.search import coding
from runs.search.index import SearchDocument, can_hold, search_index
from runs.search.normalizing import normalized
from runs.search.reading import SearchedRun, read_texts, searched_runs

PORTION = 100  # runs that are claimed together
# That one transaction writes: SQLite has one writer at a time.
MAX_CHARACTERS, MAX_RUNS = 400_000, 25


def index_waiting(most: int = PORTION, *, early: bool = False) -> int:
    """Index the runs that wait longest, at most `most`; return how many were done. `early`: also
    runs that have just changed."""
    claimed = SearchDue.objects.claim(most, early=early)
    if not claimed.runs:
        return 0
    runs = searched_runs(claimed.runs)
    if gone := set(claimed.runs) - runs.keys():
        search_index().forget(list(gone))
        SearchDue.objects.mark_done(gone, claimed.mark)
    indexable = [run for run in runs.values() if can_hold(run.started_at)]
    if len(indexable) < len(runs):
        SearchDue.objects.never_index(runs.keys() - {run.id for run in indexable})
    in_order = sorted(indexable, key=lambda run: run.started_at)
    for documents in _transactions(_search_documents(in_order)):
        with transaction.atomic():
            search_index().write(documents)
            SearchDue.objects.mark_done([document.run_id for document in documents], claimed.mark)
    return len(claimed.runs)


def forget(runs: RunQuerySet) -> None:
    """Remove runs that are about to be deleted from the index."""
    ids = list(runs.order_by().values_list("pk", flat=True))
    search_index().forget(ids)
    SearchDue.objects.filter(run__in=runs).delete()


def rebuild() -> None:
    """Empty the index; all runs wait to be indexed again."""
    search_index().empty()
    now = timezone.now()
    rows = Run.objects.order_by().values_list("pk", "started_at").iterator(chunk_size=5_000)
    while portion := list(islice(rows, 5_000)):
        SearchDue.objects.bulk_create(
            (
                SearchDue(run_id=run_id, started_at=started, ready_at=now)
                for run_id, started in portion
            ),
            ignore_conflicts=True,
        )


def _search_documents(runs: Iterable[SearchedRun]) -> Iterator[SearchDocument]:
    for run, texts in read_texts(runs):
        words = {word for text in texts for word in normalized(text.text).split()}
        yield SearchDocument(run.id, run.started_at, coding.document_text(words))


def _transactions(documents: Iterator[SearchDocument]) -> Iterator[list[SearchDocument]]:
    """Yield the documents in parts that one transaction writes."""
    part: list[SearchDocument] = []
    characters = 0
    for document in documents:
        part.append(document)
        characters += len(document.text)
        if len(part) == MAX_RUNS or characters > MAX_CHARACTERS:
            yield part
            part, characters = [], 0
    if part:
        yield part
