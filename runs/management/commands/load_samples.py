"""`manage.py load_samples`: record the sample runs."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from runs import samples


class Command(BaseCommand):
    help = "Records a week of sample runs of four apps. Repeating it changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--times",
            type=int,
            default=1,
            help="a busier week with this many times as many runs; 70 gives 10,000 runs",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["times"] < 1:
            raise CommandError("--times must be 1 or more.")
        show = self.stdout.isatty()

        def progress(done: int) -> None:
            if show:
                self.stdout.write(f"\r{done} sample runs …", ending="")
                self.stdout.flush()

        count = samples.load(progress, times=options["times"])
        start = "\r" if show else ""
        self.stdout.write(f"{start}{count} sample runs were loaded. `remove_samples` removes them.")
