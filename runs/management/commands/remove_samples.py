"""`manage.py remove_samples`: delete the sample runs."""

from typing import Any

from django.core.management.base import BaseCommand

from runs import samples


class Command(BaseCommand):
    help = "Removes the sample apps with all their runs."

    def handle(self, *args: Any, **options: Any) -> None:
        count = samples.remove()
        self.stdout.write(
            f"{count} sample runs were removed." if count else "There are no sample runs."
        )
