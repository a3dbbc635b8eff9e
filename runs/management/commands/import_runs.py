"""`manage.py import_runs FILE…`: import runs from files."""

import sys
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.template.defaultfilters import pluralize

from runs.recording.importing.run_files.reader import RunFileReport, import_file
from runs.recording.storing import inbox

SENDER = inbox.Sender("import_runs")


class Command(BaseCommand):
    help = (
        "Imports runs that a Waylog exported as NDJSON, or OTLP traces (JSON, JSON lines or"
        " protobuf), compressed or not. Records that are refused are listed and kept in the inbox;"
        " the rest is imported. Repeating an import changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", nargs="+", help="a file, or - for standard input")

    def handle(self, *args: Any, **options: Any) -> None:
        refused = sum([self._import(name) for name in options["file"]])
        if refused:
            sys.exit(1)

    def _import(self, name: str) -> int:
        try:
            if name == "-":
                return self._report(name, self._import_file(name, sys.stdin.buffer))
            with open(name, "rb") as file:
                return self._report(name, self._import_file(name, file))
        except OSError as problem:
            raise CommandError(f"{name} cannot be read: {problem.strerror}.") from None
        except DatabaseError as problem:
            raise CommandError(
                f"The database cannot store {name} now ({problem}). What was read so far is kept;"
                " the same command continues."
            ) from None

    def _import_file(self, name: str, file: IO[bytes]) -> RunFileReport:
        def progress(report: RunFileReport) -> None:
            if self.stderr.isatty():
                counts = f"{len(report.runs):,} runs, {report.steps:,} steps"
                self.stderr.write(f"\r{name}: {counts} …", ending="")

        return import_file(file, SENDER, progress)

    def _report(self, name: str, report: RunFileReport) -> int:
        for sentence in report.sentences:
            self.stderr.write(f"{name}: {sentence}")
        runs, steps, refused = len(report.runs), report.steps, report.refused
        start = "\r" if self.stderr.isatty() else ""
        self.stderr.write(
            f"{start}{name}: {runs:,} run{pluralize(runs)} with {steps:,} step{pluralize(steps)}"
            f" {pluralize(runs, 'was,were')} imported, {refused:,} record{pluralize(refused)}"
            f" {pluralize(refused, 'was,were')} refused."
        )
        return report.refused
