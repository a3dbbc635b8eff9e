"""Fields of forms: timestamps as people type them, apps by slug; and what forms over query strings
have in common."""

from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils import timezone

from runs.models import App
from runs.query.conditions import aware_timestamp
from runs.query.values import BadValue, parse_timestamp

NUL = "A filter contains a NUL character."


class TimestampField(forms.CharField):
    """2026-11-22, 2026-11-22T09:30 (local unless it has a zone), or so long ago: 30m, 24h, 7d, 2w.
    Cleans to an aware datetime or None."""

    def clean(self, value: Any) -> datetime | None:
        text = str(super().clean(value) or "")
        try:
            return aware_timestamp(parse_timestamp(text), timezone.now()) if text else None
        except BadValue as problem:
            raise ValidationError(str(problem)) from None


class AppField(forms.CharField):
    """An app by its slug. Cleans to the app or None. `readable_by`: the one app that a bound key
    may read; the key does not learn that there are others."""

    readable_by: App | None = None

    def clean(self, value: Any) -> App | None:
        slug = str(super().clean(value) or "")
        if not slug:
            return None
        app = App.objects.readable_by(self.readable_by).filter(slug=slug).first()
        if app is None:
            raise ValidationError(f"There is no app “{slug[:80]}”.")
        return app


def without_nul(data: QueryDict) -> tuple[QueryDict, bool]:
    """Return a query string that pages and databases accept, and whether `data` held a NUL: neither
    accepts one, not even in a message that says that it is wrong."""
    if any("\0" in value for _, values in data.lists() for value in values):
        return QueryDict(data.urlencode().replace("%00", "")), True
    return data, False


def error_sentences(form: forms.Form) -> list[str]:
    """Return what is wrong, a sentence each, for a page or a machine."""
    return [
        str(message) if name == "__all__" else f"{form[name].label}: {message}"
        for name, messages in form.errors.items()
        for message in messages
    ]
