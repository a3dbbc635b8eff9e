"""Read one response of Dify's streaming API, in any pieces, to neutral records. Pure.

An event is read by itself, so that a stream that is sent again, from its beginning or from where it
broke off, gives the same rows: when its steps ran, and in what, follows from all events of the run,
whichever response brought them (`deriving.placing`). Only texts come in pieces without a number:
the longest that one stream carried is kept, until an event brings the whole.
"""

from collections.abc import Callable, Iterable
from typing import Any

from runs.recording.decoding.dify_stream import run_events, step_events
from runs.recording.decoding.dify_stream.event_splitter import (
    EventSplitter,
    SplitEvent,
    split_whole_body,
)
from runs.recording.decoding.dify_stream.stream_event import (
    BadStreamEvent,
    RunRequest,
    StreamContext,
    StreamEvent,
)
from runs.recording.records.json_text import object_or_empty
from runs.recording.records.record import Decoded, NodeRecord, Refused

# Events that are read by themselves.
HANDLERS: dict[str, Callable[[StreamEvent], NodeRecord | list[NodeRecord]]] = {
    "workflow_started": run_events.workflow_started,
    "workflow_finished": run_events.workflow_finished,
    "workflow_paused": run_events.workflow_paused,
    "node_started": step_events.node_started,
    "node_finished": step_events.node_finished,
    "node_retry": step_events.node_retry,
    "iteration_started": step_events.container_started,
    "iteration_completed": step_events.container_completed,
    "loop_started": step_events.container_started,
    "loop_completed": step_events.container_completed,
    "agent_log": step_events.agent_log_entry,
    "human_input_required": step_events.human_input,
    "human_input_form_filled": step_events.human_input,
    "human_input_form_timeout": step_events.human_input,
    "agent_thought": run_events.agent_thought,
    "error": run_events.error,
}
# They say nothing new of a run: the steps of an iteration name it, and speech is audio.
IGNORED_EVENTS = frozenset(
    {"ping", "tts_message", "tts_message_end", "iteration_next", "loop_next"}
)  # fmt: skip
FINAL_EVENTS = frozenset({"workflow_finished", "workflow_paused", "message_end", "error"})
# The field that holds the piece of a text, where it is not `text`.
PIECE_FIELDS = {
    "message": "answer",
    "agent_message": "answer",
    "message_replace": "answer",
    "reasoning_chunk": "reasoning",
}


class GrowingText:
    """A text that comes in pieces. `recorded_length` is how long it was when it was last recorded:
    it is recorded anew when it has doubled, so that a long one costs little more than its
    length."""

    __slots__ = ("length", "pieces", "recorded_length", "replacements")

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.length = self.replacements = self.recorded_length = 0

    def add(self, piece: Any, replaces: bool = False) -> None:
        """Append a piece, or, if it `replaces` the text, begin anew with it."""
        if not isinstance(piece, str):
            return
        if replaces:
            self.pieces, self.length, self.recorded_length = [], 0, 0
            self.replacements += 1
        self.pieces.append(piece)
        self.length += len(piece)

    @property
    def has_doubled(self) -> bool:
        return self.length > 0 and self.length >= 2 * self.recorded_length

    def record(self) -> str:
        """Return the text so far, which is recorded now."""
        self.recorded_length = self.length
        self.pieces = ["".join(self.pieces)]
        return self.pieces[0]

    @property
    def rank(self) -> int:
        return run_events.growing_text_rank((self.replacements << 32) + self.length)


