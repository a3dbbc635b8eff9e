"""What a link to a run shows. Pages and twins of links are written from these alone, never from the
run's rows: whatever is not copied here, past the mask, cannot leave."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import islice

from django.db.models.functions import Left

from nodes.choices import ERRORS, status_label
from nodes.clock import to_us
from nodes.content.logs import step_logs_json
from nodes.content.parts import present
from nodes.content.payloads import MAX_BYTES_IN_PANEL, head_text, indented_json, load_value
from nodes.execution_detail import value_labels
from nodes.formats import visible
from nodes.kinds import kind_of
from nodes.models import NodeExecution, Payload
from nodes.trace.waterfall import TimeScale
from runs.json.values import stored, writable
from runs.models import Run, ShareLink
from runs.pages.notes.notes import NoteView, notes_of_run
from runs.pages.share.parts import SharedNote, SharedStep, SharedValue
from runs.redaction.masks import (
    MASKED,
    MAX_QUOTED_TEXTS,
    Mask,
    is_distinctive,
    mask_of,
    masked_texts,
    quotable_texts,
)

STEPS = 200  # of one page
MAX_MASKED = 500_000  # bytes of a value that is looked through
HEAD = 100_000  # characters shown of a value too large to be read, and of what was received
ERROR, ERROR_LINE = 20_000, 200
MAX_LEVEL = 16
NOTES = 100


@dataclass(frozen=True, slots=True)
class Shared:
    """A link's run, the mask of its values, and that of its names, errors and notes (`spoken`)."""

    link: ShareLink
    run: Run
    mask: Mask
    spoken: Mask

    @property
    def hidden(self) -> frozenset[str]:
        return self.mask.fields

    def text(self, text: str) -> str:
        return visible(self.spoken.text(text))

    def knowing(self, values: Mapping[str, Payload | None]) -> "Shared":
        """The same, but what is masked of `values` (by field) is masked as words, too: what stands
        under a masked key everywhere, what stands in a masked field in all that may quote it."""
        by_key: list[str] = []
        quoted: list[str] = []
        for name, payload in values.items():
            if payload is None or payload.size > MAX_MASKED:
                continue
            value = load_value(payload)
            if self.mask.paths:
                by_key += islice(
                    masked_texts(value, Mask(paths=self.mask.paths).value(value)), MAX_QUOTED_TEXTS
                )
            if name in self.hidden:
                quoted += islice(filter(is_distinctive, quotable_texts(value)), MAX_QUOTED_TEXTS)
        spoken = self.spoken.with_words([*by_key, *quoted])
        return replace(self, mask=self.mask.with_words(by_key), spoken=spoken)

    def error(self, text: str, length: int = ERROR) -> str:
        """At most `length` characters; "" where there is none."""
        if "errors" in self.hidden:
            return MASKED if text else ""
        told = self.text(text[: length * 5])
        return told if len(told) <= length else told[: length - 1] + "…"

    @property
    def inputs(self) -> SharedValue:
        return self.value("inputs", "Input", self.run.inputs)

    @property
    def outputs(self) -> SharedValue:
        return self.value("outputs", "Output", self.run.outputs)

    def value(
        self, name: str, label: str, payload: Payload | None, hide: bool = False
    ) -> SharedValue:
        """A stored value past the mask."""
        if payload is None:
            return SharedValue(name, label, "none")
        if hide or name in self.hidden:
            return SharedValue(name, label, "masked")
        if not self.mask.is_active:
            return _whole(name, label, payload)
        if payload.size > MAX_MASKED:
            return SharedValue(name, label, "too-large")
        value = self.mask.value(load_value(payload))
        return SharedValue(name, label, "shown", told=writable(value), part=present(value))

    def notes(self) -> list[SharedNote]:
        if "notes" in self.hidden:
            return []
        return [self._note(shown) for shown in notes_of_run(self.run, NOTES).shown]

    def _note(self, shown: NoteView) -> SharedNote:
        note = shown.note
        return SharedNote(
            name=self.text(note.name),
            value=self.text(shown.value),
            text=self.text(shown.text[:ERROR]),
            author="" if "user" in self.hidden else self.text(note.author),
            thumb=shown.thumb,
        )

    def rows(self, after: int | None) -> tuple[list[SharedStep], int | None]:
        """A page of the steps in order, after a place in it, and the place of the next page."""
        steps = NodeExecution.objects.in_run(self.run.pk).visible().after_index(after)
        light = steps.defer("hints", "received_body", "error").annotate(
            error_head=Left("error", ERROR_LINE * 5)
        )
        found = list(light[: STEPS + 1])
        scale = TimeScale(to_us(self.run.started_at) or 0, _end_of(self.run, found))
        rows = [
            self._step(step, self._error_in_list(step), ERROR_LINE, scale) for step in found[:STEPS]
        ]
        return rows, rows[-1].index if len(found) > STEPS else None

    def _error_in_list(self, step: NodeExecution) -> str:
        """Its beginning. What it quotes of its own values is known on its own page; here it is
        known of the step that failed the run alone."""
        told: str = getattr(step, "error_head", "")
        may_quote = bool(self.mask.paths or self.hidden & {"inputs", "outputs"})
        known = step.id == self.run.failed_execution or not may_quote
        return told if known or not told else MASKED

    def step(self, execution: NodeExecution) -> SharedStep:
        """A step with its values. It was loaded `with_payloads()`."""
        return self.knowing(_values_of(execution))._whole_step(execution)

    def _whole_step(self, execution: NodeExecution) -> SharedStep:
        inputs, outputs = value_labels(execution.kind_info)
        spoken = execution.kind_info.call == "model" or execution.kind_info.group == "agent"
        hide = spoken and "messages" in self.hidden
        # What a step did in between is made of what went in, and holds the prompt.
        inner = hide or bool(self.hidden & {"inputs", "outputs", "messages"})
        values = [
            self.value("inputs", inputs, execution.inputs, hide),
            self.value("process_data", "Process data", execution.process_data, inner),
            self.value("outputs", outputs, execution.outputs, hide),
        ]
        values = [
            value for value in values if value.name != "process_data" or value.state != "none"
        ]
        return self._step(
            execution, execution.error, ERROR, None, values, self._received(execution)
        )

    def _step(
        self,
        step: NodeExecution,
        error: str,
        length: int,
        scale: TimeScale | None,
        values: list[SharedValue] | None = None,
        received: str = "",
    ) -> SharedStep:
        models, costs = "models" not in self.hidden, "costs" not in self.hidden
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
            error_type="" if "errors" in self.hidden else self.text(step.error_type),
            bar=scale.place(start, end) if scale else None,
            values=values or [],
            received=received,
        )

    def _received(self, execution: NodeExecution) -> str:
        """What was received repeats everything else: shown where nothing is masked."""
        if self.hidden - {"notes"} or self.mask.is_active:
            return ""
        told = execution.received
        if logs := step_logs_json(execution):
            told = told | {"logs": logs}
        return visible((indented_json(told) or str(told))[:HEAD]) if told else ""


