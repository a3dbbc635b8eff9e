"""The form that runs an app again: a field for each recorded input, and how to run it."""

import json
import re
from typing import Any
from uuid import uuid4

from django import forms

from nodes import formats
from nodes.content.payloads import indented_json, load_value
from nodes.models import Payload
from runs.models import App, Run
from runs.pages.rerun.inputs import Told, told_of
from runs.recording.records.json_text import MAX_DEPTH, NotJson, deeper_than, parse_json

# Longer values are sent as they were recorded; of more inputs the rest are, and of those that are
# longer together.
EDITABLE, TOGETHER = 50_000, 200_000
FIELDS = 100
STALE = "This form has lost its number; open the page anew."
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")  # of no database's liking
# Bytes of inputs that are sent from here, and kept with the attempt.
LARGEST = 5_000_000
CONTINUE, ANEW = "continue", "new"


class InputField(forms.CharField):
    """One recorded value: text as text, anything else as JSON. What was not edited is sent as it
    was recorded: browsers change the ends of lines, and reading JSON might change a number."""

    def __init__(self, recorded: Any, **kwargs: Any) -> None:
        self.recorded = recorded
        self.is_text = isinstance(recorded, str)
        self.shown = recorded if self.is_text else indented_json(recorded)
        lines = min(max(self.shown.count("\n") + 1, len(self.shown) // 80 + 1), 14)
        attrs = {"rows": lines, "dir": "auto", "spellcheck": "false"}
        kwargs |= {"required": False, "strip": False, "initial": self.shown}
        super().__init__(widget=forms.Textarea(attrs), **kwargs)

    def clean(self, value: Any) -> Any:
        """The value; None for JSON that was taken away, which leaves the input out."""
        text = str(super().clean(value) or "").replace("\r\n", "\n")
        if text == self.shown.replace("\r\n", "\n"):
            return self.recorded
        if self.is_text:
            return text
        return from_json(text) if text.strip() else None


class ObjectField(forms.CharField):
    """A JSON object; {} when it is empty."""

    def clean(self, value: Any) -> dict[str, Any]:
        found = from_json(str(super().clean(value) or "").strip() or "{}")
        if not isinstance(found, dict):
            raise forms.ValidationError('Write a JSON object, such as {"limit": 5}.')
        return found


def from_json(text: str) -> Any:
    try:
        found = parse_json(text)
    except NotJson as problem:
        raise forms.ValidationError(f"This is not JSON: {problem}.") from None
    if deeper_than(found, MAX_DEPTH):
        raise forms.ValidationError(f"This is nested more than {MAX_DEPTH} levels deep.")
    return found


class AgainForm(forms.Form):
    """`told` is what the run was asked with, `recorded` the payload it was read from. The token is
    made with the form: sending the same form twice asks once."""

    token = forms.UUIDField(
        widget=forms.HiddenInput, error_messages=dict.fromkeys(("required", "invalid"), STALE)
    )
    conversation = forms.ChoiceField(
        required=False,
        choices=[(CONTINUE, "Continue the same one"), (ANEW, "Begin a new one")],
        widget=forms.RadioSelect,
    )
    user = forms.CharField(required=False, max_length=200)
    then = forms.BooleanField(required=False)
    more = ObjectField(
        required=False,
        widget=forms.Textarea({"rows": 2, "dir": "auto", "placeholder": '{"name": "value"}'}),
    )

    def __init__(
        self, data: Any, *, run: Run, told: Told, user: str, of_step: bool = False
    ) -> None:
        first = {"user": run.user or user, "conversation": CONTINUE}
        super().__init__(data, initial={"token": uuid4(), **first})
        self.told = told
        self.names: dict[str, str] = {}
        self.kept: dict[str, Any] = {}
        is_dify = run.app.upstream_kind == "dify"
        has = {
            "conversation": is_dify and told.query is not None and run.conversation is not None,
            "user": is_dify,
            "then": is_dify and bool(told.workflow),
            "more": told.whole is None,
        }
        for name in [name for name, wanted in has.items() if not wanted]:
            del self.fields[name]
        if is_dify:
            self.fields["user"].required = True
        if told.query is not None and len(told.query) <= EDITABLE:
            self.fields["query"] = InputField(told.query, label="Query")
        self._add_inputs("Inputs of the step" if of_step else "Input")

    def _add_inputs(self, label: str) -> None:
        """A field for each that is short enough."""
        told, room = self.told, TOGETHER
        every = {"": told.whole} if told.whole is not None else told.inputs
        for name, value in every.items():
            length = len(value if isinstance(value, str) else indented_json(value))
            if len(self.names) >= FIELDS or length > min(EDITABLE, room):
                self.kept[name] = value
                continue
            room -= length
            self.names[f"input:{name}"] = name
            self.fields[f"input:{name}"] = InputField(value, label=name or label)

    @property
    def asked(self) -> forms.BoundField | None:
        """The field of the query."""
        return self["query"] if "query" in self.fields else None

    @property
    def inputs(self) -> list[forms.BoundField]:
        return [self[name] for name in self.names]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if self.errors:
            return cleaned
        told = json.dumps([self.value(), self.query])
        if len(told) > LARGEST:
            size = formats.size(LARGEST)
            raise forms.ValidationError(f"The inputs are larger than the {size} sent from here.")
        if _NUL.search(told):
            raise forms.ValidationError("An input holds a NUL character, which cannot be kept.")
        return cleaned

    @property
    def query(self) -> str | None:
        """The user's query as it is to be sent; None where there was none."""
        query: str | None = self.cleaned_data.get("query", self.told.query)
        return query

    def value(self) -> Any:
        """The inputs as they are to be sent."""
        edited = {name: self.cleaned_data[field] for field, name in self.names.items()}
        if self.told.whole is not None:
            return (edited | self.kept)[""]
        every = {**self.kept, **edited}
        dropped = {
            name for name, value in edited.items()
            if value is None and self.told.inputs[name] is not None
        }  # fmt: skip
        inputs = {name: every[name] for name in self.told.inputs if name not in dropped}
        return inputs | self.cleaned_data.get("more", {})


def told_by(payload: Payload | None, in_chat: bool) -> Told:
    return told_of(load_value(payload), in_chat) if payload else Told()


def unready(app: App) -> str:
    """What an app lacks to be run again, in a sentence; "" for nothing."""
    if not app.upstream_url:
        return "No upstream is set for this app: the address of its Dify API, or of a webhook."
    if app.upstream_kind == "dify" and not app.upstream_key:
        return "No key is set for this app's Dify API."
    return ""
