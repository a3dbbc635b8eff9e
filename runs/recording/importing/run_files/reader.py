"""Import of files: runs that a Waylog exported (run files), or OTLP as it was sent.

A run file is read line by line, and written in batches. What cannot be recorded is refused alone;
reading a file twice changes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import IO, Any
from uuid import UUID

from django.conf import settings
from django.db import DataError

from runs.recording.importing.run_files import related_records
from runs.recording.importing.run_files.compressed_lines import CompressedFile, UnreadableFile
from runs.recording.importing.run_files.lines import FORMAT, EndLine, RunLine, VersionLine
from runs.recording.records.payload_values import clean
from runs.recording.records.record import NodeRecord, NoteRecord, Refused
from runs.recording.records.record_json import InvalidRecord, parse_exact, record_from_json
from runs.recording.records.request_body import UnreadableBody
from runs.recording.storing import inbox, ingest, store
from runs.recording.storing.identity import TRACE, ImportedRun

# Records are written when there are so many, or lines of so many bytes.
RECORDS_AT_ONCE, BYTES_AT_ONCE = 2_000, 16_000_000
SENTENCES = 20
KEPT_CHARACTERS = 4_000
BLANK, BOM = b" \t\r\n", b"\xef\xbb\xbf"
NO_RUN_FILE = "This is neither a run file (NDJSON) nor OTLP traces in JSON or protobuf."


@dataclass(slots=True)
class RunFileReport:
    """What became of a file. `refused` counts lines and spans that could not be recorded, and what
    is missing; `sentences` are the first reasons."""

    runs: set[UUID] = field(default_factory=set)
    steps: int = 0
    notes: int = 0
    refused: int = 0
    sentences: list[str] = field(default_factory=list)

    def complain(self, sentence: str, count: int = 1) -> None:
        self.refused += count
        if len(self.sentences) < SENTENCES:
            self.sentences.append(sentence)


Progress = Callable[[RunFileReport], None]


def is_no_json(line: bytes) -> bool:
    try:
        parse_exact(line.removeprefix(BOM))
    except InvalidRecord:
        return True
    return False


def import_otlp(body: bytes, content_type: str, report: RunFileReport) -> None:
    """Import one OTLP request. Raises UnreadableFile, UnreadableBody."""
    if len(body) > settings.WAYLOG_MAX_BODY:
        raise UnreadableFile(
            f"The request in it is larger than {settings.WAYLOG_MAX_BODY >> 20} MB."
        )
    if not body:
        raise UnreadableBody("")
    sender = inbox.Sender("/v1/traces", user_agent="import", content_type=content_type)
    result = ingest.store_spans(body, content_type, sender)
    report.runs |= result.runs
    report.steps += result.records - len(result.refused)
    for refused in result.refused:
        report.complain(refused.reason)


def import_file(
    file: IO[bytes],
    sender: inbox.Sender,
    progress: Progress = lambda report: None,
    most: int | None = None,
) -> RunFileReport:
    """Import what is in a file, packed or not, of at most `most` bytes unpacked. What was read is
    committed in parts. Raises DatabaseError when the database cannot take it now."""
    report = RunFileReport()
    try:
        packed = CompressedFile(file, settings.WAYLOG_MAX_BODY, most)
        head = packed.head()
        # A protobuf request begins with the tag of its first field, which is a line feed.
        if head.removeprefix(BOM).lstrip(BLANK)[:1] == b"{" and head[:1] != b"\n":
            _import_lines(packed, sender, report, progress)
        else:
            import_otlp(packed.rest(settings.WAYLOG_MAX_BODY), "application/x-protobuf", report)
    except UnreadableFile as problem:
        report.complain(str(problem))
    except UnreadableBody:
        report.complain(NO_RUN_FILE if head else "The file is empty.")
    progress(report)
    return report


def _import_lines(
    packed: CompressedFile, sender: inbox.Sender, report: RunFileReport, progress: Progress
) -> None:
    """Import NDJSON, or OTLP in JSON: a request a line, as collectors write files, or one over
    several lines."""
    lines = packed.lines()
    number, line = next(lines)
    if line is not None and is_no_json(line):
        rest = packed.rest(settings.WAYLOG_MAX_BODY - len(line))
        import_otlp(line + rest, "application/json", report)
        return
    reader = RunFileReader(sender, report, progress)
    try:
        reader.read_line(number, line)
        for number, line in lines:
            reader.read_line(number, line)
    finally:
        reader.flush()
    reader.finish()


class RunFileReader:
    """A run file while it is read, line by line."""

    def __init__(self, sender: inbox.Sender, report: RunFileReport, progress: Progress) -> None:
        self.sender, self.report, self.progress = sender, report, progress
        self.headed = self.has_end = False
        self.runs = 0  # since the last head
        self.run: RunLine | None = None
        self.missing = 0  # steps of the run that are still to come
        self.skipped = 0  # lines of a run that could not be recorded
        self.origin = store.Origin()
        self.imported_runs: dict[str, ImportedRun] = {}
        self.titles: dict[UUID, str] = {}
        self.records: list[NodeRecord] = []
        self.notes: list[NoteRecord] = []
        self.size = 0

    def read_line(self, number: int, line: bytes | None) -> None:
        """Read a line; None: one that is too long."""
        if line is not None and not line.strip(BLANK):
            return
        try:
            if line is None:
                raise InvalidRecord(f"It is longer than {settings.WAYLOG_MAX_BODY >> 20} MB.")
            self._read_value(parse_exact(line.removeprefix(BOM) if number == 1 else line), line)
        except InvalidRecord as problem:
            cut = line is not None and not line.endswith(b"\n") and is_no_json(line)
            reason = "The file ends in the middle of it." if cut else str(problem)
            self._refuse(f"Line {number}: {reason}", line or b"")
        except UnreadableBody as problem:
            self._refuse(f"Line {number}: {problem}", line or b"")
        self.size += len(line or b"")
        if len(self.records) >= RECORDS_AT_ONCE or self.size >= BYTES_AT_ONCE:
            self.flush()

    def _refuse(self, reason: str, line: bytes) -> None:
        self.report.complain(reason)
        raw = {"line": line[:KEPT_CHARACTERS].decode("utf-8", "replace")}
        inbox.keep_refused([(Refused(reason, raw), b"")], self.sender)

    def _read_value(self, line_value: Any, line: bytes) -> None:
        if not isinstance(line_value, dict) or not line_value:
            raise InvalidRecord("It is not a JSON object.")
        if "resourceSpans" in line_value or "resource_spans" in line_value:
            import_otlp(line, "application/json", self.report)
            return
        name, value = next(iter(line_value.items()))
        if name == "waylog":
            self._read_head(value)
        elif not self.headed:
            raise UnreadableFile(NO_RUN_FILE)
        elif len(line_value) > 1 or name not in _LINE_READERS:
            raise InvalidRecord(f"A run file has no lines of the type “{name[:40]}”.")
        else:
            _LINE_READERS[name](self, value)

    def _read_head(self, value: Any) -> None:
        if type(value) is not int or value != FORMAT:
            newer = type(value) is int and value > FORMAT
            reason = (
                "a newer version of Waylog can read it"
                if newer
                else "no version of Waylog writes it"
            )
            raise UnreadableFile(
                f"The file has the format {str(value)[:20]!r}, not {FORMAT}: {reason}."
            )
        self._finish_run()
        self.headed, self.has_end, self.runs = True, False, 0

    def _read_version(self, value: Any) -> None:
        try:
            related_records.restore_version(record_from_json(VersionLine, value))
        except DataError:
            raise InvalidRecord("The database cannot store this version.") from None

    def _read_run_line(self, value: Any) -> None:
        self._finish_run()
        run = record_from_json(RunLine, value)
        sources = frozenset(run.sources)
        traces = [source for kind, source in sources if kind == TRACE and source]
        run_id = _run_id(run.id)
        if not traces:
            raise InvalidRecord("It names none of the run's traces.")
        scope, kind = related_records.app_named(run.app) if run.bound else 0, clean(run.kind, 30)
        if (scope, kind) != (self.origin.scope, self.origin.kind):
            self.flush()
            self.origin = store.Origin(scope, kind=kind)
        self.run, self.missing = run, run.steps or 0
        self.runs += 1
        imported = ImportedRun(run_id, sources, run.seen_us)
        self.imported_runs |= dict.fromkeys(traces, imported)
        if run.conversation_title:
            self.titles[run_id] = run.conversation_title

    def _read_step_line(self, value: Any) -> None:
        if self.run is None:
            self.skipped += 1
            return
        self.missing -= 1
        record = record_from_json(NodeRecord, value)
        if (TRACE, record.trace) not in self.run.sources:
            raise InvalidRecord("It belongs to a trace of another run.")
        self.records.append(record)

    def _read_note_line(self, value: Any) -> None:
        if self.run is None:
            self.skipped += 1
            return
        note = record_from_json(NoteRecord, value)
        if len(note.source) > 20:
            raise InvalidRecord("“source” has more than 20 characters.")
        self.notes.append(note)

    def _read_end(self, value: Any) -> None:
        self._finish_run()
        self.has_end = True
        if (missing := record_from_json(EndLine, value).runs - self.runs) > 0:
            self.report.complain(f"{missing} of the file's runs are missing from it.", missing)

    def _finish_run(self) -> None:
        if self.skipped:
            sentence = f"{self.skipped} lines belong to a run that could not be imported."
            self.report.complain(sentence, self.skipped)
        if self.run is not None and self.missing > 0:
            sentence = f"{self.missing} of {self.run.steps} steps of run {self.run.id} are missing."
            self.report.complain(sentence, self.missing)
        self.run, self.missing, self.skipped = None, 0, 0

    def finish(self) -> None:
        """Complain about what is missing at the end of the file."""
        self._finish_run()
        if self.headed and not self.has_end:
            self.report.complain("The file has no last line: it may have been cut off.")

    def flush(self) -> None:
        """Write what was read so far."""
        saved = store.save_records(
            self.records, replace(self.origin, imported_runs=dict(self.imported_runs))
        )
        self.report.runs |= saved.runs
        self.report.steps += len(self.records) - len(saved.refused)
        for refused in saved.refused:
            self.report.complain(refused.reason)
        inbox.keep_refused([(refused, b"") for refused in saved.refused], self.sender)
        for run_id, title in self.titles.items():
            related_records.restore_title(run_id, title)
        related_records.restore_notes(self.notes, self.origin.scope)
        last = {source for kind, source in self.run.sources if kind == TRACE} if self.run else ()
        self.imported_runs = {
            trace: run for trace, run in self.imported_runs.items() if trace in last
        }
        self.titles, self.records, self.notes, self.size = {}, [], [], 0
        self.progress(self.report)


_LINE_READERS: dict[str, Callable[[RunFileReader, Any], None]] = {
    "version": RunFileReader._read_version,
    "run": RunFileReader._read_run_line,
    "step": RunFileReader._read_step_line,
    "note": RunFileReader._read_note_line,
    "end": RunFileReader._read_end,
}


def _run_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InvalidRecord("“id” is not a UUID.") from None
