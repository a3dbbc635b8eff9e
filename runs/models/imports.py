"""How far an import has come."""

from django.db import models
from django.utils import timezone


class ImportState(models.Model):
    """Where the import of one source stands, so that it can go on after a break. `source` names
    database and app without any secret; `position` is what its importer needs to go on."""

    source = models.CharField(max_length=200, unique=True)
    position = models.JSONField(default=dict)
    updated_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.source
