"""manage.py load_samples"""

from typing import Any

from django.core.management.base import BaseCommand

from runs import samples


class Command(BaseCommand):
    help = "Records a week of sample runs of four apps. Doing it again changes nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        show = self.stdout.isatty()

        def progress(done: int) -> None:
            if show:
                self.stdout.write(f"\r{done} sample runs …", ending="")
                self.stdout.flush()

        count = samples.load(progress)
        start = "\r" if show else ""
        self.stdout.write(
            f"{start}{count} sample runs are there. `remove_samples` takes them away."
        )
