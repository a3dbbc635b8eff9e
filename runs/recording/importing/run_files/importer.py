"""Files of runs: what was exported elsewhere, or OTLP as it was sent. What cannot be taken is
refused alone; reading a file twice changes nothing."""

from typing import IO

from django.conf import settings

from runs.recording.importing.run_files.compressed_lines import CompressedFile, UnreadableFile
from runs.recording.importing.run_files.reader import (
    BLANK,
    BOM,
    NO_RUN_FILE,
    Progress,
    RunFileReader,
    RunFileReport,
    import_otlp,
    is_no_json,
)
from runs.recording.records.request_body import UnreadableBody
from runs.recording.storing import inbox


def import_file(
    file: IO[bytes],
    sender: inbox.Sender,
    progress: Progress = lambda report: None,
    most: int | None = None,
) -> RunFileReport:
    """Take what is in a file, packed or not, of at most `most` bytes unpacked. What was read is
    committed in parts. Raises DatabaseError when the database cannot take it now."""
    report = RunFileReport()
    try:
        packed = CompressedFile(file, settings.WAYLOG_MAX_BODY, most)
        head = packed.head()
        # A protobuf request begins with the tag of its first field, which is a line feed.
        if head.removeprefix(BOM).lstrip(BLANK)[:1] == b"{" and head[:1] != b"\n":
            _take_lines(packed, sender, report, progress)
        else:
            import_otlp(packed.rest(settings.WAYLOG_MAX_BODY), "application/x-protobuf", report)
    except UnreadableFile as problem:
        report.complain(str(problem))
    except UnreadableBody:
        report.complain(NO_RUN_FILE if head else "The file is empty.")
    progress(report)
    return report


def _take_lines(
    packed: CompressedFile, sender: inbox.Sender, report: RunFileReport, progress: Progress
) -> None:
    """NDJSON, or OTLP in JSON: a request a line, as collectors write files, or one over several
    lines."""
    lines = packed.lines()
    number, line = next(lines)
    if line is not None and is_no_json(line):
        rest = packed.rest(settings.WAYLOG_MAX_BODY - len(line))
        import_otlp(line + rest, "application/json", report)
        return
    reading = RunFileReader(sender, report, progress)
    try:
        reading.line(number, line)
        for number, line in lines:
            reading.line(number, line)
    finally:
        reading.flush()
    reading.ended()
