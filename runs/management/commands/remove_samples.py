"""manage.py remove_samples"""

from typing import Any

from django.core.management.base import BaseCommand

from runs import samples


class Command(BaseCommand):
    help = "Takes the sample apps away, with all their runs."

    def handle(self, *args: Any, **options: Any) -> None:
        count = samples.remove()
        self.stdout.write(
            f"{count} sample runs are gone." if count else "There are no sample runs."
        )
