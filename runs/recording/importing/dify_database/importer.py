"""Import a Dify database: its apps one after the other, each from where the last import of it
stopped. What was read is committed in small parts, and the checkpoint stored after each.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any

from django.utils import timezone

from runs.models import App, Conversation, ImportState, Run
from runs.recording.decoding.dify.definition import Definition, behaviour_of
from runs.recording.decoding.dify.graphs import read_graph
from runs.recording.importing.dify_database import database
from runs.recording.importing.dify_database.checkpoint import (
    FIRST_ID,
    OVERLAP,
    Checkpoint,
    RowHead,
    RowKey,
)
from runs.recording.importing.dify_database.database import DifyApp, DifyDatabase, valid_uuids
from runs.recording.importing.dify_database.message_reader import MessageReader
from runs.recording.importing.dify_database.run_reader import (
    DRAFT,
    Define,
    RunReader,
    SizedRecords,
)
from runs.recording.importing.dify_database.storage import DifyStorage
from runs.recording.records.payload_values import clean
from runs.recording.records.record import NodeRecord
from runs.recording.storing import inbox, notes, related_rows, store
from runs.recording.storing.definitions import define

HEADS_AT_ONCE, RUNS_AT_ONCE = 500, 50
# Records are written when there are so many, or of so many characters.
RECORDS_AT_ONCE, CHARACTERS_AT_ONCE = 1_000, 8_000_000
ORIGIN = store.Origin(kind=store.DATABASE)
SENDER = inbox.Sender("import_dify")

TableReader = RunReader | MessageReader


@dataclass(slots=True)
class ImportProgress:
    """What was imported so far; `show` is called whenever it changes."""

    show: Callable[["ImportProgress"], None] = lambda _: None
    runs: int = 0  # runs and messages read
    steps: int = 0  # records written
    notes: int = 0
    refused: int = 0

    def add(self, **counts: int) -> None:
        for name, number in counts.items():
            setattr(self, name, getattr(self, name) + number)
        self.show(self)


@dataclass(slots=True)
class AppImport:
    """The import of one app. `target` names the database without a secret."""

    dify: DifyDatabase
    app: DifyApp
    target: str
    name: str  # as no other app of this database is called
    progress: ImportProgress
    storage: DifyStorage | None = None
    state: ImportState = field(init=False)

    def __post_init__(self) -> None:
        self.state, _ = ImportState.objects.get_or_create(source=source_of(self.target, self.app))

    def read(self, since: datetime | None = None) -> None:
        """Import what is new or has changed since the last time; with `since` (UTC, without a
        zone) everything from then on again."""
        began = self.dify.now()
        service = self._service_name()
        self._import_versions(service)
        runs = RunReader(self.dify, self.app, service, self._define(service), self.storage)
        messages = MessageReader(self.dify, self.app, service)
        self._import_table("runs", runs, since)
        self._import_table("messages", messages, since)
        changed_since = since or self._stored_time("changed")
        self._import_titles(messages, service, changed_since)
        self._import_notes(messages, changed_since)
        self._store_position(changed=(began - OVERLAP).isoformat())

    def expected(self, since: datetime | None) -> int | None:
        """Return how many runs and messages there are to read, at most; None where counting them
        takes too long."""
        total = 0
        for kind, table in (("runs", "workflow_runs"), ("messages", "messages")):
            start = Checkpoint.from_json(self.state.position.get(kind)).start
            count = self.dify.count(table, self.app, since or (start[0] if start else None))
            if count is None:
                return None
            total += count
        return total

    # -- the app and its versions ------------------------------------------------------------------

    def _service_name(self) -> str:
        """Return the name of the app that the runs are in here: if some of them were recorded from
        another source, the one that they are in; else the Dify app's own name. Decided once."""
        name = self.state.position.get("service")
        if not name:
            ids = [
                id_
                for table in ("workflow_runs", "messages")
                for id_ in self.dify.newest(table, self.app)
            ]
            known = Run.objects.with_any_source_id(ids).select_related("app").first()
            name = known.app.name if known else clean(self.name, 200)
            self._store_position(service=name)
        return str(name)

    def _define(self, service: str) -> Define:
        def define_version(label: str, definition: Definition, workflow_id: str) -> None:
            define(_app_of_service(service), label, definition, workflow_id)

        return define_version

    def _import_versions(self, service: str) -> None:
        """Import published workflows that are new or were changed (named, mostly)."""
        known = dict(self.state.position.get("versions") or {})
        names = database.WORKFLOW_HEAD_COLUMNS
        marks = {
            head["id"]: _short_digest(" ".join(str(head[name]) for name in names))
            for head in self.dify.changed("workflows", names, self.app, None)
            if head["version"] not in (None, "", DRAFT)
        }
        changed = [id_ for id_, mark in marks.items() if known.get(id_) != mark]
        for id_ in changed:
            for row in self.dify.by_ids("workflows", database.WORKFLOW_COLUMNS, [id_]):
                graph = read_graph(row["graph"])
                if not graph.stored["nodes"]:
                    continue
                texts = (row["marked_name"], row["marked_comment"])
                comment = "\n".join(str(text) for text in texts if text)
                definition = Definition(graph, behaviour_of(row))
                define(_app_of_service(service), str(row["version"]), definition, id_, comment)
        if changed:
            self._store_position(versions=marks)

    # -- runs and messages -------------------------------------------------------------------------

    def _import_table(self, kind: str, reader: TableReader, since: datetime | None) -> None:
        """Import what is new of a table, then what had not ended the last time; `kind` is the key
        of its checkpoint."""
        checkpoint = Checkpoint.from_json(self.state.position.get(kind))
        still_open = set(checkpoint.open_ids())
        after: RowKey | None = (since, FIRST_ID) if since else checkpoint.start
        while heads := reader.heads(after, HEADS_AT_ONCE):
            still_open.difference_update(head.id for head in heads)
            self._import_rows(reader, checkpoint, heads if since else checkpoint.unread(heads))
            checkpoint.mark_read(heads)
            self._store_position(**{kind: checkpoint.as_json()})
            after = heads[-1].key
            if len(heads) < HEADS_AT_ONCE:
                break
        for ids in _batches(sorted(still_open), HEADS_AT_ONCE):
            heads = reader.heads_by_ids(ids)
            self._import_rows(reader, checkpoint, checkpoint.unread(heads))
            checkpoint.forget(set(ids) - {head.id for head in heads})
        self._store_position(**{kind: checkpoint.as_json()})

    def _import_rows(
        self, reader: TableReader, checkpoint: Checkpoint, heads: list[RowHead]
    ) -> None:
        for part in _batches(heads, RUNS_AT_ONCE):
            for records in _record_batches(reader.records([head.id for head in part])):
                saved = store.save_records(records, ORIGIN)
                if saved.refused:
                    inbox.keep_refused([(refused, b"") for refused in saved.refused], SENDER)
                self.progress.add(steps=len(records), refused=len(saved.refused))
            checkpoint.mark_read(part)
            self.progress.add(runs=len(part))

    # -- titles of conversations, notes ------------------------------------------------------------

    def _import_titles(self, reader: MessageReader, service: str, since: datetime | None) -> None:
        conversations = Conversation.objects.filter(app__name=service)
        untitled = conversations.filter(title="").order_by("-last_run_at")[:HEADS_AT_ONCE]
        ids = valid_uuids(conversation.source_id for conversation in untitled)
        titles_by_id = self.dify.names("conversations", "name", ids)
        for titles in (titles_by_id, *reader.titles(since)):
            titles = {id_: clean(title, 255) for id_, title in titles.items()}
            changed = [
                conversation
                for conversation in conversations.filter(source_id__in=titles)
                if conversation.title != titles[conversation.source_id]
            ]
            for conversation in changed:
                conversation.title = titles[conversation.source_id]
            Conversation.objects.bulk_update(changed, ["title"])

    def _import_notes(self, reader: MessageReader, since: datetime | None) -> None:
        for records in reader.notes(since):
            self.progress.add(notes=notes.save(records))

    # -- the stored position -----------------------------------------------------------------------

    def _stored_time(self, name: str) -> datetime | None:
        text = self.state.position.get(name)
        return datetime.fromisoformat(text) if text else None

    def _store_position(self, **changes: Any) -> None:
        position = {**self.state.position, **changes}
        if position != self.state.position:
            self.state.position, self.state.updated_at = position, timezone.now()
            self.state.save()


def _app_of_service(service: str) -> App:
    [app_id] = related_rows.app_ids([service]).values()
    return App.objects.get(pk=app_id)


def app_names(apps: Sequence[DifyApp]) -> dict[str, str]:
    """Return what each app is called here, by id: its name, with its id where several have the
    same."""
    counts = Counter(app.name for app in apps)
    return {
        app.id: app.name if counts[app.name] == 1 else f"{app.name} ({app.id[:8]})" for app in apps
    }


def source_of(target: str, app: DifyApp) -> str:
    """Return the ImportState source that names database and app; a socket's long path by its
    digest."""
    name = target if len(target) <= 120 else f"{target[:80]}~{_short_digest(target)}"
    return f"dify {name} {app.id}"


def _short_digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=8).hexdigest()


def _batches(items: list[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _record_batches(rows: Iterable[SizedRecords]) -> Iterator[list[NodeRecord]]:
    """Yield enough records for one transaction, and no more than fit into memory."""
    batch: list[NodeRecord] = []
    size = 0
    for records, length in rows:
        batch += records
        size += length
        if len(batch) >= RECORDS_AT_ONCE or size >= CHARACTERS_AT_ONCE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
