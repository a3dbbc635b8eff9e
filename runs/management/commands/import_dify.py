"""`manage.py import_dify --dsn …`: import runs from Dify's PostgreSQL database, which is only
read."""

import os
import sys
import time
from argparse import ArgumentTypeError
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import psycopg
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from runs.recording.importing.dify_database.connection import (
    EXAMPLE_DSN,
    DifyUnreachable,
    connect,
    reason_of,
    target_of,
)
from runs.recording.importing.dify_database.database import DifyApp, DifyDatabase
from runs.recording.importing.dify_database.importer import AppImport, ImportProgress, app_names
from runs.recording.importing.dify_database.storage import DifyStorage

POLL_SECONDS = 5
REPORT_SECONDS = 5


def utc_datetime(text: str) -> datetime:
    """Return a date or time in UTC, which it is where no zone is named; without a zone, as Dify's
    columns are."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a date such as 2026-11-22") from None
    return parsed.astimezone(UTC).replace(tzinfo=None) if parsed.tzinfo else parsed


class Command(BaseCommand):
    help = (
        "Imports apps, versions, runs, conversations and feedback from Dify's PostgreSQL "
        "database, to which nothing is written. An import continues where the last one stopped; "
        "repeating it changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--dsn",
            default=os.environ.get("WAYLOG_DIFY_DSN", ""),
            help=(f"{EXAMPLE_DSN}; set WAYLOG_DIFY_DSN instead to keep it out of the process list"),
        )
        parser.add_argument(
            "--app", default="", metavar="NAME", help="only this app, by name or id"
        )
        parser.add_argument(
            "--since",
            type=utc_datetime,
            metavar="DATE",
            help="import everything since this day (UTC), again if needed; default: new runs only",
        )
        parser.add_argument(
            "--follow", action="store_true", help="keep importing new runs until Ctrl-C"
        )
        parser.add_argument(
            "--storage",
            type=Path,
            metavar="DIR",
            help="Dify's storage folder, for values too large for its database",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        dsn = options["dsn"]
        if not dsn:
            raise CommandError(f"Give the address of Dify's database: --dsn {EXAMPLE_DSN}")
        if options["storage"] and not options["storage"].is_dir():
            raise CommandError(f"There is no folder {options['storage']}.")
        report = ProgressReport(self.stderr)
        try:
            with connect(dsn) as connection:
                self._import_apps(DifyDatabase(connection), target_of(dsn), report, options)
        except DifyUnreachable as problem:
            raise CommandError(str(problem)) from None
        except (psycopg.errors.UndefinedColumn, psycopg.errors.UndefinedTable):
            raise CommandError(
                f"The tables of Dify's database changed while they were read, as by an upgrade."
                f" {report.kept}"
            ) from None
        except psycopg.Error as problem:
            reason = reason_of(problem, dsn)
            raise CommandError(f"Dify's database failed: {reason} {report.kept}") from None
        except DatabaseError as problem:
            reason = " ".join(str(problem).split())
            raise CommandError(f"Waylog's own database failed: {reason} {report.kept}") from None
        except KeyboardInterrupt:
            report.end()
            raise CommandError(f"Stopped. {report.kept}", returncode=130) from None
        finally:
            report.end()

    def _import_apps(
        self, dify: DifyDatabase, target: str, report: "ProgressReport", options: dict[str, Any]
    ) -> None:
        storage = DifyStorage(options["storage"]) if options["storage"] else None
        since, is_first = options["since"], True
        if dify.missing:
            self.stderr.write(dify.missing)
        while True:
            apps = dify.apps()
            names = app_names(apps)
            chosen = [app for app in apps if options["app"] in ("", app.id, app.name)]
            if not chosen:
                raise CommandError(_no_app_sentence(apps, options["app"]))
            for app in chosen:
                app_import = AppImport(dify, app, target, names[app.id], report.progress, storage)
                expected = app_import.expected(since) if is_first else None
                report.begin(app_import.name, expected)
                app_import.read(since)
            report.end()
            if not options["follow"]:
                break
            since, is_first = None, False
            time.sleep(POLL_SECONDS)
            if dify.look_up_again():
                self.stderr.write("Dify's tables have changed and are read as they are now.")
        self.stdout.write(report.summary)


def _no_app_sentence(apps: list[DifyApp], name: str) -> str:
    return f"This Dify database has no app {name!r}." if apps else "This Dify database has no apps."


class ProgressReport:
    """Reports to a person at the shell: a bar on a terminal, else a line now and then."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.progress = ImportProgress(self.show)
        self.began = self.reported = time.monotonic()
        self.bar: Any = None
        self.runs_on_bar = 0

    def begin(self, name: str, expected: int | None) -> None:
        """Begin with the app of this name. `expected` is how many runs and messages are to come;
        None where they were not counted."""
        self.end()
        if sys.stderr.isatty() and expected:
            self.runs_on_bar = self.progress.runs
            self.bar = click.progressbar(
                length=expected, label=name[:30], file=sys.stderr, show_pos=True
            )
            self.bar.render_progress()

    def show(self, progress: ImportProgress) -> None:
        now = time.monotonic()
        if self.bar is not None:
            if added := progress.runs - self.runs_on_bar:
                self.runs_on_bar = progress.runs
                self.bar.update(added)
        elif now - self.reported >= REPORT_SECONDS:
            self.reported = now
            rate = progress.steps / max(now - self.began, 1)
            self.stream.write(f"{self.counts} ({rate:,.0f} steps/s)")

    def end(self) -> None:
        if self.bar is not None:
            self.bar.render_finish()
            self.bar = None

    @property
    def counts(self) -> str:
        p = self.progress
        counts = f"{p.runs:,} runs and messages with {p.steps:,} steps, {p.notes:,} notes"
        if not p.refused:
            return counts
        return f"{counts}; {p.refused:,} records were refused (see the inbox)"

    @property
    def summary(self) -> str:
        return f"Read {self.counts}."

    @property
    def kept(self) -> str:
        return f"What was imported is kept ({self.counts}); the same command continues from there."
