"""The turns of a conversation as a reader follows them: what was asked, what was answered."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from nodes.content import payloads
from nodes.content.markdown import looks_like_markdown, render_markdown
from nodes.content.messages import read_message
from nodes.content.parts import ContentPart
from nodes.content.previews import TEXT_KEYS
from nodes.formats import visible
from nodes.models import Payload
from runs.models import Run

# Larger values are opened in the run; the conversation shows their preview.
READ_BYTES = 64_000
SHOWN = 4_000


@dataclass(frozen=True, slots=True)
class TurnText:
    """One side of a turn. `cut`: there is more than is shown, the run has all of it."""

    text: str
    cut: bool = False

    @property
    def part(self) -> ContentPart:
        """The text as a page shows it."""
        html = render_markdown(self.text) if looks_like_markdown(self.text) else None
        return ContentPart("text", text=self.text, html=html)


@dataclass(frozen=True, slots=True)
class ConversationTurn:
    run: Run
    asked: TurnText
    answered: TurnText


def read_turns(runs: list[Run]) -> list[ConversationTurn]:
    """The turns that `runs` are, with texts read in one query."""
    found = _payloads({run.inputs_id for run in runs} | {run.outputs_id for run in runs})
    return [
        ConversationTurn(
            run,
            _said(found.get(run.inputs_id), run.inputs_preview),
            _said(found.get(run.outputs_id), run.outputs_preview),
        )
        for run in runs
    ]


def _payloads(ids: Iterable[object]) -> dict[object, Payload]:
    wanted = [one for one in ids if one]
    return Payload.objects.filter(size__lte=READ_BYTES).in_bulk(wanted)


def _said(payload: Payload | None, preview: str) -> TurnText:
    if payload is None:
        return TurnText(preview, cut=preview.endswith("…"))
    text = _spoken(payloads.load_value(payload)).strip()
    if not text:
        return TurnText(preview, cut=preview.endswith("…"))
    return TurnText(visible(text[:SHOWN]), cut=len(text) > SHOWN or payload.cut_of is not None)


def _spoken(value: Any, depth: int = 4) -> str:
    """The text that was said, with its lines; "" where a value says nothing in words."""
    if isinstance(value, str):
        return value
    if not depth:
        return ""
    if isinstance(value, list):
        return next(filter(None, (_spoken(item, depth - 1) for item in reversed(value[-20:]))), "")
    if not isinstance(value, dict):
        return ""
    if message := read_message(value):
        return message.text if message.role in ("user", "assistant") else ""
    told = [value[key] for key in ("sys.query", *TEXT_KEYS) if value.get(key)]
    if len(value) == 1:
        told = list(value.values())
    return next(filter(None, (_spoken(inner, depth - 1) for inner in told)), "")
