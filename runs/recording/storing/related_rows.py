"""The small tables around a run: apps, versions, conversations."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import Exists, Max, OuterRef
from django.utils.text import slugify

from runs.models import App, Conversation, ErrorGroup, Run, Version
from runs.recording.deriving.summary import Summary
from runs.recording.records.payload_values import clean
from runs.recording.records.record import NodeRecord
from runs.recording.storing import bulk

CONVERSATIONS = UUID("0c3b7f2e-8c52-5f0a-9d0e-3f4a1b2c5d6e")
SAMPLE = "waylog.sample"
RESERVED_SLUGS = frozenset({"new"})


def apps_of(records: Iterable[NodeRecord], bound: str | None) -> dict[str, int]:
    """Service name → app id for all records; apps are made as they appear."""
    samples: dict[str, bool] = {}
    for record in records:
        name = bound or record.service
        if name not in samples:
            samples[name] = bool((record.resource or {}).get(SAMPLE))
    return app_ids(list(samples), {name for name, sample in samples.items() if sample})


def app_ids(names: Collection[str], samples: Collection[str] | None = None) -> dict[str, int]:
    """Ids of the apps named so. `samples`: which of them are told to be samples; an app into which
    somebody records for real is none any more. None: nothing is told."""
    wanted = {name: clean(name, 200) for name in names}
    rows = App.objects.filter(name__in=wanted.values()).values_list("name", "id", "is_sample")
    found = {name: id_ for name, id_, _ in rows}
    real = {id_ for name, id_, is_sample in rows if is_sample and name not in (samples or ())}
    if real and samples is not None:
        App.objects.filter(id__in=real).update(is_sample=False)
    for name, stored in wanted.items():
        if stored not in found:
            found[stored] = _make_app(stored, name in (samples or ())).pk
    return {name: found[stored] for name, stored in wanted.items()}


def _make_app(name: str, is_sample: bool) -> App:
    """The app named so; made with a slug of its own. Another process may make it at the same
    time."""
    base = slugify(name, allow_unicode=True)[:70] or "app"
    for _ in range(100):
        slugs_of = App.objects.filter(slug__startswith=base).values_list("slug", flat=True)
        taken = RESERVED_SLUGS.union(slugs_of)
        slugs = (f"{base}-{number}" if number > 1 else base for number in count(1))
        slug = next(slug for slug in slugs if slug not in taken)
        try:
            with transaction.atomic():
                return App.objects.create(name=name, slug=slug, is_sample=is_sample)
        except IntegrityError:  # the name or the slug was taken meanwhile
            if app := App.objects.filter(name=name).first():
                return app
    raise OperationalError(f"No slug could be found for the app {name!r}.")


class RunRelations(NamedTuple):
    """What a run holds up: without runs, versions and conversations go."""

    app_id: int
    version_id: int | None
    conversation_id: UUID | None
    mode: str


def relate_runs(runs: dict[UUID, tuple[int, Summary]]) -> dict[UUID, RunRelations]:
    """Run → what it holds, made as needed. Marks apps that hold chats."""
    labels = {run_id: _version_label(summary) for run_id, (_, summary) in runs.items()}
    versions = _versions(
        {(runs[run_id][0], label) for run_id, label in labels.items() if label is not None}
    )
    talks: dict[UUID, tuple[Any, ...]] = {}
    held: dict[UUID, RunRelations] = {}
    for run_id, (app_id, summary) in runs.items():
        told = clean(summary.facts.conversation or "", 200)
        talk_id = uuid5(CONVERSATIONS, f"{app_id}:{told}") if told else None
        if talk_id:
            talks[talk_id] = (talk_id.hex, app_id, told, "", "")
        label = labels[run_id]
        version = None if label is None else versions[app_id, label]
        held[run_id] = RunRelations(app_id, version, talk_id, summary.columns["mode"])
    columns = ["id", "app_id", "source_id", "title", "user"]
    bulk.insert(Conversation, columns, sorted(talks.values()), conflict=["id"])
    chats = {now.app_id for now in held.values() if now.mode == "chatflow"}
    if chats:
        App.objects.filter(id__in=chats).exclude(mode="chatflow").update(mode="chatflow")
    return held


def error_groups(app_of: dict[UUID, int], runs: dict[UUID, Summary]) -> dict[UUID, str]:
    """Run → the group of failures that it belongs to, in hex, made as needed; only runs that failed
    are in one. A group that its last run has left stays: it may have been marked as resolved."""
    rows: dict[str, tuple[Any, ...]] = {}
    groups: dict[UUID, str] = {}
    for run_id, summary in runs.items():
        if failure := summary.failure:
            groups[run_id] = key = failure.group(app_of[run_id]).hex
            rows[key] = (key, app_of[run_id], failure.node_id, failure.title, failure.error_type,
                         failure.message)  # fmt: skip
    columns = ["id", "app_id", "node_id", "title", "error_type", "message"]
    bulk.insert(ErrorGroup, columns, sorted(rows.values()), conflict=["id"])
    return groups


def _version_label(summary: Summary) -> str | None:
    """None while a running run has not told its version yet: it may still do so."""
    told = clean(summary.facts.version or "", 200)
    return told if told or summary.columns["status"] not in ("running", "paused") else None


def version_id(app_id: int, label: str) -> int:
    """The version of an app with this label; made where there is none."""
    return _versions({(app_id, label)})[app_id, label]


def _versions(labels: set[tuple[int, str]]) -> dict[tuple[int, str], int]:
    apps = {app_id for app_id, _ in labels}
    rows = Version.objects.filter(app_id__in=apps).values_list("app_id", "label", "id")
    found = {(app_id, label): id_ for app_id, label, id_ in rows}
    wanted = sorted(labels - set(found))
    if wanted:
        bulk.lock(bulk.Stage.VERSIONS, {str(app_id) for app_id, _ in wanted})
    for app_id, label in wanted:
        newest = (
            Version.objects.filter(app_id=app_id).aggregate(newest=Max("number"))["newest"] or 0
        )
        version, _ = Version.objects.get_or_create(
            app_id=app_id, label=label, defaults={"number": newest + 1}
        )
        found[app_id, label] = version.pk
    return found


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A stored run before it was arranged anew."""

    held: RunRelations
    status: str
    last_seen_at: datetime
    source_kind: str


