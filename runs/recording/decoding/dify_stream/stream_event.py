"""One event of Dify's stream: its envelope, with the ids of its run, and its payload. Pure."""

from dataclasses import dataclass
from typing import Any

from runs.recording.decoding.dify.vocabulary import duration_us, timestamp_us
from runs.recording.records.json_text import object_or_empty
from runs.recording.records.record import NodeRecord, RunFacts, Value

MAX_ID = 128
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


class StreamEvent:
    """An event. `data` is its payload: the object of that name, or the whole `envelope`, beside
    whose ids the events of a chat have their fields. Raises BadStreamEvent for an event without a
    name or with an id that is no text."""

    __slots__ = ("conversation", "data", "envelope", "message", "name", "request", "run", "task")

    def __init__(self, envelope: dict[str, Any], request: RunRequest) -> None:
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

    def started_us(self) -> int | None:
        return timestamp_us(self.data.get("created_at"))

    def ended_us(self, started: int | None) -> int | None:
        """Return the end. `finished_at` has whole seconds only; how long it took is exact."""
        elapsed = self.data.get("elapsed_time")
        if started is not None and elapsed is not None:
            return started + (duration_us(elapsed) or 0)
        return timestamp_us(self.data.get("finished_at"))

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
