"""The forms that make a key and bring a file."""

from typing import Any

from django import forms

from runs.models import App
from runs.recording.decoding.dify.dsl import MAX_BYTES, Dsl, UnreadableDsl, read_dsl


class KeyForm(forms.Form):
    """What a new key is for."""

    name = forms.CharField(max_length=100, help_text="Who or what will use it")
    can_ingest = forms.BooleanField(required=False, initial=True, label="May record runs")
    can_read = forms.BooleanField(required=False, label="May read runs (JSON, Markdown)")
    app = forms.ModelChoiceField(
        App.objects.order_by("name"), required=False, empty_label="All apps", label="App"
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not (cleaned.get("can_ingest") or cleaned.get("can_read")):
            raise forms.ValidationError("Choose what the key may do: record, read, or both.")
        return cleaned


class DslForm(forms.Form):
    """An app as Dify exports it; cleaned, `file` is what the file says."""

    file = forms.FileField(
        label="File",
        widget=forms.FileInput({"accept": ".yml,.yaml"}),
        error_messages={
            "required": "Choose a file.",
            "missing": "Choose a file.",
            "empty": "The file is empty.",
        },
    )

    def clean_file(self) -> Dsl:
        upload = self.cleaned_data["file"]
        try:
            return read_dsl(upload.read(MAX_BYTES + 1))
        except UnreadableDsl as problem:
            raise forms.ValidationError(str(problem)) from None
