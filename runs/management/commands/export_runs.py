"""`manage.py export_runs`: export runs to a file."""

import sys
from collections.abc import Iterable, Iterator
from typing import IO, Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.http import QueryDict

from runs.exports.formats import RUN_SET_FORMATS, SINGLE_RUN_FORMATS, gzipped
from runs.models import Run
from runs.pages.history.listing import each_run
from runs.query.run_filters import RunFilters

PROGRESS_EVERY = 20
NAMES = {"otlp": "otlp.jsonl"}


class Command(BaseCommand):
    help = (
        "Writes runs as NDJSON (without loss), CSV, OTLP (one request per line) or, for a single"
        " run, as an HTML page. A file whose name ends in .gz is compressed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run", nargs="*", help="ids of runs; default: all that match --filter")
        parser.add_argument("--format", choices=["ndjson", "csv", "otlp", "html"], default="ndjson")
        parser.add_argument(
            "--filter", default="", help="as in the run history: status=failed&app=shop"
        )
        parser.add_argument("--steps", action="store_true", help="CSV: one line per step")
        parser.add_argument(
            "--whole-values", action="store_true", help="CSV: values that no spreadsheet holds"
        )
        parser.add_argument(
            "--output", "-o", default="-", metavar="FILE", help="-: standard output"
        )
        parser.add_argument(
            "--base-url", default="", help="the host of links: https://waylog.example"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        name, output = options["format"], options["output"]
        if options["steps"] and name != "csv":
            raise CommandError("--steps needs --format csv.")
        if options["whole_values"] and name != "csv":
            raise CommandError("--whole-values needs --format csv; other formats cut nothing.")
        form = RUN_SET_FORMATS.get("steps.csv" if options["steps"] else NAMES.get(name, name))
        if form is None:
            if len(options["run"]) != 1:
                raise CommandError("An HTML page shows a single run: name its id.")
            form = SINGLE_RUN_FORMATS[name]
        runs = self._runs(options["run"], options["filter"])
        write = (form.write_whole or form.write) if options["whole_values"] else form.write
        pieces = write(self._with_progress(runs), options["base_url"].rstrip("/"))
        if output.endswith(".gz"):
            pieces = gzipped(pieces)
        try:
            if output == "-":
                self._write_pieces(pieces, getattr(self.stdout, "buffer", sys.stdout.buffer))
            else:
                with open(output, "wb") as file:
                    self._write_pieces(pieces, file)
        except OSError as problem:
            name = "The output" if output == "-" else output
            raise CommandError(f"{name} cannot be written: {problem.strerror}.") from None

    def _runs(self, ids: list[str], query: str) -> Iterator[Run]:
        runs = Run.objects.for_list().with_sources()
        if not ids:
            form = RunFilters(QueryDict(query))
            if not form.is_valid():
                raise CommandError(" ".join(form.sentences))
            return each_run(runs, form)
        chosen = []
        for text in ids:
            run = (
                runs.with_source_id(text).first() or runs.with_former_id(_uuid_or_nil(text)).first()
            )
            if run is None:
                raise CommandError(f"There is no run {text}.")
            chosen.append(run)
        return iter(chosen)

    def _with_progress(self, runs: Iterable[Run]) -> Iterator[Run]:
        count = 0
        for count, run in enumerate(runs, 1):
            yield run
            if self.stderr.isatty() and count % PROGRESS_EVERY == 0:
                self.stderr.write(f"\r{count:,} runs …", ending="")
        start = "\r" if self.stderr.isatty() else ""
        self.stderr.write(f"{start}{count:,} run{'' if count == 1 else 's'} written.")

    @staticmethod
    def _write_pieces(pieces: Iterable[bytes], file: IO[bytes]) -> None:
        for piece in pieces:
            file.write(piece)
        file.flush()


def _uuid_or_nil(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)
