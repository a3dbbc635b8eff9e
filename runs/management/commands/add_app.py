"""`manage.py add_app NAME --upstream URL`: add an app to record through the proxy."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from runs.choices import AppMode
from runs.models import App
from runs.pages.app_settings.forms import NewAppForm, UpstreamForm, problems_of


class Command(BaseCommand):
    help = (
        "Adds an app with the address of its Dify API, so that its runs can be recorded through the"
        " proxy. Of an app that exists, it sets the address."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the app's name")
        parser.add_argument(
            "--upstream", required=True, metavar="URL", help="its Dify API: https://…/v1"
        )
        parser.add_argument("--mode", choices=AppMode.values, default=AppMode.WORKFLOW)

    def handle(self, *args: Any, **options: Any) -> None:
        upstream = {"upstream_kind": "dify", "upstream_url": options["upstream"]}
        app = App.objects.filter(name=options["name"]).first()
        form = (
            UpstreamForm(upstream, instance=app)
            if app
            else NewAppForm({**upstream, "name": options["name"], "mode": options["mode"]})
        )
        if not form.is_valid():
            raise CommandError(problems_of(form))
        verb = "changed" if app else "added"
        app = form.save()
        self.stdout.write(f"{app.name} was {verb}. Its clients use /dify/{app.slug}/v1 here.")