class StreamReader:
    """Reads one response. `finished`: its last event has been read; `last`: the last event that
    named a run; `events`: how many there were, without keep-alives; `refusal`: an error that came
    instead of a run. `is_answer`: the response is known to answer one request for a run."""

    def __init__(self, request: RunRequest, is_answer: bool = False) -> None:
        self.request = request
        self.is_answer = is_answer
        self.refusal: dict[str, Any] | None = None
        self.finished = False
        self.events = 0
        self.last: StreamEvent | None = None
        self._splitter = EventSplitter()
        self._texts: dict[tuple[str, str], tuple[StreamEvent, GrowingText]] = {}
        self._contexts: dict[str, StreamContext] = {}

    def feed(self, part: bytes, arrived_us: int | None = None) -> Decoded:
        """Read a piece of the stream; `arrived_us` is when it arrived, where it was read live."""
        return self._decode_events(self._splitter.feed(part), arrived_us)

    def whole(self, body: bytes, arrived_us: int | None = None) -> Decoded:
        """Read a body that is there as a whole: a blocking reply, one event, or any number of
        them. `arrived_us` as of `feed`."""
        return self._with_rest(self._decode_events(split_whole_body(body), arrived_us))

    def end(self) -> Decoded:
        """End the stream, which went well or not, and return what its texts have come to."""
        return self._with_rest(self._decode_events(self._splitter.end()))

    def broken(self, reason: str) -> Decoded:
        """End a stream that broke off: as `end`, and the run says why there is no news of it."""
        decoded = self.end()
        if self.last is not None and not self.finished:
            decoded.records.append(run_events.broken_off(self.last, reason))
        return decoded

    def _with_rest(self, decoded: Decoded) -> Decoded:
        for event, text in self._texts.values():
            if text.length > text.recorded_length:
                decoded.records.append(self._text_record(event, text))
        return decoded

    def _decode_events(
        self, events: Iterable[SplitEvent], arrived_us: int | None = None
    ) -> Decoded:
        decoded = Decoded([], [])
        for event in events:
            if isinstance(event, Refused):
                decoded.refused.append(event)
                continue
            try:
                decoded.records.extend(self._event_records(event, arrived_us))
            except BadStreamEvent as problem:
                decoded.refused.append(Refused(str(problem), event))
            except Exception as problem:
                # An event that we cannot make sense of must not cost the others.
                name = type(problem).__name__
                reason = f"The event could not be understood ({name})."
                decoded.refused.append(Refused(reason, event))
        return decoded

    def _event_records(self, envelope: dict[str, Any], arrived_us: int | None) -> list[NodeRecord]:
        event = StreamEvent(_as_event(envelope), self.request, arrived_us)
        if event.name in IGNORED_EVENTS:
            return []
        if event.name == "error" and event.best_run_id is None:
            # Inputs are validated when the stream has begun already: such an error has no ids.
            if self.last is not None:
                event = StreamEvent({**envelope, **self.last.ids}, self.request, arrived_us)
            elif self.is_answer:
                self.refusal = envelope
                return []
            else:
                raise BadStreamEvent(f"Dify refused the request: {envelope.get('message')}")
        self.events += 1
        self.finished = self.finished or event.name in FINAL_EVENTS
        if event.trace:
            self.last = event
        event.context = self._context(event)
        if event.name not in HANDLERS:
            return self._text_records(event)
        result = HANDLERS[event.name](event)
        return result if isinstance(result, list) else [result]

    def _context(self, event: StreamEvent) -> StreamContext:
        """Return what the stream has said of the run, by any of its ids; a run that begins after it
        has ended is sent once more."""
        ids = [known for known in (event.run, event.message, event.task) if known]
        context = next((self._contexts[known] for known in ids if known in self._contexts), None)
        if context is None or (event.name == "workflow_started" and context.has_finished):
            context = StreamContext(event.trace)
        for known in ids:
            self._contexts[known] = context
        context.has_finished = context.has_finished or event.name == "workflow_finished"
        context.last_stamp_us = event.stamp_us() or context.last_stamp_us
        return context

    def _text_records(self, event: StreamEvent) -> list[NodeRecord]:
        """Return the records of an event that brings a piece of a text, or of an unknown one."""
        name = event.name
        if name in ("message", "agent_message", "text_chunk", "reasoning_chunk"):
            return self._add_text(event)
        if name in ("message_replace", "text_replace"):
            return self._add_text(event, replaces=True)
        if name == "message_end":
            return run_events.message_end(event, **self._collected_answer(event))
        return [run_events.unknown_event(event)]

    def _add_text(self, event: StreamEvent, replaces: bool = False) -> list[NodeRecord]:
        if "metadata" in event.envelope and "answer" in event.envelope:  # a whole blocking reply
            self.finished = True
            return run_events.message_end(event, outputs=event.envelope["answer"])
        field = "process_data" if event.name == "reasoning_chunk" else "outputs"
        _, text = self._texts.setdefault((event.trace, field), (event, GrowingText()))
        text.add(event.data.get(PIECE_FIELDS.get(event.name, "text")), replaces)
        return [self._text_record(event, text)] if text.has_doubled else []

    def _collected_answer(self, event: StreamEvent) -> dict[str, Any]:
        """Return what the message has come to in this stream, as fields of its record."""
        _, text = self._texts.get((event.trace, "outputs"), (event, GrowingText()))
        return {"outputs": text.record(), "rank": {"outputs": text.rank}} if text.length else {}

    def _text_record(self, event: StreamEvent, text: GrowingText) -> NodeRecord:
        if event.name == "reasoning_chunk":
            value: Any = {"reasoning": text.record()}
            return run_events.partial_text(
                event, process_data=value, rank={"process_data": text.rank}
            )
        return run_events.partial_text(event, outputs=text.record(), rank={"outputs": text.rank})


def _as_event(reply: dict[str, Any]) -> dict[str, Any]:
    """Return a blocking reply as the event that it stands for: the end of the run, a whole message,
    or the error of a request that Dify refused. An event is returned as it is."""
    if "event" not in reply and "code" in reply and "message" in reply:
        return {**reply, "event": "error"}
    if "event" in reply or not isinstance(reply.get("data"), dict):
        return reply
    paused = object_or_empty(reply["data"]).get("status") == "paused"
    return {**reply, "event": "workflow_paused" if paused else "workflow_finished"}
