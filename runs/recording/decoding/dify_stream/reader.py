"""Dify's streaming protocol, as its public API speaks it, read to neutral records. Pure.

A `Reader` takes the bytes of one response in any pieces. Nearly every event is read by itself, so
that a stream that is sent again, from its beginning or from where it broke off, gives the same
rows. What needs the events before it: texts, which come in pieces without a number (the longest
that one stream carried is kept, until somebody tells the whole), and the executions of a container
inside another one, which Dify gives no ids.
"""

from collections.abc import Callable, Iterable
from typing import Any

from runs.recording.decoding.dify import agent_log
from runs.recording.decoding.dify_stream import run_events, step_events
from runs.recording.decoding.dify_stream.event import Asked, BadEvent, Event, detail, growing
from runs.recording.decoding.dify_stream.wire_format import Splitter, whole
from runs.recording.records.record import Decoded, NodeRecord, Refused

Found = Iterable[dict[str, Any] | Refused]

# No news of a run, or of it only: a pass is told by its steps; speech is audio.
SET_ASIDE = frozenset(
    {"ping", "tts_message", "tts_message_end", "iteration_next", "loop_next"}
)  # fmt: skip
STATELESS: dict[str, Callable[[Event], NodeRecord | list[NodeRecord]]] = {
    "workflow_started": run_events.workflow_started,
    "workflow_finished": run_events.workflow_finished,
    "workflow_paused": run_events.workflow_paused,
    "node_started": step_events.node_started,
    "node_finished": step_events.node_finished,
    "node_retry": step_events.node_retry,
    "human_input_required": step_events.form,
    "human_input_form_filled": step_events.form,
    "human_input_form_timeout": step_events.form,
    "agent_thought": step_events.thought,
    "error": run_events.error,
}
FINAL = frozenset({"workflow_finished", "workflow_paused", "message_end", "error"})


class Text:
    """A text that comes in pieces. `told` is how long it was when it was last recorded: it is
    recorded anew when it has doubled, so that a long one costs little more than its length."""

    __slots__ = ("length", "pieces", "replaced", "told")

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.length = self.replaced = self.told = 0

    def add(self, piece: Any, instead: bool = False) -> None:
        if not isinstance(piece, str):
            return
        if instead:
            self.pieces, self.length, self.told = [], 0, 0
            self.replaced += 1
        self.pieces.append(piece)
        self.length += len(piece)

    @property
    def due(self) -> bool:
        return self.length > 0 and self.length >= 2 * self.told

    def take(self) -> str:
        self.told = self.length
        self.pieces = ["".join(self.pieces)]
        return self.pieces[0]

    @property
    def rank(self) -> int:
        return growing((self.replaced << 32) + self.length)


