"""`manage.py attach_run APP RUN --user USER`: record a run that is going on at Dify."""

import os
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse

from runs.models import App
from runs.pages.app_settings.forms import AttachForm, problems_of
from runs.recording.receiving.attach import attach_to_run

KEY_VARIABLE = "DIFY_API_KEY"


class Command(BaseCommand):
    help = (
        "Records a run that is going on at Dify, from its first step until it ends. Uses the key"
        f" that is set for the app, else that of the environment variable {KEY_VARIABLE}."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("app", help="the name or slug of the app")
        parser.add_argument("run", help="Dify's id of the run (workflow_run_id)")
        parser.add_argument("--user", required=True, help="the user that the run was started as")

    def handle(self, *args: Any, **options: Any) -> None:
        app = App.objects.known_as(options["app"]).first()
        if app is None:
            raise CommandError(f"There is no app {options['app']!r}.")
        key = app.upstream_key or os.environ.get(KEY_VARIABLE, "")
        values = {"run_id": options["run"], "user": options["user"], "key": key}
        form = AttachForm(values, has_key=False)
        if not form.is_valid():
            if form.has_error("key") and not key:
                raise CommandError(f"No key is set for this app: set {KEY_VARIABLE}.")
            raise CommandError(problems_of(form))
        cleaned = form.cleaned_data
        seen: set[UUID] = set()

        def recorded(run_id: UUID) -> None:
            if run_id not in seen:
                seen.add(run_id)
                self.stdout.write(f"Recording as {reverse('run', args=[run_id])}")

        problem = attach_to_run(app, cleaned["run_id"], cleaned["user"], cleaned["key"], recorded)
        if problem:
            raise CommandError(problem)
        self.stdout.write("The run has ended.")
