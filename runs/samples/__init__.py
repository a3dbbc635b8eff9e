"""Sample runs: a believable week of four apps, built as request bodies in the dialects of real
producers and recorded like any others. Every id follows from a seed."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from nodes.clock import to_us
from nodes.models import Payload
from runs.models import App, Conversation, ErrorGroup, Run, RunSource, SavedView, Version
from runs.recording.decoding.dify.dsl import read_dsl
from runs.recording.storing.definitions import store_dsl
from runs.recording.storing.ingest import store_spans
from runs.samples import contract_review, invoice_intake, research_agent, support_chat
from runs.samples.spans import CONTENT_TYPE, SampleRun, request_bodies, trace_id
from runs.samples.text_files import FOLDER
from runs.search.indexing import forget

APPS = (
    invoice_intake.invoice_runs,
    support_chat.support_runs,
    contract_review.contract_runs,
    research_agent.research_runs,
)
SUPPORT_CHAT_DSL = FOLDER / "support-chat.yml"  # as Dify exports the app
Progress = Callable[[int], None]  # called with the number of runs sent so far


def sample_runs(now_us: int, limit: int | None = None, times: int = 1) -> Iterator[SampleRun]:
    """Yield all sample runs of the week before `now_us`, app by app, oldest first. `limit` is how
    many there are of each app, those with something to find first; `times` multiplies all
    others."""
    for app_runs in APPS:
        yield from sorted(app_runs(now_us, limit, times), key=lambda run: run.start_us)


def load(progress: Progress | None = None, limit: int | None = None, times: int = 1) -> int:
    """Record the sample runs, and return how many there are. Once loaded, doing it again changes
    nothing: the week keeps the place in time that it had. `limit` and `times` as for
    `sample_runs`."""
    now = _loaded_at() or timezone.now()
    run_ids: set[UUID] = set()
    for body, _ in request_bodies(sample_runs(to_us(now), limit, times)):
        run_ids |= _store(body)
        if progress:
            progress(len(run_ids))
    store_dsl(read_dsl(SUPPORT_CHAT_DSL.read_bytes()), support_chat.PROJECT)
    return len(run_ids)


def _store(body: bytes) -> frozenset[UUID]:
    stored = store_spans(body, CONTENT_TYPE)
    if stored.refused:
        raise RuntimeError(f"a sample was refused: {stored.reason}")
    return stored.runs


def _loaded_at() -> datetime | None:
    """Return the time from which the stored samples were counted back, by the oldest of them, which
    is sent before any other; None where none are stored."""
    if not App.objects.filter(is_sample=True).exists():
        return None
    first = trace_id(f"{invoice_intake.PROJECT}/0").hex()
    source = RunSource.objects.filter(source_id=first, scope=0).select_related("run").first()
    ago = timedelta(microseconds=invoice_intake.FIRST_AGO)
    return source.run.started_at + ago if source else None


@transaction.atomic
def remove() -> int:
    """Delete the sample apps with everything of them, and return how many runs are gone. Rows are
    deleted by app in the order of their references and never loaded."""
    apps = list(App.objects.filter(is_sample=True).values_list("pk", flat=True))
    runs = Run.objects.filter(app__in=apps)
    forget(runs)
    count = runs.remove()
    for model in (Payload, Conversation, Version, ErrorGroup, SavedView):
        _delete_rows(model.objects.filter(app__in=apps))
    App.objects.filter(pk__in=apps).delete()
    return count


def _delete_rows(rows: QuerySet) -> int:
    """Send one DELETE, without Django's walk over what refers to the rows."""
    return rows._raw_delete(rows.db)
