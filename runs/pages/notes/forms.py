"""The forms of notes: to make some, to change one, and the filters of the page that lists them."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import QueryDict

from nodes.formats import visible
from runs.models import App, Note
from runs.models.note import NoteQuerySet
from runs.pages.notes.ownership import THUMBS, NoteDraft
from runs.query.form_fields import NUL, AppField, TimestampField, error_sentences, without_nul
from runs.recording.records.payload_values import clean

LONGEST = 100_000
MAX_TAGS = 20


class NoteForm(forms.Form):
    """What somebody says at once: a button, or fields of which each that is filled is a note."""

    thumb = forms.ChoiceField(choices=[("up", "Good"), ("down", "Bad")], required=False)
    pin = forms.BooleanField(required=False)
    score = forms.FloatField(required=False, error_messages={"invalid": "A score is a number."})
    label = forms.CharField(max_length=200, required=False)
    tags = forms.CharField(max_length=1_000, required=False)
    comment = forms.CharField(max_length=LONGEST, required=False)
    expected = forms.CharField(max_length=LONGEST, required=False)
    step = forms.UUIDField(
        required=False, error_messages={"invalid": "This is no id of a step of this run."}
    )

    def __init__(self, data: QueryDict) -> None:
        super().__init__(visible_data(data))

    def clean_tags(self) -> list[str]:
        """The tags, each once."""
        told = (clean(tag.strip(), 200) for tag in self.cleaned_data["tags"].split(","))
        tags = list(dict.fromkeys(tag for tag in told if tag))
        if len(tags) > MAX_TAGS:
            raise forms.ValidationError(f"At most {MAX_TAGS} tags at once.")
        return tags

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors and not self.sayings():
            raise forms.ValidationError("Say something first: a score, a label, a tag or a text.")
        return cleaned

    def sayings(self) -> list[NoteDraft]:
        told = self.cleaned_data
        found = [NoteDraft("tag", label=tag) for tag in told["tags"]]
        if told["thumb"]:
            found.append(NoteDraft("thumbs", number=THUMBS[told["thumb"]], label=told["thumb"]))
        if told["pin"]:
            found.append(NoteDraft("pin"))
        if told["score"] is not None:
            found.append(NoteDraft("score", number=told["score"]))
        if told["label"]:
            found.append(NoteDraft("label", label=clean(told["label"], 200)))
        if told["comment"]:
            found.append(NoteDraft("comment", text=clean(told["comment"])))
        if told["expected"]:
            found.append(NoteDraft("expected", text=clean(told["expected"])))
        return found

    @property
    def sentences(self) -> list[str]:
        return error_sentences(self)


class NoteEditForm(forms.Form):
    """A note that is changed. It keeps its name, and has something to say still."""

    number = forms.FloatField(required=False, error_messages={"invalid": "A score is a number."})
    label = forms.CharField(max_length=200, required=False)
    text = forms.CharField(max_length=LONGEST, required=False, widget=forms.Textarea({"rows": 6}))

    # What a note of this name says; any other: all three.
    FIELDS = {
        "score": ["number"],
        "label": ["label"],
        "tag": ["label"],
        "comment": ["text"],
        "expected": ["text"],
    }

    def __init__(self, data: QueryDict | None, *, note: Note) -> None:
        told = {"number": note.number, "label": note.label, "text": visible(note.text)}
        super().__init__(None if data is None else visible_data(data), initial=told)
        self.note = note
        for name in set(self.fields) - set(self.FIELDS.get(note.name, self.fields)):
            del self.fields[name]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors and all(value in (None, "") for value in cleaned.values()):
            raise forms.ValidationError("Nothing is left of the note: delete it instead.")
        return cleaned

    def save(self) -> None:
        for name, value in self.cleaned_data.items():
            told = clean(value, 200) if name == "label" else value
            setattr(self.note, name, clean(told) if name == "text" else told)
        self.note.save(update_fields=list(self.cleaned_data))

    @property
    def sentences(self) -> list[str]:
        return error_sentences(self)


class NoteFilterForm(forms.Form):
    """The query string of `/notes/`, and what it means."""

    name = forms.CharField(required=False, max_length=100, help_text="comment, score, tag …")
    label = forms.CharField(required=False, max_length=200)
    thumbs = forms.ChoiceField(
        required=False,
        choices=[("", "Any"), ("up", "Up"), ("down", "Down")],
        error_messages={"invalid_choice": "“%(value)s” is neither up nor down."},
    )
    source = forms.CharField(required=False, max_length=20, help_text="person, api, langfuse …")
    author = forms.CharField(required=False, max_length=200)
    app = AppField(required=False)
    since = TimestampField(required=False, help_text="2026-11-22, or 24h, 7d")

    NO_FILTERS = frozenset({"after"})

    def __init__(self, data: QueryDict, readable_by: App | None = None) -> None:
        """`readable_by`: the one app that a bound key may read."""
        data, self.unreadable = without_nul(data)
        super().__init__(data)
        self.told = data
        for field in self.fields.values():
            if isinstance(field, AppField):
                field.readable_by = readable_by
            if field.help_text:
                field.widget.attrs.setdefault("placeholder", field.help_text)
            field.widget.attrs.setdefault("autocomplete", "off")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if self.unreadable:
            self.add_error(None, NUL)
        for name in self.data:
            if name not in self.fields and name not in self.NO_FILTERS:
                self.add_error(None, f"There is no filter “{name[:40]}”.")
        return cleaned

    def apply(self, notes: NoteQuerySet) -> NoteQuerySet:
        told = self.cleaned_data
        return (
            notes.for_app(told["app"])
            .named(told["name"])
            .labelled(told["label"])
            .with_thumb(told["thumbs"])
            .told_by(told["source"], told["author"])
            .since(told["since"])
        )

    def query(self, after: str = "") -> str:
        """The filters as a query string without the empty ones; `after` at its end."""
        told = [(name, value) for name in self.fields for value in self.told.getlist(name) if value]
        return urlencode([*told, ("after", after)] if after else told)

    @property
    def sentences(self) -> list[str]:
        return error_sentences(self)


def visible_data(data: QueryDict) -> QueryDict:
    """What was typed, every character one that a page can hold and say back."""
    shown = QueryDict(mutable=True)
    for name, values in data.lists():
        shown.setlist(name, [visible(value) for value in values])
    return shown