def shared_of(link: ShareLink) -> Shared | None:
    """None: the run has gone."""
    run = Run.objects.for_page().select_related("inputs", "outputs").filter(pk=link.run_id).first()
    if run is None:
        return None
    mask = mask_of(link.masked, _words_of(run, link.masked))
    shared = Shared(link, run, mask, mask)
    if not (mask.is_active or mask.fields & {"inputs", "outputs"}):
        return shared
    steps = NodeExecution.objects.in_run(run.pk).with_payloads()
    failed = steps.filter(id=run.failed_execution).first() if run.failed_execution else None
    shared = shared.knowing({"inputs": run.inputs, "outputs": run.outputs})
    return shared.knowing(_values_of(failed)) if failed else shared


def _values_of(step: NodeExecution) -> dict[str, Payload | None]:
    return {"inputs": step.inputs, "process_data": step.process_data, "outputs": step.outputs}


def _words_of(run: Run, masked: Iterable[str]) -> list[str]:
    """Who is not shown is not named in texts either, nor is a model."""
    words: list[str] = []
    if "user" in masked:
        words += [run.user, *(source.source_id for source in run.sources.all())]
        if run.conversation:
            words += [run.conversation.source_id, run.conversation.user]
    if "models" in masked:
        steps = NodeExecution.objects.filter(run=run).exclude(model="").order_by()
        words += steps.values_list("model", flat=True).distinct()
    return words


def _whole(name: str, label: str, payload: Payload) -> SharedValue:
    told = stored(payload)
    if payload.size > MAX_BYTES_IN_PANEL:
        return SharedValue(
            name, label, "shown", told, text=visible(head_text(payload, HEAD)), more=True
        )
    return SharedValue(name, label, "shown", told, part=present(load_value(payload)))


def _end_of(run: Run, steps: list[NodeExecution]) -> int:
    ends = [to_us(run.ended_at or run.last_seen_at), *(to_us(step.ended_at) for step in steps)]
    return max(end for end in ends if end is not None)
