"""What a share link shows of a run. Pages and twins of links are made from the classes here alone,
never from the run's rows: whatever is not copied here, past the mask, cannot leave."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import Any, Literal

from django.db.models.functions import Left

from nodes.choices import ERRORS, status_label
from nodes.clock import to_us
from nodes.content.logs import step_logs_json
from nodes.content.parts import ContentPart, present
from nodes.content.payloads import MAX_BYTES_IN_PANEL, head_text, indented_json, load_value
from nodes.execution_detail import value_labels
from nodes.formats import visible
from nodes.kinds import NodeKind, kind_of
from nodes.models import NodeExecution, Payload
from nodes.trace.waterfall import Bar, TimeScale
from runs.json.values import stored, writable
from runs.models import Run, ShareLink
from runs.pages.notes.notes import NoteEntry, notes_on_run
from runs.redaction.masks import (
    MASKED,
    MAX_QUOTED_TEXTS,
    Mask,
    is_distinctive,
    mask_of,
    masked_texts,
    quotable_texts,
)
from runs.redaction.secrets import redact_value

STEPS_PER_PAGE = 200
MAX_MASKED_BYTES = 500_000  # of a value that a mask looks through
MAX_HEAD = 100_000  # characters shown of a value too large to be read, and of what was received
MAX_ERROR, MAX_ERROR_LINE = 20_000, 200  # characters
MAX_LEVEL = 16  # of indentation
MAX_NOTES = 100

ValueName = Literal["inputs", "process_data", "outputs"]


@dataclass(frozen=True, slots=True)
class SharedValue:
    """A value under its heading. Only one that is "shown" has any of it: `data` for machines (the
    value past the mask, or the stored one), `part` or `text` for the page; `more`: `text` is only
    the beginning."""

    name: ValueName
    label: str
    state: Literal["none", "masked", "too-large", "shown"]
    data: Any = None
    part: ContentPart | None = None
    text: str = ""
    more: bool = False


@dataclass(frozen=True, slots=True)
class SharedStep:
    """A step as its row and its page show it; `values` and `received` are on its page alone."""

    id: str
    index: int
    level: int
    title: str
    kind: NodeKind
    status: str
    status_label: str
    failed: bool
    iteration: list[int]
    attempt: int
    taken: str
    started_at: datetime | None
    duration_us: int | None
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    counted: bool
    cost: Decimal | None
    currency: str
    model: str
    provider: str
    error: str
    error_type: str
    bar: Bar | None = None
    values: list[SharedValue] = field(default_factory=list)
    received: str = ""


@dataclass(frozen=True, slots=True)
class SharedNote:
    name: str
    value: str
    text: str
    author: str
    thumb: str


@dataclass(frozen=True, slots=True)
class SharedRun:
    """A link's run, the mask of its values, and the mask of its names, errors and notes
    (`text_mask`)."""

    link: ShareLink
    run: Run
    mask: Mask
    text_mask: Mask

    @property
    def masked_fields(self) -> frozenset[str]:
        return self.mask.fields

    def text(self, text: str) -> str:
        """Return a text of the run past the mask."""
        return visible(self.text_mask.text(text))

    def masking_quotes(self, values: Mapping[str, Payload | None]) -> "SharedRun":
        """Return the same run, but what is masked of `values` (by field) is masked as words, too:
        what stands under a masked key everywhere, what stands in a masked field in all texts that
        may quote it."""
        by_key: list[str] = []
        quoted: list[str] = []
        for name, payload in values.items():
            if payload is None or payload.size > MAX_MASKED_BYTES:
                continue
            value = load_value(payload)
            if self.mask.paths:
                by_key += islice(
                    masked_texts(value, Mask(paths=self.mask.paths).value(value)), MAX_QUOTED_TEXTS
                )
            if self.mask.hides_secrets:
                secrets = masked_texts(value, redact_value(value))
                by_key += islice(filter(is_distinctive, secrets), MAX_QUOTED_TEXTS)
            if name in self.masked_fields:
                quoted += islice(filter(is_distinctive, quotable_texts(value)), MAX_QUOTED_TEXTS)
        text_mask = self.text_mask.with_words([*by_key, *quoted])
        return replace(self, mask=self.mask.with_words(by_key), text_mask=text_mask)

    def error(self, text: str, length: int = MAX_ERROR) -> str:
        """Return an error past the mask, at most `length` characters; "" where there is none."""
        if "errors" in self.masked_fields:
            return MASKED if text else ""
        masked = self.text(text[: length * 5])
        return masked if len(masked) <= length else masked[: length - 1] + "…"

    @property
    def inputs(self) -> SharedValue:
        return self.value("inputs", "Input", self.run.inputs)

    @property
    def outputs(self) -> SharedValue:
        return self.value("outputs", "Output", self.run.outputs)

    def value(
        self, name: ValueName, label: str, payload: Payload | None, hide: bool = False
    ) -> SharedValue:
        """Return a stored value past the mask; `hide`: whatever the mask says, none of it."""
        if payload is None:
            return SharedValue(name, label, "none")
        if hide or name in self.masked_fields:
            return SharedValue(name, label, "masked")
        if not self.mask.is_active:
            return _unmasked_value(name, label, payload)
        if payload.size > MAX_MASKED_BYTES:
            return SharedValue(name, label, "too-large")
        value = self.mask.value(load_value(payload))
        return SharedValue(name, label, "shown", data=writable(value), part=present(value))

    def notes(self) -> list[SharedNote]:
        if "notes" in self.masked_fields:
            return []
        entries = notes_on_run(self.run, MAX_NOTES).entries
        return [self._shared_note(entry) for entry in entries]

    def _shared_note(self, entry: NoteEntry) -> SharedNote:
        note = entry.note
        return SharedNote(
            name=self.text(note.name),
            value=self.text(entry.value),
            text=self.text(entry.text[:MAX_ERROR]),
            author="" if "user" in self.masked_fields else self.text(note.author),
            thumb=entry.thumb,
        )

    def rows(self, after: int | None) -> tuple[list[SharedStep], int | None]:
        """Return a page of the steps in order, those after the index `after`, and the index that
        the next page begins after."""
        steps = NodeExecution.objects.in_run(self.run.pk).visible().after_index(after)
        light = steps.defer("hints", "received_body", "error").annotate(
            error_head=Left("error", MAX_ERROR_LINE * 5)
        )
        steps_and_next = list(light[: STEPS_PER_PAGE + 1])
        scale = TimeScale(to_us(self.run.started_at) or 0, _last_end(self.run, steps_and_next))
        rows = [
            self._shared_step(step, self._error_for_list(step), MAX_ERROR_LINE, scale)
            for step in steps_and_next[:STEPS_PER_PAGE]
        ]
        return rows, rows[-1].index if len(steps_and_next) > STEPS_PER_PAGE else None

    def _error_for_list(self, step: NodeExecution) -> str:
        """Return the beginning of a step's error. What an error quotes of the step's values is
        masked on the step's own page; in the list that is so for the step that failed the run
        alone, so that the errors of others are masked whole."""
        error: str = getattr(step, "error_head", "")
        may_quote = bool(self.mask.paths or self.masked_fields & {"inputs", "outputs"})
        is_safe = step.id == self.run.failed_execution or not may_quote
        return error if is_safe or not error else MASKED

    def step(self, execution: NodeExecution) -> SharedStep:
        """Return a step with its values. It was loaded `with_payloads()`."""
        return self.masking_quotes(_payloads_of(execution))._step_with_values(execution)

    def _step_with_values(self, execution: NodeExecution) -> SharedStep:
        inputs, outputs = value_labels(execution.kind_info)
        has_messages = execution.kind_info.call == "model" or execution.kind_info.group == "agent"
        hide = has_messages and "messages" in self.masked_fields
        # What a step did in between is made of what went in, and holds the prompt.
        hide_process_data = hide or bool(self.masked_fields & {"inputs", "outputs", "messages"})
        values = [
            self.value("inputs", inputs, execution.inputs, hide),
            self.value("process_data", "Process data", execution.process_data, hide_process_data),
            self.value("outputs", outputs, execution.outputs, hide),
        ]
        values = [
            value for value in values if value.name != "process_data" or value.state != "none"
        ]
        return self._shared_step(
            execution, execution.error, MAX_ERROR, None, values, self._received_text(execution)
        )

    def _shared_step(
        self,
        step: NodeExecution,
        error: str,
        length: int,
        scale: TimeScale | None,
        values: list[SharedValue] | None = None,
        received: str = "",
    ) -> SharedStep:
        models, costs = "models" not in self.masked_fields, "costs" not in self.masked_fields
        start = to_us(step.started_at)
        end = None if start is None or step.duration_us is None else start + step.duration_us
        return SharedStep(
            id=str(step.id),
            index=step.index,
            level=min(step.depth, MAX_LEVEL),
            title=self.text(step.title),
            kind=kind_of(self.text(step.kind)),
            status=step.status,
            status_label=status_label(step.status),
            failed=step.status in ERRORS,
            iteration=step.iteration_path,
            attempt=step.attempt,
            taken=self.text(step.taken),
            started_at=step.started_at,
            duration_us=step.duration_us,
            input_tokens=step.input_tokens,
            output_tokens=step.output_tokens,
            total_tokens=step.total_tokens,
            counted=step.counted,
            cost=step.cost if costs else None,
            currency=step.cost_currency,
            model=self.text(step.model) if models else "",
            provider=self.text(step.provider) if models else "",
            error=self.error(error, length),
            error_type="" if "errors" in self.masked_fields else self.text(step.error_type),
            bar=scale.place(start, end) if scale else None,
            values=values or [],
            received=received,
        )

    def _received_text(self, execution: NodeExecution) -> str:
        """Return what was received, which repeats everything else: "" where anything is masked."""
        if self.masked_fields - {"notes"} or self.mask.is_active:
            return ""
        received = execution.received
        if logs := step_logs_json(execution):
            received = received | {"logs": logs}
        text = indented_json(received) or str(received)
        return visible(text[:MAX_HEAD]) if received else ""


def shared_run_of(link: ShareLink) -> SharedRun | None:
    """Return what a link shows; None where its run is gone."""
    run = Run.objects.for_page().select_related("inputs", "outputs").filter(pk=link.run_id).first()
    if run is None:
        return None
    mask = mask_of(link.masked, _masked_names(run, link.masked))
    shared = SharedRun(link, run, mask, mask)
    if not (mask.is_active or mask.fields & {"inputs", "outputs"}):
        return shared
    steps = NodeExecution.objects.in_run(run.pk).with_payloads()
    failed = steps.filter(id=run.failed_execution).first() if run.failed_execution else None
    shared = shared.masking_quotes({"inputs": run.inputs, "outputs": run.outputs})
    return shared.masking_quotes(_payloads_of(failed)) if failed else shared


def _payloads_of(step: NodeExecution) -> dict[str, Payload | None]:
    return {"inputs": step.inputs, "process_data": step.process_data, "outputs": step.outputs}


def _masked_names(run: Run, masked: Iterable[str]) -> list[str]:
    """Return the names of a masked user or of masked models, which no text may hold either."""
    words: list[str] = []
    if "user" in masked:
        words += [run.user, *(source.source_id for source in run.sources.all())]
        if run.conversation:
            words += [run.conversation.source_id, run.conversation.user]
    if "models" in masked:
        steps = NodeExecution.objects.filter(run=run).exclude(model="").order_by()
        words += steps.values_list("model", flat=True).distinct()
    return words


def _unmasked_value(name: ValueName, label: str, payload: Payload) -> SharedValue:
    data = stored(payload)
    if payload.size > MAX_BYTES_IN_PANEL:
        return SharedValue(
            name, label, "shown", data, text=visible(head_text(payload, MAX_HEAD)), more=True
        )
    return SharedValue(name, label, "shown", data, part=present(load_value(payload)))


def _last_end(run: Run, steps: list[NodeExecution]) -> int:
    ends = [to_us(run.ended_at or run.last_seen_at), *(to_us(step.ended_at) for step in steps)]
    return max(end for end in ends if end is not None)