class Reader:
    """The records of one response. `finished`: its last event has been read; `last`: the last event
    that named a run; `events`: how many there were, without keep-alives; `refusal`: an error that
    came instead of a run. `is_answer`: it is known to answer one request for a run."""

    def __init__(self, asked: Asked, is_answer: bool = False) -> None:
        self.asked = asked
        self.is_answer = is_answer
        self.refusal: dict[str, Any] | None = None
        self.finished = False
        self.events = 0
        self.last: Event | None = None
        self._splitter = Splitter()
        self._texts: dict[tuple[str, str], tuple[Event, Text]] = {}
        self._clocks: dict[str, agent_log.Clock] = {}
        self._executions: dict[str, dict[int | None, int]] = {}

    def feed(self, part: bytes) -> Decoded:
        return self._read(self._splitter.feed(part))

    def whole(self, body: bytes) -> Decoded:
        """A body that is there as a whole: a blocking reply, one event, or any number of them."""
        return self._with_rest(self._read(whole(body)))

    def end(self) -> Decoded:
        """The stream has ended, well or not: what its texts have come to."""
        return self._with_rest(self._read(self._splitter.end()))

    def broken(self, reason: str) -> Decoded:
        """The stream broke off: as `end`, and the run tells why there is no news of it."""
        found = self.end()
        if self.last is not None and not self.finished:
            found.records.append(run_events.cut(self.last, reason))
        return found

    def _with_rest(self, found: Decoded) -> Decoded:
        for event, text in self._texts.values():
            if text.length > text.told:
                found.records.append(self._grown(event, text))
        return found

    def _read(self, found: Found) -> Decoded:
        decoded = Decoded([], [])
        for told in found:
            if isinstance(told, Refused):
                decoded.refused.append(told)
                continue
            try:
                decoded.records.extend(self._records(told))
            except BadEvent as problem:
                decoded.refused.append(Refused(str(problem), told))
            except Exception as problem:
                # An event that we cannot make sense of must not cost the others.
                name = type(problem).__name__
                decoded.refused.append(
                    Refused(f"The event could not be understood ({name}).", told)
                )
        return decoded

    def _records(self, told: dict[str, Any]) -> list[NodeRecord]:
        event = Event(run_events.reply(told), self.asked)
        if event.name in SET_ASIDE:
            return []
        if event.name == "error" and event.named is None:
            # Inputs are validated when the stream has begun already: such an error has no ids.
            if self.last is not None:
                event = Event({**told, **self.last.ids}, self.asked)
            elif self.is_answer:
                self.refusal = told
                return []
        self.events += 1
        self.finished = self.finished or event.name in FINAL
        if event.trace:
            self.last = event
        if event.name in STATELESS:
            self._remember(event)
            found = STATELESS[event.name](event)
            return found if isinstance(found, list) else [found]
        return self._in_context(event)

    def _remember(self, event: Event) -> None:
        if event.name == "node_started":
            started = step_events.begun(event)
            self._clocks.setdefault(event.need("id"), agent_log.Clock()).node_started_us = started

    def _in_context(self, event: Event) -> list[NodeRecord]:
        name = event.name
        if name.startswith(("iteration_", "loop_")) and name.endswith(("_started", "_completed")):
            return [step_events.container(event, self._execution(event))]
        if name == "agent_log":
            node = event.need("node_execution_id")
            return step_events.log_entry(event, self._clocks.setdefault(node, agent_log.Clock()))
        if name in ("message", "agent_message", "text_chunk", "reasoning_chunk"):
            return self._text(event)
        if name in ("message_replace", "text_replace"):
            return self._text(event, instead=True)
        if name == "message_end":
            return run_events.message_end(event, **self._answer(event))
        return [detail(event)]

    def _execution(self, event: Event) -> int:
        """Which execution of its container this is, told apart by when they began. The end may have
        another created_at: it is that of the last."""
        begun, at = self._executions.setdefault(event.need("id"), {}), event.started_us()
        if event.name.endswith("_started"):
            begun.setdefault(at, len(begun) + 1)
        return begun.get(at) or len(begun) or 1

    def _text(self, event: Event, instead: bool = False) -> list[NodeRecord]:
        if "metadata" in event.told and "answer" in event.told:  # a blocking reply: all of it
            self.finished = True
            return run_events.message_end(event, outputs=event.told["answer"])
        field = "process_data" if event.name == "reasoning_chunk" else "outputs"
        _, text = self._texts.setdefault((event.trace, field), (event, Text()))
        key = {"message": "answer", "agent_message": "answer", "message_replace": "answer",
               "reasoning_chunk": "reasoning"}.get(event.name, "text")  # fmt: skip
        text.add(event.data.get(key), instead)
        return [self._grown(event, text)] if text.due else []

    def _answer(self, event: Event) -> dict[str, Any]:
        """What the message has come to in this stream."""
        _, text = self._texts.get((event.trace, "outputs"), (event, Text()))
        return {"outputs": text.take(), "rank": {"outputs": text.rank}} if text.length else {}

    def _grown(self, event: Event, text: Text) -> NodeRecord:
        value: Any = text.take()
        field = "outputs"
        if event.name == "reasoning_chunk":
            field, value = "process_data", {"reasoning": value}
        told = {field: value, "rank": {field: text.rank}}
        if event.message:
            return run_events.message(event, **told)
        return run_events.workflow_text(event, **told)
