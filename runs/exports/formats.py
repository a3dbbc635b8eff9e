"""The forms of a file of runs, by the end of its name, and how it is made. Runs come in parts, so
that a set of any size is written in bounded memory."""

import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from runs.exports import ndjson, otlp, page, table
from runs.models import Run


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """`write(runs, base_url)` gives the file piece by piece."""

    content_type: str
    write: Callable[[Iterable[Run], str], Iterator[bytes]]


def _one(runs: Iterable[Run], make: Callable[[Run], Iterator[bytes]]) -> Iterator[bytes]:
    for run in runs:
        yield from make(run)


LINES, CSV = "application/x-ndjson", "text/csv; charset=utf-8"
NDJSON = ExportFormat(LINES, lambda runs, _: ndjson.ndjson_lines(runs))
STEPS = ExportFormat(CSV, lambda runs, _: table.step_lines(runs))

# Of a set of runs.
RUN_SET_FORMATS = {
    "ndjson": NDJSON,
    "csv": ExportFormat(CSV, table.run_lines),
    "steps.csv": STEPS,
    "otlp.jsonl": ExportFormat(LINES, lambda runs, _: otlp.otlp_lines(runs)),
}
# Of one run.
SINGLE_RUN_FORMATS = {
    "ndjson": NDJSON,
    "html": ExportFormat(
        "text/html; charset=utf-8",
        lambda runs, url: _one(runs, lambda run: page.run_page_html(run, url)),
    ),
    "otlp.json": ExportFormat("application/json", lambda runs, _: _one(runs, otlp.trace_request)),
    "steps.csv": STEPS,
}


def gzipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same as gzip."""
    packing = zlib.compressobj(wbits=31)
    for piece in pieces:
        if part := packing.compress(piece):
            yield part
    yield packing.flush()
