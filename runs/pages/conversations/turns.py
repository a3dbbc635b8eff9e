"""The turns of a conversation as a reader follows them: the question and the answer of each."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.urls import reverse

from nodes.choices import status_label
from nodes.content import payloads
from nodes.content.markdown import looks_like_markdown, render_markdown
from nodes.content.messages import read_message
from nodes.content.parts import ContentPart
from nodes.content.previews import TEXT_KEYS
from nodes.formats import visible
from nodes.models import NodeExecution, Payload
from runs.models import Run

# Of a larger value the conversation shows the preview; the whole is one click away, in the run.
MAX_VALUE_BYTES = 64_000
MAX_TEXT = 4_000


@dataclass(frozen=True, slots=True)
class TurnText:
    """The question or the answer of a turn. `cut` says that the run holds more than `text`."""

    text: str
    cut: bool = False

    @property
    def part(self) -> ContentPart:
        """Return the text as pages render it: Markdown where it looks like Markdown."""
        html = render_markdown(self.text) if looks_like_markdown(self.text) else None
        return ContentPart("text", text=self.text, html=html)


@dataclass(frozen=True, slots=True)
class ConversationTurn:
    """A turn: a run, or `step` of it where the run holds several."""

    run: Run
    question: TurnText
    answer: TurnText
    step: NodeExecution | None = None

    @property
    def key(self) -> str:
        return str(self.step.pk if self.step else self.run.pk)

    @property
    def url(self) -> str:
        if self.step is None:
            return self.run.get_absolute_url()
        return reverse("run-execution", args=[self.run.pk, self.step.pk])

    @property
    def status_label(self) -> str:
        return status_label(self.step.status) if self.step else ""


def read_all_turns(runs: list[Run]) -> list[ConversationTurn]:
    """Return the turns of `runs`: a run each, and of runs that hold several their steps. One query,
    two where there are such runs."""
    steps: dict[UUID, list[NodeExecution | None]] = {}
    several = [run.pk for run in runs if run.turns > 1]
    for step in NodeExecution.objects.turns_in(several) if several else ():
        steps.setdefault(step.run_id, []).append(step)
    values = [(run, step) for run in runs for step in steps.get(run.pk) or [None]]
    sources: list[Run | NodeExecution] = [step or run for run, step in values]
    payloads_by_id = _small_payloads(
        {source.inputs_id for source in sources} | {source.outputs_id for source in sources}
    )
    return [
        ConversationTurn(
            run,
            _turn_text(payloads_by_id.get(source.inputs_id), source.inputs_preview),
            _turn_text(payloads_by_id.get(source.outputs_id), source.outputs_preview),
            step,
        )
        for (run, step), source in zip(values, sources, strict=True)
    ]


def read_turns(runs: list[Run]) -> list[ConversationTurn]:
    """Return each of `runs` as a turn. The texts are read in one query."""
    payloads_by_id = _small_payloads(
        {run.inputs_id for run in runs} | {run.outputs_id for run in runs}
    )
    return [
        ConversationTurn(
            run,
            _turn_text(payloads_by_id.get(run.inputs_id), run.inputs_preview),
            _turn_text(payloads_by_id.get(run.outputs_id), run.outputs_preview),
        )
        for run in runs
    ]


def _small_payloads(ids: Iterable[object]) -> dict[object, Payload]:
    """Return the payloads of at most MAX_VALUE_BYTES by id; `ids` may hold None."""
    return Payload.objects.filter(size__lte=MAX_VALUE_BYTES).in_bulk([id_ for id_ in ids if id_])


def _turn_text(payload: Payload | None, preview: str) -> TurnText:
    if payload is None:
        return TurnText(preview, cut=preview.endswith("…"))
    text = _message_text(payloads.load_value(payload)).strip()
    if not text:
        return TurnText(preview, cut=preview.endswith("…"))
    return TurnText(
        visible(text[:MAX_TEXT]), cut=len(text) > MAX_TEXT or payload.cut_of is not None
    )


def _message_text(value: Any, depth: int = 4) -> str:
    """Return the text in `value` that a person or a model wrote, with its line breaks; "" where
    there is none. Of a list it is the last such text among the last 20 items."""
    if isinstance(value, str):
        return value
    if not depth:
        return ""
    if isinstance(value, list):
        texts = (_message_text(item, depth - 1) for item in reversed(value[-20:]))
        return next(filter(None, texts), "")
    if not isinstance(value, dict):
        return ""
    if message := read_message(value):
        return message.text if message.role in ("user", "assistant") else ""
    candidates = [value[key] for key in ("sys.query", *TEXT_KEYS) if value.get(key)]
    if len(value) == 1:
        candidates = list(value.values())
    return next(filter(None, (_message_text(inner, depth - 1) for inner in candidates)), "")
