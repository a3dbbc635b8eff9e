"""The checkpoint of an import."""

from django.db import models
from django.utils import timezone


class ImportState(models.Model):
    """How far the import of one source has come, so that it can resume. `source` names database and
    app without any secret; `position` is what the importer needs in order to resume."""

    source = models.CharField(max_length=200, unique=True)
    position = models.JSONField(default=dict)
    updated_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.source
