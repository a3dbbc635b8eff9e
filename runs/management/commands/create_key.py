"""`manage.py create_key NAME`: create a key."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from runs.models import App, IngestKey


class Command(BaseCommand):
    help = "Creates a key and prints its secret, which is not shown again. The default is --ingest."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="what the key is for")
        parser.add_argument("--ingest", action="store_true", help="may record runs")
        parser.add_argument("--read", action="store_true", help="may read the JSON of runs")
        parser.add_argument("--app", metavar="SLUG", help="for this app only")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"].strip()
        limit = IngestKey._meta.get_field("name").max_length or 0
        if not 0 < len(name) <= limit:
            raise CommandError(f"The name of a key must have 1 to {limit} characters.")
        app = None
        if slug := options["app"]:
            app = App.objects.filter(slug=slug).first()
            if app is None:
                raise CommandError(f"There is no app {slug!r}.")
        ingest = options["ingest"] or not options["read"]
        _, secret = IngestKey.create(name, can_ingest=ingest, can_read=options["read"], app=app)
        self.stdout.write(secret)
