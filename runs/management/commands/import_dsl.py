"""`manage.py import_dsl FILE…`: import apps as Dify exports them, for their graphs and settings."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from runs.recording.decoding.dify.dsl import MAX_BYTES, UnreadableDsl, read_dsl
from runs.recording.storing.definitions import store_dsl


class Command(BaseCommand):
    help = (
        "Stores the graphs and settings of exported Dify apps (DSL 0.1 to 0.6) as versions. "
        "Secrets are left out. Importing a file again changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument(
            "--app", default="", metavar="NAME", help="the name or slug of the app in Waylog"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        failed = 0
        for path in options["files"]:
            try:
                with path.open("rb") as file:
                    stored = store_dsl(read_dsl(file.read(MAX_BYTES + 1)), options["app"])
            except (OSError, UnreadableDsl) as problem:
                reason = problem.strerror if isinstance(problem, OSError) else problem
                self.stderr.write(f"{path}: {reason}")
                failed += 1
                continue
            self.stdout.write(f"{path}: {stored.sentence}")
        if failed:
            raise CommandError(f"{failed} of {len(options['files'])} files could not be imported.")
