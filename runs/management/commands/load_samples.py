"""manage.py load_samples"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from runs import samples


class Command(BaseCommand):
    help = "Records a week of sample runs of four apps. Doing it again changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--times",
            type=int,
            default=1,
            help="A busier week: of the ordinary runs so many times as many; 70 gives 10,000.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["times"] < 1:
            raise CommandError("--times is a number from 1 on.")
        show = self.stdout.isatty()

        def progress(done: int) -> None:
            if show:
                self.stdout.write(f"\r{done} sample runs …", ending="")
                self.stdout.flush()

        count = samples.load(progress, times=options["times"])
        start = "\r" if show else ""
        self.stdout.write(
            f"{start}{count} sample runs are there. `remove_samples` takes them away."
        )
