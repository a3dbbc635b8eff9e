"""Runs as NDJSON without loss; `runs.recording.importing.run_files.lines` documents the format. The
file is written piece by piece, so that neither many runs nor a long one need much memory."""

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from nodes.clock import to_us
from nodes.models import NodeExecution
from runs.models import Note, Run, Version
from runs.recording.importing.run_files.lines import FORMAT, EndLine, RunLine, VersionLine
from runs.recording.records.record import NoteRecord
from runs.recording.records.record_json import record_to_json
from runs.recording.storing.execution_rows import records_of, traces_of, verbatim


def ndjson_lines(runs: Iterable[Run]) -> Iterator[bytes]:
    """Yield the file line by line. Runs were loaded `with_sources()`."""
    yield _json_line("waylog", FORMAT)
    written: set[int] = set()
    count = 0
    for run in runs:
        if run.version_id is not None and run.version_id not in written:
            written.add(run.version_id)
            yield _json_line("version", record_to_json(_version_line(run, run.version_id)))
        yield _json_line("run", record_to_json(_run_line(run)))
        for _, record in records_of(run, verbatim):
            yield _json_line("step", record_to_json(record))
        for note in Note.objects.on_run(run):
            yield _json_line("note", record_to_json(_note_record(note, traces_of(run)[0])))
        count += 1
    yield _json_line("end", record_to_json(EndLine(count)))


def _json_line(name: str, value: Any) -> bytes:
    return orjson.dumps({name: value}, option=orjson.OPT_APPEND_NEWLINE)


def _run_line(run: Run) -> RunLine:
    sources = list(run.sources.all())
    return RunLine(
        id=str(run.id),
        app=run.app.name,
        sources=tuple(sorted((source.kind, source.source_id) for source in sources)),
        seen_us=to_us(run.last_seen_at) or 0,
        kind=run.source_kind.removeprefix("dify-"),
        bound=any(source.scope for source in sources),
        steps=NodeExecution.objects.filter(run=run).count(),
        conversation_title=run.conversation.title if run.conversation else "",
    )


def _version_line(run: Run, version_id: int) -> VersionLine:
    version = Version.objects.get(pk=version_id)
    return VersionLine(
        app=run.app.name,
        label=version.label,
        number=version.number,
        graph=version.graph,
        configuration=version.configuration,
        digest=version.digest,
        source_id=version.source_id,
        comment=version.comment,
        created_us=to_us(version.created_at),
        sample=run.app.is_sample,
    )


def _note_record(note: Note, trace: str) -> NoteRecord:
    return NoteRecord(
        about=note.about or trace,
        source=note.source,
        source_id=note.source_id or note.pk.hex,
        name=note.name,
        number=note.number,
        label=note.label,
        text=note.text,
        about_step=note.about_step,
        author=note.author,
        created_us=to_us(note.created_at),
    )
