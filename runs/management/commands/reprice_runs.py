"""`manage.py reprice_runs`: apply the prices of today to runs of the past."""

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.dateparse import parse_date

from runs.models import App, ImportState, Run
from runs.recording.storing import store

RUNS_AT_ONCE = 100


class Command(BaseCommand):
    help = (
        "Prices the model calls of stored runs again, by your own prices and the tables of this "
        "version; costs that producers reported stay. May run while runs are recorded. Started "
        "again with the same options, it goes on where it was stopped."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--app", default="", help="only runs of this app: its slug")
        parser.add_argument("--since", default="", help="only runs from this day on: 2026-11-01")

    def handle(self, *args: Any, **options: Any) -> None:
        slug, since = options["app"], options["since"]
        runs = Run.objects.filter(model_calls__gt=0).order_by("id")
        if slug:
            app = App.objects.filter(slug=slug).first()
            if app is None:
                raise CommandError(f"There is no app {slug}.")
            runs = runs.filter(app=app)
        if since:
            day = _day(since)
            runs = runs.filter(started_at__date__gte=day)
        source = f"reprice_runs {slug} {since}".strip()
        state, _ = ImportState.objects.get_or_create(source=source)
        looked_at = changed = 0
        position = state.position.get("after")
        while True:
            waiting = runs.filter(id__gt=UUID(position)) if position else runs
            ids = list(waiting.values_list("id", flat=True)[:RUNS_AT_ONCE])
            if not ids:
                break
            changed += store.reprice(ids)
            looked_at += len(ids)
            position = str(ids[-1])
            ImportState.objects.filter(pk=state.pk).update(position={"after": position})
            self._show(f"\r{looked_at:,} runs, {changed:,} with another price …")
        state.delete()
        self._show("\r")
        self.stdout.write(f"{looked_at:,} runs were priced again, {changed:,} of them changed.")

    def _show(self, text: str) -> None:
        if self.stdout.isatty():
            self.stdout.write(text, ending="")
            self.stdout.flush()


def _day(text: str) -> Any:
    try:
        day = parse_date(text)
    except ValueError:
        day = None
    if day is None:
        raise CommandError(f"--since wants a day as 2026-11-01, not {text}.")
    return day
