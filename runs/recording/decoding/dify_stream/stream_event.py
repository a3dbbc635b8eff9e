"""One event of Dify's stream: its envelope, with the ids of its run, and its payload. Pure."""

from dataclasses import dataclass, replace
from typing import Any

from runs.recording.decoding.dify.vocabulary import duration_us, timestamp_us
from runs.recording.records.json_text import object_or_empty
from runs.recording.records.moments import Moment
from runs.recording.records.payload_values import clean
from runs.recording.records.record import NodeRecord, RunFacts, Value

MAX_ID = 128
# Times of a stream are known to the second, so that those of any other source are better.
COARSE = -(1 << 54)
# What was measured from outside, on a request and its answer, beats that.
MEASURED = COARSE + 1
# The engine's own words beat those of Dify's telemetry, which renames.
NEAREST = {
    name: 1
    for name in ("title", "kind", "node_id", "inputs", "outputs", "process_data", "received")
}
MESSAGE_EVENTS = frozenset({"message", "agent_message"})


class BadStreamEvent(ValueError):
    """An event that cannot be taken; the message is the reason."""


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What is known of a run beside its events: the app's name and, where the request that asked
    for the run was seen, its fields and when it was sent, in microseconds."""

    service: str
    inputs: Value = None
    query: str | None = None
    user: str | None = None
    conversation: str | None = None
    trigger: str | None = None
    sent_us: int | None = None

    @property
    def message_inputs(self) -> Any:
        """Return what the user of a chat sent: the query, with the inputs where there are any."""
        if self.query is None or not self.inputs:
            return self.query
        return {"query": self.query, **self.inputs}


class StreamContext:
    """What a stream has said of a run before an event. `last_stamp_us`: the newest stamp."""

    __slots__ = ("_before", "_sent", "has_finished", "last_stamp_us", "trace")

    def __init__(self, trace: str = "") -> None:
        self.trace = trace
        self.has_finished = False
        self.last_stamp_us: int | None = None
        self._before = ""  # the name of the last event
        self._sent: set[str] = set()

    def moments(self, source_id: str, moment: Moment, begins_run: bool = False) -> tuple[str, ...]:
        """Return the moment as a field of a record, with the event before it; nothing for an event
        that was sent before."""
        name = moment.name(clean(source_id, MAX_ID))
        if name in self._sent:
            return ()
        self._sent.add(name)
        before, self._before = self._before, name
        # What begins a run begins a response: nothing before it.
        return (str(replace(moment, after="" if begins_run else before)),)


class StreamEvent:
    """An event. `data` is its payload: the object of that name, or the whole `envelope`, beside
    whose ids the events of a chat have their fields. `arrived_us`: when it arrived, in
    microseconds; None where the stream was kept before it was sent. Raises BadStreamEvent for an
    event without a name or with an id that is no text."""

    __slots__ = (
        "arrived_us", "context", "conversation", "data", "envelope", "message", "name", "request",
        "run", "task",
    )  # fmt: skip

    def __init__(
        self, envelope: dict[str, Any], request: RunRequest, arrived_us: int | None = None
    ) -> None:
        self.context = StreamContext()
        self.arrived_us = arrived_us
        name = envelope.get("event")
        if not isinstance(name, str) or not name:
            raise BadStreamEvent("The event has no name (`event`).")
        self.name, self.envelope, self.request = name, envelope, request
        payload = envelope.get("data")
        self.data: dict[str, Any] = payload if isinstance(payload, dict) else envelope
        self.run = self._envelope_id("workflow_run_id")
        self.task = self._envelope_id("task_id")
        self.message = self._envelope_id("message_id") or (
            self._envelope_id("id") if name in MESSAGE_EVENTS else None
        )
        self.conversation = self._envelope_id("conversation_id")

    def _envelope_id(self, name: str) -> str | None:
        value = self.envelope.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str) or len(value) > MAX_ID:
            raise BadStreamEvent(f"`{name}` must be text of at most {MAX_ID} characters.")
        return value

    @property
    def best_run_id(self) -> str | None:
        """Return the best of the ids by which the event names its run; None where it names none."""
        return self.run or self.message or self.task

    @property
    def trace(self) -> str:
        """Return the best of the ids by which the event names its run. Raises BadStreamEvent where
        it names none."""
        best_id = self.best_run_id
        if best_id is None:
            raise BadStreamEvent(
                "The event names no run: no workflow_run_id, message_id or task_id."
            )
        return best_id

    @property
    def ids(self) -> dict[str, str | None]:
        """Return the ids of the envelope, by the names of its fields."""
        return {
            "workflow_run_id": self.run,
            "message_id": self.message,
            "task_id": self.task,
            "conversation_id": self.conversation,
        }

    @property
    def execution_metadata(self) -> dict[str, Any]:
        return object_or_empty(self.data.get("execution_metadata"))

    def required_id(self, name: str) -> str:
        """Return an id in the payload without which the event means nothing. Raises
        BadStreamEvent."""
        value = self.data.get(name)
        if not isinstance(value, str) or not 0 < len(value) <= MAX_ID:
            raise BadStreamEvent(
                f"`{name}` of a {self.name} must be text of 1 to {MAX_ID} characters."
            )
        return value

    def stamp_us(self) -> int | None:
        return timestamp_us(self.data.get("created_at"))

    def begins(self, source_id: str) -> dict[str, Any]:
        """Return fields of the record of what begins with this event."""
        stamp = self.stamp_us()
        moment = Moment(False, stamp, arrived_us=self.arrived_us)
        moments = self.context.moments(source_id, moment, self.name == "workflow_started")
        return {**times(stamp), "moments": moments}

    def ends(self, source_id: str, started_us: int | None = None) -> dict[str, Any]:
        """Return fields of the record of what ends with this event; `started_us` is the stamp of
        its start."""
        length, finished = self.elapsed_us(), self.finished_us()
        ended = finished
        if started_us is not None and length is not None:
            ended = started_us + length
        moment = Moment(True, finished, length, self.arrived_us)
        return {**times(started_us, ended), "moments": self.context.moments(source_id, moment)}

    def finished_us(self) -> int | None:
        return timestamp_us(self.data.get("finished_at"))

    def elapsed_us(self) -> int | None:
        elapsed = self.data.get("elapsed_time")
        return None if elapsed is None else duration_us(elapsed) or 0

    def facts(self, **more: Any) -> RunFacts:
        """Return facts of the whole run: those of the envelope, those of the request, and `more`,
        which overwrite them."""
        ids = (("dify-run", self.run), ("dify-message", self.message), ("dify-task", self.task))
        return RunFacts(
            **{
                # A completion app has messages, but no conversations: its runs are one-shot.
                "mode": "chatflow" if self.conversation else "workflow",
                "conversation": self.conversation or self.request.conversation,
                "user": self.request.user,
                "trigger": self.request.trigger,
                "source_ids": tuple((kind, value) for kind, value in ids if value),
                **more,
            }
        )

    def record(self, source_id: str, title: str, kind: str, **fields: Any) -> NodeRecord:
        """Return a record in the run of this event."""
        return NodeRecord(
            trace=self.trace,
            source_id=source_id,
            service=self.request.service,
            title=title,
            kind=kind,
            **fields,
        )

    def received_without(self, *stored: str) -> dict[str, Any] | None:
        """Return the fields of the payload as `NodeRecord.received`, without those that are
        `stored` elsewhere."""
        attributes = {
            name: value
            for name, value in self.data.items()
            if name not in stored and value not in (None, "", [], {}, False)
        }
        return {"attributes": attributes, "scope": f"dify {self.name}"} if attributes else None


def times(
    started_us: int | None, ended_us: int | None = None, rank: int = COARSE
) -> dict[str, Any]:
    """Return fields of a record: start and end, ranked below those of exact sources."""
    fields = {"started_us": started_us, "ended_us": ended_us}
    ranks = {name: rank for name, time_us in fields.items() if time_us is not None}
    return {**fields, "rank": ranks}
