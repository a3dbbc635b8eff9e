"""`manage.py import_dify --dsn …`: what a Dify has recorded, from its PostgreSQL, read-only."""

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
    EXAMPLE,
    Unreachable,
    connect,
    reason_of,
    target_of,
)
from runs.recording.importing.dify_database.database import Dify, DifyApp
from runs.recording.importing.dify_database.importer import AppImport, Progress, app_names
from runs.recording.importing.dify_database.storage import Storage

POLL_SECONDS = 5
SAY_SECONDS = 5


def moment(text: str) -> datetime:
    """A date or a moment, UTC where no zone is named; without a zone, as Dify's columns are."""
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no date such as 2026-11-22") from None
    return told.astimezone(UTC).replace(tzinfo=None) if told.tzinfo else told


class Command(BaseCommand):
    help = (
        "Imports apps, versions, runs, conversations and feedback from the PostgreSQL of a Dify. "
        "Nothing is written there. It goes on where it stopped; doing it again changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--dsn",
            default=os.environ.get("WAYLOG_DIFY_DSN", ""),
            help=f"{EXAMPLE}; better in the environment as WAYLOG_DIFY_DSN, where nobody sees it",
        )
        parser.add_argument("--app", default="", metavar="NAME", help="this app only; name or id")
        parser.add_argument(
            "--since",
            type=moment,
            metavar="DATE",
            help="from this day on (UTC), also what was read before; else all that is new",
        )
        parser.add_argument(
            "--follow", action="store_true", help="keep up with a live Dify until Ctrl-C"
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
            raise CommandError(f"Say where Dify's database is: --dsn {EXAMPLE}")
        if options["storage"] and not options["storage"].is_dir():
            raise CommandError(f"There is no folder {options['storage']}.")
        report = Report(self.stderr)
        try:
            with connect(dsn) as connection:
                self._import(Dify(connection), target_of(dsn), report, options)
        except Unreachable as problem:
            raise CommandError(str(problem)) from None
        except psycopg.Error as problem:
            reason = reason_of(problem, dsn)
            raise CommandError(f"Dify's database failed: {reason} {report.stands}") from None
        except DatabaseError as problem:
            reason = " ".join(str(problem).split())
            raise CommandError(f"Waylog's own database failed: {reason} {report.stands}") from None
        except KeyboardInterrupt:
            report.end()
            raise CommandError(f"Stopped. {report.stands}", returncode=130) from None
        finally:
            report.end()

    def _import(self, dify: Dify, target: str, report: "Report", options: dict[str, Any]) -> None:
        storage = Storage(options["storage"]) if options["storage"] else None
        since, is_first = options["since"], True
        while True:
            every = dify.apps()
            names = app_names(every)
            chosen = [app for app in every if options["app"] in ("", app.id, app.name)]
            if not chosen:
                raise CommandError(_nothing(every, options["app"]))
            for app in chosen:
                one = AppImport(dify, app, target, names[app.id], report.progress, storage)
                report.begin(one.name, one.expected(since) if is_first else None)
                one.read(since)
            report.end()
            if not options["follow"]:
                break
            since, is_first = None, False
            time.sleep(POLL_SECONDS)
        self.stdout.write(report.summary)


def _nothing(apps: list[DifyApp], name: str) -> str:
    return f"This Dify has no app {name!r}." if apps else "This Dify has no apps."


class Report:
    """What a person at the shell sees: a bar on a terminal, else a line now and then."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.progress = Progress(self.show)
        self.began = self.said = time.monotonic()
        self.bar: Any = None
        self.before = 0

    def begin(self, name: str, expected: int | None) -> None:
        """`expected`: runs and messages to come; None where nobody knows."""
        self.end()
        if sys.stderr.isatty() and expected:
            self.before = self.progress.things
            self.bar = click.progressbar(
                length=expected, label=name[:30], file=sys.stderr, show_pos=True
            )
            self.bar.render_progress()

    def show(self, progress: Progress) -> None:
        now = time.monotonic()
        if self.bar is not None:
            if moved := progress.things - self.before:
                self.before = progress.things
                self.bar.update(moved)
        elif now - self.said >= SAY_SECONDS:
            self.said = now
            rate = progress.steps / max(now - self.began, 1)
            self.stream.write(f"{self.counts} ({rate:,.0f} steps/s)")

    def end(self) -> None:
        if self.bar is not None:
            self.bar.render_finish()
            self.bar = None

    @property
    def counts(self) -> str:
        p = self.progress
        told = f"{p.things:,} runs and messages with {p.steps:,} steps, {p.notes:,} notes"
        return told + (f"; {p.refused:,} records were refused (see the inbox)" if p.refused else "")

    @property
    def summary(self) -> str:
        return f"Read {self.counts}."

    @property
    def stands(self) -> str:
        return f"What was read stays ({self.counts}); the same command goes on from there."
