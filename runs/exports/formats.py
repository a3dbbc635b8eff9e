"""The file formats of exported runs, by file extension. Files are written piece by piece, so that a
set of any size needs bounded memory."""

import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain

from runs.exports import ndjson, otlp, page, table
from runs.models import Run


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """`write(runs, base_url)` yields the file piece by piece. `write_whole` does not cut values as
    `write` does; None for a form that cuts none."""

    content_type: str
    write: Callable[[Iterable[Run], str], Iterator[bytes]]
    write_whole: Callable[[Iterable[Run], str], Iterator[bytes]] | None = None


LINES, CSV = "application/x-ndjson", "text/csv; charset=utf-8"
NDJSON = ExportFormat(LINES, lambda runs, _: ndjson.ndjson_lines(runs))
STEPS = ExportFormat(
    CSV,
    lambda runs, _: table.step_lines(runs),
    lambda runs, _: table.step_lines(runs, whole_values=True),
)

RUN_SET_FORMATS = {
    "ndjson": NDJSON,
    "csv": ExportFormat(CSV, table.run_lines, partial(table.run_lines, whole_values=True)),
    "steps.csv": STEPS,
    "otlp.jsonl": ExportFormat(LINES, lambda runs, _: otlp.otlp_lines(runs)),
}
SINGLE_RUN_FORMATS = {
    "ndjson": NDJSON,
    "html": ExportFormat(
        "text/html; charset=utf-8",
        lambda runs, url: chain.from_iterable(page.run_page_html(run, url) for run in runs),
    ),
    "otlp.json": ExportFormat(
        "application/json", lambda runs, _: chain.from_iterable(map(otlp.trace_request, runs))
    ),
    "steps.csv": STEPS,
}


def gzipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield `pieces` compressed as gzip."""
    compressor = zlib.compressobj(wbits=31)
    for piece in pieces:
        if compressed := compressor.compress(piece):
            yield compressed
    yield compressor.flush()
