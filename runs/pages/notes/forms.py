"""The forms of notes: to make notes, to change a note, and to filter the list of all."""

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

MAX_TEXT = 100_000
MAX_TAGS = 20


class NoteForm(forms.Form):
    """Notes that a person makes at once: a button, or fields, each of which is a note if filled."""

    thumb = forms.ChoiceField(choices=[("up", "Good"), ("down", "Bad")], required=False)
    pin = forms.BooleanField(required=False)
    score = forms.FloatField(
        required=False, error_messages={"invalid": "A score must be a number."}
    )
    label = forms.CharField(max_length=200, required=False)
    tags = forms.CharField(max_length=1_000, required=False)
    comment = forms.CharField(max_length=MAX_TEXT, required=False)
    expected = forms.CharField(max_length=MAX_TEXT, required=False)
    step = forms.UUIDField(
        required=False, error_messages={"invalid": "This is not the id of a step of this run."}
    )

    def __init__(self, data: QueryDict) -> None:
        super().__init__(visible_data(data))

    def clean_tags(self) -> list[str]:
        """Return the tags, each once."""
        names = (clean(tag.strip(), 200) for tag in self.cleaned_data["tags"].split(","))
        tags = list(dict.fromkeys(tag for tag in names if tag))
        if len(tags) > MAX_TAGS:
            raise forms.ValidationError(f"At most {MAX_TAGS} tags at once.")
        return tags

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors and not self.drafts():
            raise forms.ValidationError("Enter something first: a score, a label, a tag or a text.")
        return cleaned

    def drafts(self) -> list[NoteDraft]:
        """Return the notes that the valid form makes."""
        cleaned = self.cleaned_data
        drafts = [NoteDraft("tag", label=tag) for tag in cleaned["tags"]]
        if cleaned["thumb"]:
            drafts.append(
                NoteDraft("thumbs", number=THUMBS[cleaned["thumb"]], label=cleaned["thumb"])
            )
        if cleaned["pin"]:
            drafts.append(NoteDraft("pin"))
        if cleaned["score"] is not None:
            drafts.append(NoteDraft("score", number=cleaned["score"]))
        if cleaned["label"]:
            drafts.append(NoteDraft("label", label=clean(cleaned["label"], 200)))
        if cleaned["comment"]:
            drafts.append(NoteDraft("comment", text=clean(cleaned["comment"])))
        if cleaned["expected"]:
            drafts.append(NoteDraft("expected", text=clean(cleaned["expected"])))
        return drafts

    @property
    def sentences(self) -> list[str]:
        return error_sentences(self)


class NoteEditForm(forms.Form):
    """A note to be changed. It keeps its name, and may not become empty."""

    number = forms.FloatField(
        required=False, error_messages={"invalid": "A score must be a number."}
    )
    label = forms.CharField(max_length=200, required=False)
    text = forms.CharField(max_length=MAX_TEXT, required=False, widget=forms.Textarea({"rows": 6}))

    # The fields of a note by its name; any other note has all three.
    FIELDS = {
        "score": ["number"],
        "label": ["label"],
        "tag": ["label"],
        "comment": ["text"],
        "expected": ["text"],
    }

    def __init__(self, data: QueryDict | None, *, note: Note) -> None:
        initial = {"number": note.number, "label": note.label, "text": visible(note.text)}
        super().__init__(None if data is None else visible_data(data), initial=initial)
        self.note = note
        for name in set(self.fields) - set(self.FIELDS.get(note.name, self.fields)):
            del self.fields[name]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors and all(value in (None, "") for value in cleaned.values()):
            raise forms.ValidationError("The note would be empty. Delete it instead.")
        return cleaned

    def save(self) -> None:
        for name, value in self.cleaned_data.items():
            if name == "label":
                value = clean(value, 200)
            elif name == "text":
                value = clean(value)
            setattr(self.note, name, value)
        self.note.save(update_fields=list(self.cleaned_data))

    @property
    def sentences(self) -> list[str]:
        return error_sentences(self)


class NoteFilterForm(forms.Form):
    """The filters of `/notes/`, read from its query string."""

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
        """Read the filters; `readable_by` is the app of a key that is bound to one."""
        data, self.unreadable = without_nul(data)
        super().__init__(data)
        self.query_data = data
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
        """Return the notes that match the valid form."""
        cleaned = self.cleaned_data
        return (
            notes.for_app(cleaned["app"])
            .named(cleaned["name"])
            .labelled(cleaned["label"])
            .with_thumb(cleaned["thumbs"])
            .from_source(cleaned["source"], cleaned["author"])
            .since(cleaned["since"])
        )

    def query(self, after: str = "") -> str:
        """Return the filled filters as a query string, with `after` at its end."""
        filled = [
            (name, value)
            for name in self.fields
            for value in self.query_data.getlist(name)
            if value
        ]
        return urlencode([*filled, ("after", after)] if after else filled)

    @property
    def sentences(self) -> list[str]:
        return error_sentences(self)


def visible_data(data: QueryDict) -> QueryDict:
    """Return `data` with a sign in the place of every character that no page can hold."""
    visible_copy = QueryDict(mutable=True)
    for name, values in data.lists():
        visible_copy.setlist(name, [visible(value) for value in values])
    return visible_copy
