"""Putting the texts of runs into the index: apart from recording, a few at a time."""

from collections.abc import Iterable, Iterator
from itertools import islice

from django.db import transaction
from django.utils import timezone

from runs.models import Run, SearchDue
from runs.models.run import RunQuerySet
from runs.search import coding
from runs.search.folding import fold
from runs.search.index import Document, holds, index
from runs.search.reading import SearchedRun, read, searched_runs

PORTION = 100  # runs that are claimed together
# Of so many characters and runs one transaction is made: SQLite writes one at a time.
CHARACTERS, TOGETHER = 400_000, 25


def work_off(most: int = PORTION, *, early: bool = False) -> int:
    """Index the runs that wait longest, at most so many; how many were done. `early`: also runs
    that have just changed."""
    claimed = SearchDue.objects.claim(most, early=early)
    if not claimed.runs:
        return 0
    runs = searched_runs(claimed.runs)
    if gone := set(claimed.runs) - runs.keys():
        index().forget(list(gone))
        SearchDue.objects.done(gone, claimed.mark)
    held = sorted((r for r in runs.values() if holds(r.started_at)), key=lambda r: r.started_at)
    if len(held) < len(runs):
        SearchDue.objects.stays(runs.keys() - {run.id for run in held})
    for documents in _portions(_documents(held)):
        with transaction.atomic():
            index().write(documents)
            SearchDue.objects.done([document.run_id for document in documents], claimed.mark)
    return len(claimed.runs)


def forget(runs: RunQuerySet) -> None:
    """Runs are about to be deleted: take what they say out of the index."""
    ids = list(runs.order_by().values_list("pk", flat=True))
    index().forget(ids)
    SearchDue.objects.filter(run__in=runs).delete()


def begin_anew() -> None:
    """Forget the index; all runs are due."""
    index().empty()
    now = timezone.now()
    rows = Run.objects.order_by().values_list("pk", "started_at").iterator(chunk_size=5_000)
    while portion := list(islice(rows, 5_000)):
        SearchDue.objects.bulk_create(
            (SearchDue(run_id=id_, started_at=started, ready_at=now) for id_, started in portion),
            ignore_conflicts=True,
        )


def _documents(runs: Iterable[SearchedRun]) -> Iterator[Document]:
    for run, pieces in read(runs):
        words = {word for piece in pieces for word in fold(piece.text).split()}
        yield Document(run.id, run.started_at, coding.document(words))


def _portions(documents: Iterator[Document]) -> Iterator[list[Document]]:
    portion: list[Document] = []
    for document in documents:
        portion.append(document)
        if len(portion) == TOGETHER or sum(len(one.text) for one in portion) > CHARACTERS:
            yield portion
            portion = []
    if portion:
        yield portion
