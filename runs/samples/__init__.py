"""Sample runs: a believable week of four apps, built as request bodies in the dialects of real
producers and sent through the same door as any other. Every id follows from a seed."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from nodes.clock import to_us
from runs.models import App, RunSource
from runs.recording.decoding.dify.dsl import read_dsl
from runs.recording.storing.definitions import store_dsl
from runs.recording.storing.ingest import store_spans
from runs.samples import contract_review, invoice_intake, research_agent, support_chat
from runs.samples.removal import remove
from runs.samples.spans import CONTENT_TYPE, SampleRun, request_bodies, trace_id
from runs.samples.text_files import FOLDER

__all__ = ["load", "remove", "sample_runs"]

APPS = (invoice_intake, support_chat, contract_review, research_agent)
SHAPE = FOLDER / "support-chat.yml"  # as Dify exports the app
Progress = Callable[[int], None]  # called with the number of runs sent so far


def sample_runs(now_us: int, limit: int | None = None, times: int = 1) -> Iterator[SampleRun]:
    """All sample runs of the week before `now_us`, app by app, oldest first; with `limit`, the
    telling ones of each app up to that number; with `times`, of all others so many times as
    many."""
    for app in APPS:
        yield from sorted(app.runs(now_us, limit, times), key=lambda run: run.start_us)


def load(progress: Progress | None = None, limit: int | None = None, times: int = 1) -> int:
    """Record the sample runs; the number of runs. Once loaded, doing it again changes nothing: the
    week keeps the place in time that it had. `times` as for `sample_runs`."""
    now = _loaded_at() or timezone.now()
    seen: set[UUID] = set()
    for body, _ in request_bodies(sample_runs(to_us(now), limit, times)):
        seen |= _send(body)
        if progress:
            progress(len(seen))
    store_dsl(read_dsl(SHAPE.read_bytes()), support_chat.PROJECT)
    return len(seen)


def _send(body: bytes) -> frozenset[UUID]:
    taken = store_spans(body, CONTENT_TYPE)
    if taken.refused:
        raise RuntimeError(f"a sample was refused: {taken.reason}")
    return taken.runs


def _loaded_at() -> datetime | None:
    """The moment from which the stored samples were counted back, read off the oldest, which
    is sent before any other."""
    if not App.objects.filter(is_sample=True).exists():
        return None
    first = trace_id(f"{invoice_intake.PROJECT}/0").hex()
    source = RunSource.objects.filter(source_id=first, scope=0).select_related("run").first()
    ago = timedelta(microseconds=invoice_intake.FIRST_AGO)
    return source.run.started_at + ago if source else None
