"""The form that runs an app again: a field for each recorded input, and how to run the app."""

import json
import re
from typing import Any
from uuid import uuid4

from django import forms

from nodes import formats
from nodes.content.payloads import indented_json, load_value
from nodes.models import Payload
from runs.models import App, Run
from runs.pages.rerun.inputs import RecordedInputs, recorded_inputs_of
from runs.recording.records.json_text import MAX_DEPTH, NotJson, deeper_than, parse_json

# Characters of one value and of all that can be edited, and how many values; what is beyond is sent
# as it was recorded.
MAX_EDITABLE, MAX_EDITABLE_TOGETHER, MAX_FIELDS = 50_000, 200_000, 100
STALE = "The form is incomplete. Open the page again."
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")  # which no database stores
# Bytes of inputs that are sent from here, and kept with the rerun.
MAX_INPUT_BYTES = 5_000_000
CONTINUE, NEW_CONVERSATION = "continue", "new"


class InputField(forms.CharField):
    """One recorded value: text as text, anything else as JSON. What was not edited is sent as it
    was recorded: browsers change the ends of lines, and reading JSON might change a number."""

    def __init__(self, recorded: Any, **kwargs: Any) -> None:
        self.recorded = recorded
        self.is_text = isinstance(recorded, str)
        self.initial_text = recorded if self.is_text else indented_json(recorded)
        lines = min(max(self.initial_text.count("\n") + 1, len(self.initial_text) // 80 + 1), 14)
        attrs = {"rows": lines, "dir": "auto", "spellcheck": "false"}
        kwargs |= {"required": False, "strip": False, "initial": self.initial_text}
        super().__init__(widget=forms.Textarea(attrs), **kwargs)

    def clean(self, value: Any) -> Any:
        """Return the value; None for JSON that was deleted, which leaves the input out."""
        text = str(super().clean(value) or "").replace("\r\n", "\n")
        if text == self.initial_text.replace("\r\n", "\n"):
            return self.recorded
        if self.is_text:
            return text
        return _parsed_json(text) if text.strip() else None


class ObjectField(forms.CharField):
    """A JSON object; {} when it is empty."""

    def clean(self, value: Any) -> dict[str, Any]:
        parsed = _parsed_json(str(super().clean(value) or "").strip() or "{}")
        if not isinstance(parsed, dict):
            raise forms.ValidationError('Write a JSON object, such as {"limit": 5}.')
        return parsed


def _parsed_json(text: str) -> Any:
    """Return the value of a JSON text; raises ValidationError for one that cannot be sent."""
    try:
        parsed = parse_json(text)
    except NotJson as problem:
        raise forms.ValidationError(f"This is not JSON: {problem}.") from None
    if deeper_than(parsed, MAX_DEPTH):
        raise forms.ValidationError(f"This is nested more than {MAX_DEPTH} levels deep.")
    return parsed


class RerunForm(forms.Form):
    """Runs an app again with the `recorded` inputs of one of its runs, edited. The token is made
    with the form: sending the same form twice starts one rerun."""

    token = forms.UUIDField(
        widget=forms.HiddenInput, error_messages=dict.fromkeys(("required", "invalid"), STALE)
    )
    conversation = forms.ChoiceField(
        required=False,
        choices=[(CONTINUE, "Continue the same one"), (NEW_CONVERSATION, "Start a new one")],
        widget=forms.RadioSelect,
    )
    user = forms.CharField(required=False, max_length=200)
    then = forms.BooleanField(required=False)
    more = ObjectField(
        required=False,
        widget=forms.Textarea({"rows": 2, "dir": "auto", "placeholder": '{"name": "value"}'}),
    )

    def __init__(
        self,
        data: Any,
        *,
        run: Run,
        recorded: RecordedInputs,
        user: str,
        of_step: bool = False,
    ) -> None:
        first = {"user": run.user or user, "conversation": CONTINUE}
        super().__init__(data, initial={"token": uuid4(), **first})
        self.recorded = recorded
        self.names: dict[str, str] = {}
        self.kept: dict[str, Any] = {}
        is_dify = run.app.upstream_kind == "dify"
        has = {
            "conversation": is_dify and recorded.query is not None and run.conversation is not None,
            "user": is_dify,
            "then": is_dify and bool(recorded.workflow),
            "more": recorded.whole is None,
        }
        for name in [name for name, wanted in has.items() if not wanted]:
            del self.fields[name]
        if is_dify:
            self.fields["user"].required = True
        if recorded.query is not None and len(recorded.query) <= MAX_EDITABLE:
            self.fields["query"] = InputField(recorded.query, label="Query")
        self._add_inputs("Inputs of the step" if of_step else "Input")

    def _add_inputs(self, label: str) -> None:
        """Add a field for each input that is short enough. `label` is that of a value that is no
        object."""
        recorded, room = self.recorded, MAX_EDITABLE_TOGETHER
        values = {"": recorded.whole} if recorded.whole is not None else recorded.inputs
        for name, value in values.items():
            length = len(value if isinstance(value, str) else indented_json(value))
            if len(self.names) >= MAX_FIELDS or length > min(MAX_EDITABLE, room):
                self.kept[name] = value
                continue
            room -= length
            self.names[f"input:{name}"] = name
            self.fields[f"input:{name}"] = InputField(value, label=name or label)

    @property
    def query_field(self) -> forms.BoundField | None:
        return self["query"] if "query" in self.fields else None

    @property
    def inputs(self) -> list[forms.BoundField]:
        return [self[name] for name in self.names]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if self.errors:
            return cleaned
        sent = json.dumps([self.value(), self.query])
        if len(sent) > MAX_INPUT_BYTES:
            size = formats.size(MAX_INPUT_BYTES)
            raise forms.ValidationError(
                f"The inputs are larger than {size}, the most that can be sent from here."
            )
        if _NUL.search(sent):
            raise forms.ValidationError(
                "An input contains a NUL character, which cannot be stored."
            )
        return cleaned

    @property
    def query(self) -> str | None:
        """Return the user's query as it will be sent; None where there was none."""
        query: str | None = self.cleaned_data.get("query", self.recorded.query)
        return query

    def value(self) -> Any:
        """Return the inputs as they will be sent."""
        edited = {name: self.cleaned_data[field] for field, name in self.names.items()}
        if self.recorded.whole is not None:
            return (edited | self.kept)[""]
        values = {**self.kept, **edited}
        dropped = {
            name for name, value in edited.items()
            if value is None and self.recorded.inputs[name] is not None
        }  # fmt: skip
        inputs = {name: values[name] for name in self.recorded.inputs if name not in dropped}
        return inputs | self.cleaned_data.get("more", {})


def load_recorded_inputs(payload: Payload | None, in_chat: bool) -> RecordedInputs:
    """Return the inputs that a payload holds. `in_chat`: a plain text is the user's query."""
    return recorded_inputs_of(load_value(payload), in_chat) if payload else RecordedInputs()


def missing_setup(app: App) -> str:
    """Return a sentence about what an app lacks before its runs can be run again; "" for
    nothing."""
    if not app.upstream_url:
        return "No upstream is set for this app: the address of its Dify API, or of a webhook."
    if app.upstream_kind == "dify" and not app.upstream_key:
        return "No key is set for this app's Dify API."
    return ""
