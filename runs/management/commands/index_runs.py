"""`manage.py index_runs`: bring the search index up to date."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from runs.search import indexing


class Command(BaseCommand):
    help = (
        "Adds the runs that are not in the search index yet. A running console does so by itself;"
        " until then, searches read these runs one by one, which is slower."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--anew", action="store_true", help="empty the index first, and index all runs again"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["anew"]:
            indexing.rebuild()
        show, count = self.stdout.isatty(), 0
        while done := indexing.index_waiting(early=True):
            count += done
            if show:
                self.stdout.write(f"\r{count:,} runs …", ending="")
                self.stdout.flush()
        start = "\r" if show else ""
        self.stdout.write(f"{start}{count:,} runs were added to the search index.")
