"""The query string of the list of conversations."""

from django import forms
from django.http import QueryDict

from runs.query.form_fields import NUL, error_sentences, without_nul

THUMBS = [("", "Any"), ("up", "Good"), ("down", "Bad")]


class ConversationsForm(forms.Form):
    """Narrows the list; a cursor is not part of it."""

    user = forms.CharField(required=False, max_length=200, label="User", help_text="a part of it")
    failed = forms.BooleanField(required=False, label="With a failed run")
    thumb = forms.ChoiceField(required=False, label="Thumb", choices=THUMBS)

    def __init__(self, data: QueryDict) -> None:
        data, self.unreadable = without_nul(data)
        super().__init__(data)

    def clean(self) -> dict[str, object]:
        if self.unreadable:
            self.add_error(None, NUL)
        return super().clean() or {}

    @property
    def sentences(self) -> list[str]:
        return error_sentences(self)
