"""The small tables around a run: apps, versions, conversations, error groups."""

from collections.abc import Collection, Iterable, Mapping
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
    """Return service name → app id for all records; apps are created as they appear. `bound`: the
    name of the app that the key is bound to."""
    samples: dict[str, bool] = {}
    for record in records:
        name = bound or record.service
        if name not in samples:
            samples[name] = bool((record.resource or {}).get(SAMPLE))
    return app_ids(list(samples), {name for name, sample in samples.items() if sample})


def app_ids(names: Collection[str], samples: Collection[str] | None = None) -> dict[str, int]:
    """Return name → id of these apps, created as needed. `samples`: the names of those that are
    samples; an app into which somebody records for real is none any more. None: unknown, so that
    nothing changes."""
    stored_names = {name: clean(name, 200) for name in names}
    rows = App.objects.filter(name__in=stored_names.values()).values_list("name", "id", "is_sample")
    ids = {name: id_ for name, id_, _ in rows}
    real = {id_ for name, id_, is_sample in rows if is_sample and name not in (samples or ())}
    if real and samples is not None:
        App.objects.filter(id__in=real).update(is_sample=False)
    for name, stored_name in stored_names.items():
        if stored_name not in ids:
            ids[stored_name] = _create_app(stored_name, name in (samples or ())).pk
    return {name: ids[stored_name] for name, stored_name in stored_names.items()}


def _create_app(name: str, is_sample: bool) -> App:
    """Create an app with a slug of its own, or return the one that another process created in the
    meantime."""
    base = slugify(name, allow_unicode=True)[:70] or "app"
    for _ in range(100):
        similar = App.objects.filter(slug__startswith=base).values_list("slug", flat=True)
        used = RESERVED_SLUGS.union(similar)
        slugs = (f"{base}-{number}" if number > 1 else base for number in count(1))
        slug = next(slug for slug in slugs if slug not in used)
        try:
            with transaction.atomic():
                return App.objects.create(name=name, slug=slug, is_sample=is_sample)
        except IntegrityError:  # the name or the slug was used in the meantime
            if app := App.objects.filter(name=name).first():
                return app
    raise OperationalError(f"No slug could be found for the app {name!r}.")


class RunRelations(NamedTuple):
    """The rows that a run refers to. Versions and conversations without any run are removed."""

    app_id: int
    version_id: int | None
    conversation_id: UUID | None
    mode: str


# Labels of definitions that no producer has named (an exported DSL file).
DEFINED = "DSL "


class RelatedRuns(NamedTuple):
    """Run id → the rows that the run refers to; and the ended runs whose app has a definition that
    no producer has named: it may be that of their version."""

    relations: dict[UUID, RunRelations]
    maybe_defined: list[UUID]


def relate_runs(runs: Mapping[UUID, tuple[int, Summary]]) -> RelatedRuns:
    """Return what the runs refer to, created as needed; mark apps with chatflow runs as such.
    `runs`: the app id and summary of each."""
    labels = {run_id: _version_label(summary) for run_id, (_, summary) in runs.items()}
    versions = _version_ids(
        {(runs[run_id][0], label) for run_id, label in labels.items() if label is not None}
    )
    defined = {app_id for app_id, label in versions if label.startswith(DEFINED)}
    conversations: dict[UUID, tuple[Any, ...]] = {}
    relations: dict[UUID, RunRelations] = {}
    for run_id, (app_id, summary) in runs.items():
        source_id = clean(summary.facts.conversation or "", 200)
        conversation_id = uuid5(CONVERSATIONS, f"{app_id}:{source_id}") if source_id else None
        if conversation_id:
            conversations[conversation_id] = (conversation_id.hex, app_id, source_id, "", "")
        label = labels[run_id]
        version = None if label is None else versions[app_id, label]
        mode = summary.columns["mode"]
        relations[run_id] = RunRelations(app_id, version, conversation_id, mode)
    columns = ["id", "app_id", "source_id", "title", "user"]
    bulk.insert(Conversation, columns, sorted(conversations.values()), conflict=["id"])
    chatflows = {it.app_id for it in relations.values() if it.mode == "chatflow"}
    if chatflows:
        App.objects.filter(id__in=chatflows).exclude(mode="chatflow").update(mode="chatflow")
    maybe_defined = [
        run_id
        for run_id, (app_id, summary) in runs.items()
        if app_id in defined and summary.columns["status"] not in ("running", "paused")
    ]
    return RelatedRuns(relations, maybe_defined)


