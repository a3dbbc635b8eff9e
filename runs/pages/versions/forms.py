"""The form to upload the definition of an app."""

from django import forms

from runs.recording.decoding.dify.dsl import MAX_BYTES, Dsl, UnreadableDsl, read_dsl


class DslForm(forms.Form):
    """An app as Dify exports it. After validation `file` is the parsed definition."""

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
