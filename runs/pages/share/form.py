"""The form that creates a share link to one run: how long it lasts, and what it masks."""

from datetime import timedelta
from typing import Any

from django import forms
from django.http import QueryDict

from runs.pages.notes.forms import visible_data
from runs.recording.records.payload_values import clean
from runs.redaction.masks import MASKABLE_FIELDS, key_path
from runs.redaction.unescape import unescaped

LIFETIMES = {
    "1h": ("1 hour", timedelta(hours=1)),
    "1d": ("1 day", timedelta(days=1)),
    "7d": ("7 days", timedelta(days=7)),
    "30d": ("30 days", timedelta(days=30)),
}
MAX_LINES, MAX_LINE = 50, 200  # lines of a field, characters of a line


class LinesField(forms.CharField):
    """A list of entries, one a line, each once."""

    widget = forms.Textarea({"rows": 3, "spellcheck": "false", "dir": "auto"})

    def clean(self, value: Any) -> list[str]:
        text = clean(str(super().clean(value) or ""))
        entries = list(dict.fromkeys(filter(None, map(str.strip, text.splitlines()))))
        if len(entries) > MAX_LINES:
            raise forms.ValidationError(f"At most {MAX_LINES} lines.")
        if any(len(entry) > MAX_LINE for entry in entries):
            raise forms.ValidationError(f"At most {MAX_LINE} characters per line.")
        return entries


class ShareForm(forms.Form):
    lasts = forms.ChoiceField(
        label="Expires after",
        choices=[(name, label) for name, (label, _) in LIFETIMES.items()],
        initial="7d",
        error_messages={"invalid_choice": "Choose 1 hour, 1 day, 7 days or 30 days."},
    )
    fields_masked = forms.MultipleChoiceField(
        label="Hidden",
        required=False,
        choices=list(MASKABLE_FIELDS.items()),
        initial=["secrets", "attributes", "user"],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": "There is no field “%(value)s”."},
    )
    keys = LinesField(
        label="Keys whose values are masked",
        required=False,
        help_text="One per line: email, or customer.email. In CSV text, mask words instead.",
    )
    words = LinesField(
        label="Words masked everywhere",
        required=False,
        help_text="One per line: a name, a number, a piece of text",
    )
    notes = forms.BooleanField(label="Show the notes", required=False)

    def clean_keys(self) -> list[str]:
        keys: list[str] = self.cleaned_data["keys"]
        for key in keys:
            if not key_path(key):
                raise forms.ValidationError(f"“{key}” is not a valid key.")
        return keys

    def clean_words(self) -> list[str]:
        words: list[str] = self.cleaned_data["words"]
        for word in words:
            if len(unescaped(word)) < 2:
                raise forms.ValidationError(f"“{word}” is too short: use at least two characters.")
        return words

    def __init__(self, data: QueryDict | None = None) -> None:
        super().__init__(None if data is None else visible_data(data))

    @property
    def mask_lists(self) -> list[forms.BoundField]:
        """The fields that take one entry per line."""
        return [self["keys"], self["words"]]

    @property
    def mask_entries(self) -> list[str]:
        """Return what the link masks, as `runs.redaction.masks.mask_of` reads it."""
        cleaned = self.cleaned_data
        return [
            *cleaned["fields_masked"],
            *([] if cleaned["notes"] else ["notes"]),
            *(f"key:{key}" for key in cleaned["keys"]),
            *(f"word:{word}" for word in cleaned["words"]),
        ]

    @property
    def lifetime(self) -> timedelta:
        return LIFETIMES[self.cleaned_data["lasts"]][1]
