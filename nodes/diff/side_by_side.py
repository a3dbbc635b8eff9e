"""The step of a pair in both runs side by side: what differs, value by value."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from nodes import formats
from nodes.call_parameters import parameters_of
from nodes.choices import status_label
from nodes.content import payloads
from nodes.diff.difference import ValueDifference, value_difference, whole_value_difference
from nodes.digests import digest_of
from nodes.execution_detail import value_labels
from nodes.formats import visible
from nodes.kinds import NodeKind
from nodes.models import NodeExecution, Payload

MAX_BYTES = 2_000_000  # of larger values the beginnings are compared as text
HEAD_LENGTH = 20_000  # characters of such a beginning
SAME_LENGTH = 2_000  # characters shown of a value that is the same
_TOO_LARGE = "Too large to compare in full:"
_SAME_HEADS = f"{_TOO_LARGE} the first {HEAD_LENGTH:,} characters are the same, the rest differs."
_HEADS_COMPARED = f"{_TOO_LARGE} the first {HEAD_LENGTH:,} characters were compared as text."


@dataclass(frozen=True, slots=True)
class ComparedValue:
    """A value of both steps. `form`: "different", "same", "unread" (different, too large to say
    where), or "none": neither has a value. `note` is a sentence about what was not compared,
    `preview` the beginning of a value that is the same."""

    label: str
    form: str
    difference: ValueDifference | None = None
    note: str = ""
    preview: str = ""


@dataclass(frozen=True, slots=True)
class ComparedFact:
    """A short fact about both sides: a status, a model, a time."""

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
    def kind(self) -> NodeKind:
        execution = self.a or self.b
        assert execution is not None
        return execution.kind_info

    @property
    def only_side(self) -> NodeExecution | None:
        """Return the execution of a pair that only one run has."""
        return None if self.a and self.b else self.a or self.b


def side_by_side(a: NodeExecution | None, b: NodeExecution | None) -> SideBySide:
    """Compare executions that were loaded with `with_payloads()`; one may be missing. No query."""
    if a is None or b is None:
        return SideBySide(a, b, [], [])
    names = value_labels(a.kind_info)
    sections = [
        compare_values("Error", a.error or None, b.error or None),
        compare_values("Settings", _model_settings(a), _model_settings(b)),
        compare_payloads(names[0], a.inputs, b.inputs),
        compare_payloads("Process data", a.process_data, b.process_data),
        compare_payloads(names[1], a.outputs, b.outputs),
    ]
    present = [section for section in sections if section.form != "none"]
    return SideBySide(a, b, list(_execution_facts(a, b)), present)


def _model_settings(execution: NodeExecution) -> dict[str, Any] | None:
    """Return the parameters of a model call. They are in its values, which are not read for this
    where they are huge."""
    payloads_read = [payload for payload in (execution.inputs, execution.process_data) if payload]
    if execution.kind_info.call != "model" or any(p.size > MAX_BYTES for p in payloads_read):
        return None
    return parameters_of(execution) or None


def compare_payloads(label: str, a: Payload | None, b: Payload | None) -> ComparedValue:
    if a is None and b is None:
        return ComparedValue(label, "none")
    if a and b and digest_of(a.id.hex) == digest_of(b.id.hex):
        return ComparedValue(label, "same", preview=visible(payloads.head_text(a, SAME_LENGTH)))
    if max(a.size if a else 0, b.size if b else 0) > MAX_BYTES:
        values = [
            payloads.head_text(payload, HEAD_LENGTH) if payload else None for payload in (a, b)
        ]
        if values[0] == values[1]:
            return ComparedValue(label, "unread", note=_SAME_HEADS)
        return compare_values(label, values[0], values[1], _HEADS_COMPARED)
    return compare_values(
        label, payloads.load_value(a) if a else None, payloads.load_value(b) if b else None
    )


def compare_values(label: str, a: Any, b: Any, note: str = "") -> ComparedValue:
    if a is None and b is None:
        return ComparedValue(label, "none")
    if a is None or b is None:
        difference = (
            whole_value_difference(b, "added")
            if a is None
            else whole_value_difference(a, "removed")
        )
    else:
        difference = value_difference(a, b)
    if not difference.total and not difference.ignored_total:
        return ComparedValue(label, "same", note=note)
    return ComparedValue(label, "different", difference, note)


def _execution_facts(a: NodeExecution, b: NodeExecution) -> Iterator[ComparedFact]:
    """Return the facts that at least one execution has."""
    facts_a, facts_b = _facts_by_label(a), _facts_by_label(b)
    for label, fact in facts_a.items():
        if fact or facts_b[label]:
            yield ComparedFact(label, fact or formats.NO_VALUE, facts_b[label] or formats.NO_VALUE)


def _facts_by_label(execution: NodeExecution) -> dict[str, str]:
    return {
        "Status": status_label(execution.status),
        "Branch taken": visible(execution.taken),
        "Model": visible(execution.model),
        "Provider": visible(execution.provider),
        "Time": "" if execution.duration_us is None else formats.duration(execution.duration_us),
        "Tokens in": ""
        if execution.input_tokens is None
        else formats.tokens(execution.input_tokens),
        "Tokens out": ""
        if execution.output_tokens is None
        else formats.tokens(execution.output_tokens),
        "Cost": ""
        if execution.cost is None
        else formats.money(execution.cost, execution.cost_currency),
    }
