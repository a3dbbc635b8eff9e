"""One step of two runs side by side: what of it differs, value by value."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from nodes import formats
from nodes.configuration import parameters_of
from nodes.content import payloads
from nodes.diff.difference import ValueDifference, value_difference, whole_value_difference
from nodes.digests import digest_of
from nodes.execution_detail import status_label, value_labels
from nodes.formats import visible
from nodes.kinds import Kind
from nodes.models import NodeExecution, Payload

READ = 2_000_000  # bytes; of larger values the beginnings are compared as text
HEAD = 20_000  # characters of such a beginning
PREVIEW = 2_000
_LATER = f"both begin with the same {HEAD:,} characters and differ later."


@dataclass(frozen=True, slots=True)
class ComparedValue:
    """A value of both. `form`: "different", "same", "unread" (different, too large to say where),
    or "none": neither has one. `note` says what was not compared. `preview` is the beginning of a
    value that is the same."""

    label: str
    form: str
    difference: ValueDifference | None = None
    note: str = ""
    preview: str = ""


@dataclass(frozen=True, slots=True)
class ComparedFact:
    """Something short, told of both: a status, a model, a time."""

    label: str
    a: str
    b: str

    @property
    def differs(self) -> bool:
        return self.a != self.b


@dataclass(frozen=True, slots=True)
class SideBySide:
    a: NodeExecution | None
    b: NodeExecution | None
    facts: list[ComparedFact]
    sections: list[ComparedValue]

    @property
    def kind(self) -> Kind:
        found = self.a or self.b
        assert found is not None
        return found.kind_info

    @property
    def alone(self) -> NodeExecution | None:
        """The only one that there is."""
        return None if self.a and self.b else self.a or self.b


def side_by_side(a: NodeExecution | None, b: NodeExecution | None) -> SideBySide:
    """Of executions that were loaded with `with_payloads()`; one may be missing. No query."""
    if a is None or b is None:
        return SideBySide(a, b, [], [])
    names = value_labels(a.kind_info)
    sections = [
        compare_values("Error", a.error or None, b.error or None),
        compare_values("Settings", _settings(a), _settings(b)),
        compare_payloads(names[0], a.inputs, b.inputs),
        compare_payloads("Process data", a.process_data, b.process_data),
        compare_payloads(names[1], a.outputs, b.outputs),
    ]
    shown = [one for one in sections if one.form != "none"]
    return SideBySide(a, b, list(_facts(a, b)), shown)


def _settings(one: NodeExecution) -> dict[str, Any] | None:
    """Of a model call; they are in its values, which are not read for them when huge."""
    held = [payload for payload in (one.inputs, one.process_data) if payload]
    if one.kind_info.call != "model" or any(payload.size > READ for payload in held):
        return None
    return parameters_of(one) or None


def compare_payloads(label: str, a: Payload | None, b: Payload | None) -> ComparedValue:
    if a is None and b is None:
        return ComparedValue(label, "none")
    if a and b and digest_of(a.id.hex) == digest_of(b.id.hex):
        return ComparedValue(label, "same", preview=visible(payloads.head_text(a, PREVIEW)))
    if max(a.size if a else 0, b.size if b else 0) > READ:
        values = [payloads.head_text(one, HEAD) if one else None for one in (a, b)]
        if values[0] == values[1]:
            return ComparedValue(label, "unread", note=f"Too large to be read whole: {_LATER}")
        note = f"Too large to be read whole: the first {HEAD:,} characters were compared as text."
        return compare_values(label, values[0], values[1], note)
    return compare_values(
        label, payloads.load_value(a) if a else None, payloads.load_value(b) if b else None
    )


def compare_values(label: str, a: Any, b: Any, note: str = "") -> ComparedValue:
    if a is None and b is None:
        return ComparedValue(label, "none")
    if a is None or b is None:
        found = (
            whole_value_difference(b, "added")
            if a is None
            else whole_value_difference(a, "removed")
        )
    else:
        found = value_difference(a, b)
    if not found.total and not found.aside_total:
        return ComparedValue(label, "same", note=note)
    return ComparedValue(label, "different", found, note)


def _facts(a: NodeExecution, b: NodeExecution) -> Iterator[ComparedFact]:
    """What both say of themselves; what neither says is left out."""
    for (label, one), other in zip(_told(a).items(), _told(b).values(), strict=True):
        if one or other:
            yield ComparedFact(label, one or formats.NO_VALUE, other or formats.NO_VALUE)


def _told(one: NodeExecution) -> dict[str, str]:
    return {
        "Status": status_label(one.status),
        "Way taken": visible(one.taken),
        "Model": visible(one.model),
        "Provider": visible(one.provider),
        "Time": "" if one.duration_us is None else formats.duration(one.duration_us),
        "Tokens in": "" if one.input_tokens is None else formats.tokens(one.input_tokens),
        "Tokens out": "" if one.output_tokens is None else formats.tokens(one.output_tokens),
        "Cost": "" if one.cost is None else formats.money(one.cost, one.cost_currency),
    }
