"""Importing a Dify database: its apps one after the other, each in passes that go on where the last
one stopped. What was read is committed in small parts, and the place kept after each.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from itertools import islice
from typing import Any

from django.utils import timezone

from runs.models import App, Conversation, ImportState, Run
from runs.recording.decoding.dify.definition import Definition, behaviour_of
from runs.recording.decoding.dify.graphs import read_graph
from runs.recording.importing.dify_database import tables
from runs.recording.importing.dify_database.checkpoint import OVERLAP, Head, Key, Trail
from runs.recording.importing.dify_database.database import Dify, DifyApp, ids_among
from runs.recording.importing.dify_database.message_reader import MessageReader
from runs.recording.importing.dify_database.run_reader import DRAFT, Piece, RunReader
from runs.recording.importing.dify_database.storage import Storage
from runs.recording.records.payload_values import clean
from runs.recording.records.record import NodeRecord
from runs.recording.storing import inbox, notes, related_rows, store
from runs.recording.storing.definitions import define

HEADS_AT_ONCE, RUNS_AT_ONCE = 500, 50
# Records are written when there are so many, or of so many characters.
RECORDS_AT_ONCE, CHARACTERS_AT_ONCE = 1_000, 8_000_000
ORIGIN = store.Origin(kind="database")
SENDER = inbox.Sender(door="import_dify")
FIRST_ID = "00000000-0000-0000-0000-000000000000"

Reader = RunReader | MessageReader


@dataclass(slots=True)
class Progress:
    """What was moved so far; `show` is called whenever it changes."""

    show: Callable[["Progress"], None] = lambda _: None
    things: int = 0  # runs and messages read
    steps: int = 0  # records written
    notes: int = 0
    refused: int = 0

    def add(self, **more: int) -> None:
        for name, number in more.items():
            setattr(self, name, getattr(self, name) + number)
        self.show(self)


@dataclass(slots=True)
class AppImport:
    """The import of one app. `target` names the database without a secret."""

    dify: Dify
    app: DifyApp
    target: str
    name: str  # as no other app of this database is called
    progress: Progress
    storage: Storage | None = None
    state: ImportState = field(init=False)

    def __post_init__(self) -> None:
        self.state, _ = ImportState.objects.get_or_create(source=source_of(self.target, self.app))

    def read(self, since: datetime | None = None) -> None:
        """One pass: what is new or has changed since the last one; with `since` (UTC, without a
        zone) everything from that moment on again."""
        began = self.dify.now()
        service = self._service()
        self._versions(service)
        runs = RunReader(self.dify, self.app, service, self._definer(service), self.storage)
        messages = MessageReader(self.dify, self.app, service)
        self._follow("runs", runs, since)
        self._follow("messages", messages, since)
        changed_since = since or self._moment("changed")
        self._titles(messages, service, changed_since)
        self._notes(messages, changed_since)
        self._keep(changed=(began - OVERLAP).isoformat())

    def expected(self, since: datetime | None) -> int | None:
        """How many runs and messages there are to read, at most; None where nobody knows."""
        found = 0
        for kind, table in (("runs", "workflow_runs"), ("messages", "messages")):
            start = Trail.of(self.state.position.get(kind)).start
            count = self.dify.count(table, self.app, since or (start[0] if start else None))
            if count is None:
                return None
            found += count
        return found

    # -- the app and its versions ------------------------------------------------------------------

    def _service(self) -> str:
        """The app that its runs are in here: if some of them were recorded by another door, the
        one that they are in; else the app's own name. Decided once."""
        found = self.state.position.get("service")
        if not found:
            ids = [
                id_
                for table in ("workflow_runs", "messages")
                for id_ in self.dify.newest(table, self.app)
            ]
            known = Run.objects.with_any_source_id(ids).select_related("app").first()
            found = known.app.name if known else clean(self.name, 200)
            self._keep(service=found)
        return str(found)

    def _app(self, service: str) -> App:
        [app_id] = related_rows.app_ids([service]).values()
        return App.objects.get(pk=app_id)

    def _definer(self, service: str) -> Callable[[str, Definition, str], None]:
        def told(label: str, definition: Definition, workflow_id: str) -> None:
            define(self._app(service), label, definition, workflow_id)

        return told

    def _versions(self, service: str) -> None:
        """Published workflows that are new or were changed (named, mostly)."""
        known = dict(self.state.position.get("versions") or {})
        heads = self.dify.changed("workflows", tables.WORKFLOW_HEAD, self.app, None)
        marks = {h["id"]: " ".join(str(h[n]) for n in tables.WORKFLOW_HEAD) for h in heads
                 if h["version"] not in (None, "", DRAFT)}  # fmt: skip
        wanted = [id_ for id_, mark in marks.items() if known.get(id_) != _digest(mark)]
        for id_ in wanted:
            for row in self.dify.by_ids("workflows", tables.WORKFLOW, [id_]):
                graph = read_graph(row["graph"])
                if not graph.stored["nodes"]:
                    continue
                told = (row["marked_name"], row["marked_comment"])
                comment = "\n".join(str(text) for text in told if text)
                definition = Definition(graph, behaviour_of(row))
                define(self._app(service), str(row["version"]), definition, id_, comment)
        if wanted:
            self._keep(versions={id_: _digest(mark) for id_, mark in marks.items()})

    # -- runs and messages -------------------------------------------------------------------------

    def _follow(self, kind: str, reader: Reader, since: datetime | None) -> None:
        trail = Trail.of(self.state.position.get(kind))
        waiting = set(trail.open_ids())
        after: Key | None = (since, FIRST_ID) if since else trail.start
        while heads := reader.heads(after, HEADS_AT_ONCE):
            waiting.difference_update(head.id for head in heads)
            news = [head for head in heads if since or head in trail.news([head])]
            self._read(kind, reader, trail, news)
            trail.note(heads)
            self._keep(**{kind: trail.as_json()})
            after = heads[-1].key
            if len(heads) < HEADS_AT_ONCE:
                break
        for part in _parts(sorted(waiting), HEADS_AT_ONCE):
            heads = reader.heads_of(part)
            self._read(kind, reader, trail, trail.news(heads))
            trail.forget(set(part) - {head.id for head in heads})
        self._keep(**{kind: trail.as_json()})

    def _read(self, kind: str, reader: Reader, trail: Trail, news: list[Head]) -> None:
        for part in _parts(news, RUNS_AT_ONCE):
            for records in _batches(reader.records([head.id for head in part])):
                saved = store.save_records(records, ORIGIN)
                if saved.refused:
                    inbox.keep_refused([(refused, b"") for refused in saved.refused], SENDER)
                self.progress.add(steps=len(records), refused=len(saved.refused))
            trail.note(part)
            self.progress.add(things=len(part))

    # -- what is said about them -------------------------------------------------------------------

    def _titles(self, reader: MessageReader, service: str, since: datetime | None) -> None:
        talks = Conversation.objects.filter(app__name=service)
        nameless = talks.filter(title="").order_by("-last_run_at")[:HEADS_AT_ONCE]
        ids = ids_among(talk.source_id for talk in nameless)
        found = self.dify.names("conversations", "name", ids)
        for titles in (found, *reader.titles(since)):
            titles = {id_: clean(title, 255) for id_, title in titles.items()}
            changed = [talk for talk in talks.filter(source_id__in=titles)
                       if talk.title != titles[talk.source_id]]  # fmt: skip
            for talk in changed:
                talk.title = titles[talk.source_id]
            Conversation.objects.bulk_update(changed, ["title"])

    def _notes(self, reader: MessageReader, since: datetime | None) -> None:
        for found in reader.notes(since):
            notes.save(found)
            self.progress.add(notes=len(found))

    # -- where it stands ---------------------------------------------------------------------------

    def _moment(self, name: str) -> datetime | None:
        told = self.state.position.get(name)
        return datetime.fromisoformat(told) if told else None

    def _keep(self, **position: Any) -> None:
        told = {**self.state.position, **position}
        if told != self.state.position:
            self.state.position, self.state.updated_at = told, timezone.now()
            self.state.save()


def app_names(apps: Sequence[DifyApp]) -> dict[str, str]:
    """What each app is called here: by its name, and its id where several have the same."""
    often = Counter(app.name for app in apps)
    return {
        app.id: app.name if often[app.name] == 1 else f"{app.name} ({app.id[:8]})" for app in apps
    }


def source_of(target: str, app: DifyApp) -> str:
    """Names database and app for ImportState; a socket's long path by its digest."""
    place = target if len(target) <= 120 else f"{target[:80]}~{_digest(target)}"
    return f"dify {place} {app.id}"


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=8).hexdigest()


def _parts(items: list[Any], size: int) -> Iterator[list[Any]]:
    waiting = iter(items)
    while part := list(islice(waiting, size)):
        yield part


def _batches(pieces: Iterable[Piece]) -> Iterator[list[NodeRecord]]:
    """Enough records for one transaction, and no more than fit into memory."""
    batch: list[NodeRecord] = []
    size = 0
    for records, length in pieces:
        batch += records
        size += length
        if len(batch) >= RECORDS_AT_ONCE or size >= CHARACTERS_AT_ONCE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