def error_groups(runs: Mapping[UUID, tuple[int, Summary]]) -> dict[UUID, str]:
    """Return run id → hex id of the error group that the run belongs to, created as needed; only
    failed runs are in one. `runs`: the app id and summary of each. A group that its last run has
    left stays: it may have been marked as resolved."""
    rows: dict[str, tuple[Any, ...]] = {}
    groups: dict[UUID, str] = {}
    for run_id, (app_id, summary) in runs.items():
        if failure := summary.failure:
            groups[run_id] = key = failure.group(app_id).hex
            rows[key] = (key, app_id, failure.node_id, failure.title, failure.error_type,
                         failure.message)  # fmt: skip
    columns = ["id", "app_id", "node_id", "title", "error_type", "message"]
    bulk.insert(ErrorGroup, columns, sorted(rows.values()), conflict=["id"])
    return groups


def _version_label(summary: Summary) -> str | None:
    """Return None while a running run has not named its version yet: it may still do so."""
    label = clean(summary.facts.version or summary.facts.version_id or "", 200)
    return label if label or summary.columns["status"] not in ("running", "paused") else None


def version_id(app_id: int, label: str) -> int:
    """Return the version of an app with this label, created where there is none."""
    return _version_ids({(app_id, label)})[app_id, label]


def _version_ids(labels: set[tuple[int, str]]) -> dict[tuple[int, str], int]:
    """Return (app id, label) → version id, created as needed."""
    apps = {app_id for app_id, _ in labels}
    rows = Version.objects.filter(app_id__in=apps).values_list("app_id", "label", "id")
    ids = {(app_id, label): id_ for app_id, label, id_ in rows}
    missing = sorted(labels - set(ids))
    if missing:
        bulk.lock(bulk.Stage.VERSIONS, {str(app_id) for app_id, _ in missing})
    for app_id, label in missing:
        newest = (
            Version.objects.filter(app_id=app_id).aggregate(newest=Max("number"))["newest"] or 0
        )
        version, _ = Version.objects.get_or_create(
            app_id=app_id, label=label, defaults={"number": newest + 1}
        )
        ids[app_id, label] = version.pk
    return ids


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A stored run before it is derived anew."""

    relations: RunRelations
    status: str
    last_seen_at: datetime
    source_kind: str


def stored_runs(run_ids: Iterable[UUID]) -> dict[UUID, StoredRun]:
    columns = ("id", "app_id", "version_id", "conversation_id", "mode", "status",
               "last_seen_at", "source_kind")  # fmt: skip
    ids = list(run_ids)
    rows = Run.objects.filter(id__in=ids).values_list(*columns) if ids else ()
    return {run_id: StoredRun(RunRelations(*values[:4]), *values[4:]) for run_id, *values in rows}


def remove_unused(left: Collection[RunRelations]) -> None:
    """Remove what only runs referred to that have moved, as they do once more of them is known.
    `left`: what they referred to before."""
    if not left:
        return
    runs = Run.objects.order_by()
    empty_versions = Version.objects.filter(
        id__in={was.version_id for was in left}, graph__isnull=True
    ).exclude(Exists(runs.filter(version_id=OuterRef("pk"))))
    conversations = {was.conversation_id for was in left if was.conversation_id}
    empty_conversations = Conversation.objects.filter(id__in=conversations).exclude(
        Exists(runs.filter(conversation_id=OuterRef("pk")))
    )
    for empty in (empty_versions, empty_conversations):
        # Raw: a run that another process has just put there must stop this, not go with it.
        empty._raw_delete(empty.db)
    chatflows = {was.app_id for was in left if was.mode == "chatflow"}
    App.objects.filter(id__in=chatflows, mode="chatflow").exclude(
        Exists(runs.filter(app_id=OuterRef("pk"), mode="chatflow"))
    ).update(mode="workflow")


def refresh_conversations(relations: Iterable[RunRelations]) -> None:
    """Set first and last turn and user of conversations from their runs."""
    ids = {it.conversation_id for it in relations if it.conversation_id}
    if not ids:
        return
    if bulk.concurrent():
        # Locked first, in order, so that the figures below are read after the wait.
        conversations = Conversation.objects.filter(id__in=ids)
        list(conversations.select_for_update().order_by("pk").values_list("pk"))
    placeholders = ", ".join(["%s"] * len(ids))
    with connection.cursor() as cursor:
        # In SQL: one look at the runs for all three columns, and Django takes longer to phrase
        # the statement than a database to run it.
        cursor.execute(
            f"""UPDATE runs_conversation SET ("user", started_at, last_run_at) = (
                SELECT COALESCE(MAX(run."user"), ''), MIN(run.started_at), MAX(run.started_at)
                FROM runs_run run WHERE run.conversation_id = runs_conversation.id
            ) WHERE id IN ({placeholders})""",
            [id_.hex for id_ in ids],
        )
