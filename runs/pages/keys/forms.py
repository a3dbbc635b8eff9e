"""The form to create an API key."""

from typing import Any

from django import forms

from runs.models import App


class KeyForm(forms.Form):
    """What a new key is for."""

    name = forms.CharField(max_length=100, help_text="Who or what will use it")
    can_ingest = forms.BooleanField(required=False, initial=True, label="Can record runs")
    can_read = forms.BooleanField(required=False, label="Can read runs (JSON, Markdown)")
    app = forms.ModelChoiceField(
        App.objects.order_by("name"), required=False, empty_label="All apps", label="App"
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not (cleaned.get("can_ingest") or cleaned.get("can_read")):
            raise forms.ValidationError("Choose what the key can do: record, read, or both.")
        return cleaned