def stored_runs(run_ids: Iterable[UUID]) -> dict[UUID, StoredRun]:
    columns = ("id", "app_id", "version_id", "conversation_id", "mode", "status",
               "last_seen_at", "source_kind")  # fmt: skip
    ids = list(run_ids)
    rows = Run.objects.filter(id__in=ids).values_list(*columns) if ids else ()
    return {run_id: StoredRun(RunRelations(*links[:4]), *links[4:]) for run_id, *links in rows}


def remove_unused(left: Collection[RunRelations]) -> None:
    """Runs have moved, once more of them was known: what they alone held up goes."""
    if not left:
        return
    runs = Run.objects.order_by()
    empty_versions = Version.objects.filter(
        id__in={was.version_id for was in left}, graph__isnull=True
    ).exclude(Exists(runs.filter(version_id=OuterRef("pk"))))
    talks = {was.conversation_id for was in left if was.conversation_id}
    empty_talks = Conversation.objects.filter(id__in=talks).exclude(
        Exists(runs.filter(conversation_id=OuterRef("pk")))
    )
    for empty in (empty_versions, empty_talks):
        # Raw: a run that another process has just put there must stop this, not go with it.
        empty._raw_delete(empty.db)
    chats = {was.app_id for was in left if was.mode == "chatflow"}
    App.objects.filter(id__in=chats, mode="chatflow").exclude(
        Exists(runs.filter(app_id=OuterRef("pk"), mode="chatflow"))
    ).update(mode="workflow")


def refresh_conversations(held: Iterable[RunRelations]) -> None:
    """First and last turn and user of conversations, from their runs."""
    ids = {one.conversation_id for one in held if one.conversation_id}
    if not ids:
        return
    if bulk.concurrent():
        # Taken first, in order: the figures below then are of a moment after the wait.
        talks = Conversation.objects.filter(id__in=ids)
        list(talks.select_for_update().order_by("pk").values_list("pk"))
    places = ", ".join(["%s"] * len(ids))
    with connection.cursor() as cursor:
        # By hand: one look at the runs for all three, and Django takes longer to phrase it than
        # a database to do it.
        cursor.execute(
            f"""UPDATE runs_conversation SET ("user", started_at, last_run_at) = (
                SELECT COALESCE(MAX(run."user"), ''), MIN(run.started_at), MAX(run.started_at)
                FROM runs_run run WHERE run.conversation_id = runs_conversation.id
            ) WHERE id IN ({places})""",
            [id_.hex for id_ in ids],
        )
