"""Payloads: values of any size, stored once however often they occur."""

import uuid
from datetime import date
from typing import Any, Self

import orjson
from django.db import models

from nodes.compression import unpack


class PayloadQuerySet(models.QuerySet["Payload"]):
    def of_day(self, day: date) -> Self:
        """Keep the payloads of one day. Ids begin with the day, so the primary key serves this."""
        first = f"{(day - date(1970, 1, 1)).days:04x}"
        return self.filter(id__range=[uuid.UUID(first.ljust(32, digit)) for digit in "0f"])


class Payload(models.Model):
    """A value of any size: inputs, outputs, process data, resources.

    Content-addressed: `id` is derived from day, app, trace, encoding and content, so equal values
    of a run are stored once, what was recorded together lies together, and whole days can go.
    `body` is packed (see `nodes.compression`) when `compressed`. Only
    `runs.recording.storing.store` writes payloads.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    app = models.ForeignKey(
        "runs.App", models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    day = models.DateField()
    encoding = models.CharField(max_length=4, choices=[("json", "JSON"), ("text", "Text")])
    compressed = models.BooleanField(default=False)
    size = models.PositiveBigIntegerField(help_text="Bytes, uncompressed.")
    cut_of = models.PositiveBigIntegerField(
        null=True,
        blank=True,
        help_text="The size in bytes before the producer truncated the value; empty if complete.",
    )
    body = models.BinaryField()

    objects = PayloadQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.get_encoding_display()}, {self.size} bytes"

    @property
    def raw(self) -> bytes:
        """Return the stored bytes, uncompressed: canonical JSON or UTF-8 text."""
        body = bytes(self.body)
        return unpack(body) if self.compressed else body

    @property
    def text(self) -> str:
        return self.raw.decode("utf-8", "replace")

    @property
    def value(self) -> Any:
        """Return the value as Python data: JSON decoded, or text."""
        return orjson.loads(self.raw) if self.encoding == "json" else self.text
