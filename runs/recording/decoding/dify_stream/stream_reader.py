"""Read one response of Dify's streaming API, in any pieces, to neutral records. Pure.

An event is read by itself as far as it can be, so that a stream that is sent again, from its
beginning or from where it broke off, gives the same rows. What needs the events before it: when
steps ran, to less than a second (of several streams the one that carried more is right); texts,
which come in pieces without a number (the longest that one stream carried is kept, until an event
brings the whole); and the executions of a container inside another one, which Dify gives no ids.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from runs.recording.decoding.dify.agent_log import AgentLogClock
from runs.recording.decoding.dify_stream import event_handlers
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
    time_ranks,
)
from runs.recording.records.json_text import object_or_empty
from runs.recording.records.record import Decoded, NodeRecord, Refused

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
        return event_handlers.growing_text_rank((self.replacements << 32) + self.length)


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
        self._clocks: dict[str, AgentLogClock] = {}
        self._contexts: dict[str, StreamContext] = {}

    def feed(self, part: bytes) -> Decoded:
        return self._decode_events(self._splitter.feed(part))

    def whole(self, body: bytes) -> Decoded:
        """Read a body that is there as a whole: a blocking reply, one event, or any number of
        them."""
        return self._with_rest(self._decode_events(split_whole_body(body)))

    def end(self) -> Decoded:
        """End the stream, which went well or not, and return what its texts have come to, and
        times that the whole stream tells better."""
        return self._with_rest(self._decode_events(self._splitter.end()))

    def broken(self, reason: str) -> Decoded:
        """End a stream that broke off: as `end`, and the run says why there is no news of it."""
        decoded = self.end()
        if self.last is not None and not self.finished:
            decoded.records.append(event_handlers.broken_off(self.last, reason))
        return decoded

    def _with_rest(self, decoded: Decoded) -> Decoded:
        for event, text in self._texts.values():
            if text.length > text.recorded_length:
                decoded.records.append(self._text_record(event, text))
        for context in self._contexts.values():  # one that has two ids moves but once
            decoded.records.extend(self._moved_steps(context))
        return decoded

    def _moved_steps(self, context: StreamContext) -> Iterator[NodeRecord]:
        """Yield the times of steps that have moved since they were recorded."""
        for source_id in context.clock.keys():  # noqa: SIM118
            title, kind, times = context.emitted.get(source_id, ("", "", (None, None)))
            started, ended = context.clock.times(source_id)
            ended = ended if times[1] is not None else None
            if title and times != (started, ended):
                context.emitted[source_id] = (title, kind, (started, ended))
                rank = time_ranks(context.clock.stamp(source_id), context.weight)
                yield NodeRecord(
                    trace=context.trace,
                    source_id=source_id,
                    service=self.request.service,
                    title=title,
                    kind=kind,
                    started_us=started,
                    ended_us=ended,
                    rank=rank,
                )

    def _decode_events(self, events: Iterable[SplitEvent]) -> Decoded:
        decoded = Decoded([], [])
        for event in events:
            if isinstance(event, Refused):
                decoded.refused.append(event)
                continue
            try:
                decoded.records.extend(self._event_records(event))
            except BadStreamEvent as problem:
                decoded.refused.append(Refused(str(problem), event))
            except Exception as problem:
                # An event that we cannot make sense of must not cost the others.
                name = type(problem).__name__
                reason = f"The event could not be understood ({name})."
                decoded.refused.append(Refused(reason, event))
        return decoded

    def _event_records(self, envelope: dict[str, Any]) -> list[NodeRecord]:
        event = StreamEvent(_as_event(envelope), self.request)
        if event.name in event_handlers.IGNORED_EVENTS:
            return []
        if event.name == "error" and event.best_run_id is None:
            # Inputs are validated when the stream has begun already: such an error has no ids.
            if self.last is not None:
                event = StreamEvent({**envelope, **self.last.ids}, self.request)
            elif self.is_answer:
                self.refusal = envelope
                return []
            else:
                raise BadStreamEvent(f"Dify refused the request: {envelope.get('message')}")
        self.events += 1
        self.finished = self.finished or event.name in event_handlers.FINAL_EVENTS
        if event.trace:
            self.last = event
        context = event.context = self._context(event)
        context.events += 1
        if event.name in event_handlers.HANDLERS:
            result = event_handlers.HANDLERS[event.name](event)
            records = result if isinstance(result, list) else [result]
        else:
            records = self._records_in_context(event)
        _note_times(context, records)
        if event.name == "node_started":
            self._remember_execution(event)
        return records

    def _context(self, event: StreamEvent) -> StreamContext:
        """Return what the stream has said of the run, by any of its ids; a run that begins after it
        has ended is sent once more."""
        ids = [known for known in (event.run, event.message, event.task) if known]
        context = next((self._contexts[known] for known in ids if known in self._contexts), None)
        if context is None or (event.name == "workflow_started" and context.has_finished):
            context = StreamContext(event.trace)
        for known in ids:
            self._contexts[known] = context
        context.has_beginning = context.has_beginning or event.name == "workflow_started"
        context.has_finished = context.has_finished or event.name == "workflow_finished"
        return context

    def _remember_execution(self, event: StreamEvent) -> None:
        """Keep which execution of its node this is, and when it began, for the entries of its
        log."""
        execution = event.required_id("id")
        event.context.executions[event.required_id("node_id")] = execution
        clock = self._clocks.setdefault(execution, AgentLogClock())
        if execution in event.context.clock:
            clock.node_started_us = event.context.clock.times(execution)[0]
            clock.rank = event.time_ranks(execution, None)

    def _records_in_context(self, event: StreamEvent) -> list[NodeRecord]:
        """Return the records of an event that needs the events before it."""
        name = event.name
        if name.startswith(("iteration_", "loop_")) and name.endswith(("_started", "_completed")):
            number = event.context.container_number(event)
            return [event_handlers.container(event, number)]
        if name == "agent_log":
            step = event_handlers.logging_step(event)
            clock = self._clocks.setdefault(step, AgentLogClock())
            return event_handlers.agent_log_entry(event, clock)
        if name in ("message", "agent_message", "text_chunk", "reasoning_chunk"):
            return self._add_text(event)
        if name in ("message_replace", "text_replace"):
            return self._add_text(event, replaces=True)
        if name == "message_end":
            return event_handlers.message_end(event, **self._collected_answer(event))
        return [event_handlers.unknown_event(event)]

    def _add_text(self, event: StreamEvent, replaces: bool = False) -> list[NodeRecord]:
        if "metadata" in event.envelope and "answer" in event.envelope:  # a whole blocking reply
            self.finished = True
            return event_handlers.message_end(event, outputs=event.envelope["answer"])
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
            return event_handlers.partial_text(
                event, process_data=value, rank={"process_data": text.rank}
            )
        return event_handlers.partial_text(
            event, outputs=text.record(), rank={"outputs": text.rank}
        )


def _note_times(context: StreamContext, records: list[NodeRecord]) -> None:
    """Keep which times were recorded of the steps that the clock of the stream knows."""
    for record in records:
        if record.in_log:
            context.clock.attach(
                record.source_id, record.in_log, record.started_us, record.ended_us
            )
        if record.source_id in context.clock:
            times = (record.started_us, record.ended_us)
            context.emitted[record.source_id] = (record.title, record.kind, times)


def _as_event(reply: dict[str, Any]) -> dict[str, Any]:
    """Return a blocking reply as the event that it stands for: the end of the run, a whole message,
    or the error of a request that Dify refused. An event is returned as it is."""
    if "event" not in reply and "code" in reply and "message" in reply:
        return {**reply, "event": "error"}
    if "event" in reply or not isinstance(reply.get("data"), dict):
        return reply
    paused = object_or_empty(reply["data"]).get("status") == "paused"
    return {**reply, "event": "workflow_paused" if paused else "workflow_finished"}
