"""Fields of forms: moments as people type them, apps by slug."""

from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from runs.filters.moments import at
from runs.filters.values import BadValue, when
from runs.models import App


class MomentField(forms.CharField):
    """2026-11-22, 2026-11-22T09:30 (local unless it has a zone), or so long ago: 30m, 24h, 7d, 2w.
    Cleans to an aware datetime or None."""

    def clean(self, value: Any) -> datetime | None:
        text = str(super().clean(value) or "")
        try:
            return at(when(text), timezone.now()) if text else None
        except BadValue as problem:
            raise ValidationError(str(problem)) from None


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
