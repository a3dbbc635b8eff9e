"""The form of pages about a time range: errors and nodes."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import QueryDict

from runs.query.form_fields import NUL, TimestampField, error_sentences, without_nul


class TimeRangeForm(forms.Form):
    """`since` and `until`; anything else in the query string is an error with a sentence. A page's
    own choices are fields of a subclass: `tabs` are those that it offers as links, which the form
    only carries along, `chosen` those that its template offers to choose from."""

    since = TimestampField(required=False, label="Since", help_text="2026-11-22, or 24h, 7d")
    until = TimestampField(required=False, label="Until", help_text="2026-11-22, or 1h")

    tabs: tuple[str, ...] = ()
    chosen: tuple[str, ...] = ()

    def __init__(self, data: QueryDict) -> None:
        data, self.unreadable = without_nul(data)
        super().__init__(data)
        for field in self.fields.values():
            field.widget.attrs |= {"placeholder": field.help_text, "autocomplete": "off"}

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if self.unreadable:
            self.add_error(None, NUL)
        for name in self.data:
            if name not in self.fields:
                self.add_error(None, f"There is no filter “{name[:40]}”.")
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and since >= until:
            self.add_error(None, "“Since” is not before “Until”, so there is no time between them.")
        return cleaned

    @property
    def sentences(self) -> list[str]:
        return error_sentences(self)

    @property
    def typed(self) -> list[forms.BoundField]:
        """Return the fields that people type into."""
        return [self[name] for name in self.fields if name not in (*self.tabs, *self.chosen)]

    @property
    def carried(self) -> list[tuple[str, str]]:
        return [(name, str(self.data[name])) for name in self.tabs if self.data.get(name)]

    def query(self, **other: str) -> str:
        """Return the choices as a query string, with some changed; "" for none."""
        choices = {name: self.data.get(name, "") for name in self.fields} | other
        choices = {name: value for name, value in choices.items() if value}
        return f"?{urlencode(choices)}" if choices else ""
