"""Fields of the filters: moments and durations as people type them, apps by slug."""

import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from runs.models import App

_AGO = re.compile(r"(\d{1,5})\s*(m|min|h|d|w)")
_AGO_UNITS = {"m": "minutes", "min": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LASTING = re.compile(r"(\d+(?:\.\d+)?)\s*(us|ms|s|m|min|h)?")
_LASTING_US = {
    "us": 1,
    "ms": 1000,
    "s": 10**6,
    "m": 60 * 10**6,
    "min": 60 * 10**6,
    "h": 3600 * 10**6,
}
MAX_BIGINT = 2**63 - 1


class MomentField(forms.CharField):
    """2026-11-22, 2026-11-22T09:30 (local unless it has a zone), or so long ago: 30m, 24h, 7d, 2w.
    Cleans to an aware datetime or None."""

    def clean(self, value: Any) -> datetime | None:
        text = str(super().clean(value) or "")
        if not text:
            return None
        if ago := _AGO.fullmatch(text.lower()):
            return timezone.now() - timedelta(**{_AGO_UNITS[ago[2]]: int(ago[1])})
        try:
            return self._written(text)
        except (ValueError, OverflowError):
            raise ValidationError(
                f"“{text[:40]}” is not a time. Write 2026-11-22, 2026-11-22T09:30, or 24h."
            ) from None

    @staticmethod
    def _written(text: str) -> datetime:
        # "+" of a zone arrives as a space when nobody escaped it.
        found = parse_datetime(
            re.sub(r"(\d) (\d\d:?\d\d)$", r"\1+\2", text) if "T" in text else text
        )
        if found is None:
            day: date | None = parse_date(text)
            if day is None:
                raise ValueError
            found = datetime.combine(day, time())
        # Beyond these years databases and time zones disagree.
        if not 1970 <= found.year <= 9000:
            raise ValueError
        return found.astimezone(UTC) if timezone.is_aware(found) else timezone.make_aware(found)


class LastingField(forms.CharField):
    """A duration: 2s, 500ms, 1.5s, 2m; a bare number is seconds. Cleans to microseconds or None."""

    def clean(self, value: Any) -> int | None:
        text = str(super().clean(value) or "")
        if not text:
            return None
        found = _LASTING.fullmatch(text.lower())
        try:
            microseconds = int(Decimal(found[1]) * _LASTING_US[found[2] or "s"]) if found else -1
        except InvalidOperation:
            microseconds = -1
        if not 0 <= microseconds <= MAX_BIGINT:
            raise ValidationError(f"“{text[:40]}” is not a duration. Write 2s, 500ms or 2m.")
        return microseconds


class AppField(forms.CharField):
    """An app by its slug. Cleans to the app or None."""

    def clean(self, value: Any) -> App | None:
        slug = str(super().clean(value) or "")
        if not slug:
            return None
        app = App.objects.filter(slug=slug).first()
        if app is None:
            raise ValidationError(f"There is no app “{slug[:80]}”.")
        return app
