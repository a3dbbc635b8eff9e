"""One event of Dify's stream: its envelope, with the ids of its run, and its payload. Pure."""

from dataclasses import dataclass
from typing import Any

from runs.recording.decoding.dify.vocabulary import duration_us, timestamp_us
from runs.recording.decoding.dify_stream.stream_clock import SECOND, StreamClock
from runs.recording.records.json_text import object_or_empty
from runs.recording.records.record import NodeRecord, RunFacts, Value

MAX_ID = 128
# Times of a stream are known to the second, so that those of any other source are better. Of
# several streams of one run, the earliest stamp of a start is right (a step that waited for a
# person starts again), then a stream with its beginning, then the one that carried more.
COARSE = -(1 << 54)
WITH_BEGINNING = 1 << 19
MESSAGE_EVENTS = frozenset({"message", "agent_message"})


class BadStreamEvent(ValueError):
    """An event that cannot be taken; the message is the reason."""


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What is known of a run beside its events: the app's name and, where the request that asked
    for the run was seen, its fields."""

    service: str
    inputs: Value = None
    query: str | None = None
    user: str | None = None
    conversation: str | None = None
    trigger: str | None = None

    @property
    def message_inputs(self) -> Any:
        """Return what the user of a chat sent: the query, with the inputs where there are any."""
        if self.query is None or not self.inputs:
            return self.query
        return {"query": self.query, **self.inputs}


class StreamContext:
    """What a stream has said of a run before an event: when its steps ran (`clock`), which
    containers began (node id → how many events had come before, and source id), and which execution
    of a node began last (node id → execution id). `emitted`: source id → title, kind and times of
    each step as they were last recorded."""

    __slots__ = (
        "_open", "_started", "clock", "containers", "emitted", "events", "executions",
        "has_beginning", "has_finished", "trace",
    )  # fmt: skip

    def __init__(self, trace: str = "") -> None:
        self.trace = trace
        self.clock = StreamClock()
        self.containers: dict[str, tuple[int, str]] = {}
        self.executions: dict[str, str] = {}
        self.emitted: dict[str, tuple[str, str, tuple[int | None, int | None]]] = {}
        self.events = 0
        self.has_beginning = self.has_finished = False
        # Container → how many of its executions have begun, and the stamp of the one at work.
        self._started: dict[str, int] = {}
        self._open: dict[str, int | None] = {}

    @property
    def weight(self) -> int:
        """Return how much of the run the stream has carried, for the ranks of times."""
        return min(self.events, WITH_BEGINNING - 1) + self.has_beginning * WITH_BEGINNING

    def container_number(self, event: "StreamEvent") -> int:
        """Return which execution of its container this is, which Dify does not say. An event that
        comes twice is of the same one."""
        container, stamp = event.required_id("id"), event.stamp_us()
        if event.name.endswith("_completed"):
            self._open.pop(container, None)
        elif container not in self._open or self._open[container] != stamp:
            self._started[container] = self._started.get(container, 0) + 1
            self._open[container] = stamp
        return self._started.get(container, 1)


class StreamEvent:
    """An event. `data` is its payload: the object of that name, or the whole `envelope`, beside
    whose ids the events of a chat have their fields. Raises BadStreamEvent for an event without a
    name or with an id that is no text."""

    __slots__ = (
        "context", "conversation", "data", "envelope", "message", "name", "request", "run", "task",
    )  # fmt: skip

    def __init__(
        self, envelope: dict[str, Any], request: RunRequest, context: StreamContext | None = None
    ) -> None:
        self.context = context or StreamContext()
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

    def begin(self, key: str) -> int | None:
        """Return when what this event is about began, by the clock of the stream."""
        stamp = self.stamp_us()
        if stamp is not None:
            for name in ("iteration_id", "loop_id"):
                _, container = self.context.containers.get(str(self.data.get(name)), (0, ""))
                if container != key:
                    self.context.clock.begin_first_inside(container)
            self.context.clock.begin(key, stamp)
        return self.context.clock.times(key)[0] if key in self.context.clock else None

    def finish(self, key: str, stamp_us: int | None) -> tuple[int | None, int | None]:
        """Return when what this event ends began and ended; `stamp_us` is that of its start. A
        stream that did not say when it began knows both to the second alone."""
        clock = self.context.clock
        finished, length = self.finished_us(), self.elapsed_us()
        if key in clock:
            clock.end(key, length, finished)
            return clock.times(key)
        if stamp_us is None or length is None:
            return stamp_us, finished
        return stamp_us, stamp_us + length

    def finished_us(self) -> int | None:
        return timestamp_us(self.data.get("finished_at"))

    def elapsed_us(self) -> int | None:
        elapsed = self.data.get("elapsed_time")
        return None if elapsed is None else duration_us(elapsed) or 0

    def times(
        self, started_us: int | None, ended_us: int | None = None, key: str = ""
    ) -> dict[str, Any]:
        """Return fields of a record: start and end, ranked below those of exact sources. `key` is
        that of a step in the clock of the stream."""
        rank = self.time_ranks(key, started_us)
        if ended_us is None:
            del rank["ended_us"]
        return {"started_us": started_us, "ended_us": ended_us, "rank": rank}

    def time_ranks(self, key: str, started_us: int | None) -> dict[str, int]:
        """Return the ranks of the times of a step."""
        clock = self.context.clock
        stamp = clock.stamp(key) if key in clock else started_us
        return time_ranks(stamp, self.context.weight)

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


def time_ranks(stamp_us: int | None, weight: int) -> dict[str, int]:
    """Return the ranks of times that a stream of this weight gives, for a step whose start has this
    stamp."""
    second = (stamp_us or 0) // SECOND
    return {"started_us": COARSE - (second << 20) + weight, "ended_us": COARSE + weight}
