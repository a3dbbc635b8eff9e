"""One event of Dify's streaming protocol and what its envelope tells. Pure."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from runs.recording.decoding.dify.vocabulary import duration_us, mapping, moment_us, text
from runs.recording.records.json_text import readable
from runs.recording.records.payload_values import canonical
from runs.recording.records.record import NodeRecord, RunFacts, Value

DIALECT = "dify-events"
MAX_ID = 128
# The engine's own words beat those of Dify's telemetry, which renames; its times do not, because
# they are whole seconds.
RANK = {
    name: 1
    for name in ("title", "kind", "node_id", "inputs", "outputs", "process_data", "received")
}
# Of texts that grow the longer is kept; a whole value, whoever tells it, beats them all.
GROWING = -(1 << 45)
MESSAGES = frozenset({"message", "agent_message"})


class BadEvent(ValueError):
    """An event that cannot be taken; the message is the reason."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is known of a run beside its events: the app's name and, where the request that asked
    for it was seen, its fields."""

    service: str
    inputs: Value = None
    query: str | None = None
    user: str | None = None
    conversation: str | None = None
    trigger: str | None = None


class Event:
    """`data` is the payload: the object of that name, or what stands beside the envelope (chat)."""

    __slots__ = ("asked", "conversation", "data", "message", "name", "run", "task", "told")

    def __init__(self, told: dict[str, Any], asked: Asked) -> None:
        name = told.get("event")
        if not isinstance(name, str) or not name:
            raise BadEvent("The event has no name (`event`).")
        self.name, self.told, self.asked = name, told, asked
        inner = told.get("data")
        self.data: dict[str, Any] = inner if isinstance(inner, dict) else told
        self.run = self._id("workflow_run_id")
        self.task = self._id("task_id")
        self.message = self._id("message_id") or (self._id("id") if name in MESSAGES else None)
        self.conversation = self._id("conversation_id")

    def _id(self, name: str) -> str | None:
        value = self.told.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str) or len(value) > MAX_ID:
            raise BadEvent(f"`{name}` must be text of at most {MAX_ID} characters.")
        return value

    @property
    def named(self) -> str | None:
        """The run, by the best of its ids."""
        return self.run or self.message or self.task

    @property
    def trace(self) -> str:
        if self.named is None:
            raise BadEvent("The event names no run: no workflow_run_id, message_id or task_id.")
        return self.named

    @property
    def ids(self) -> dict[str, str | None]:
        """Its envelope's."""
        return {
            "workflow_run_id": self.run,
            "message_id": self.message,
            "task_id": self.task,
            "conversation_id": self.conversation,
        }

    def need(self, name: str) -> str:
        """A field of the payload that the event means nothing without."""
        value = self.data.get(name)
        if not isinstance(value, str) or not 0 < len(value) <= MAX_ID:
            raise BadEvent(f"`{name}` of a {self.name} must be text of 1 to {MAX_ID} characters.")
        return value

    def started_us(self) -> int | None:
        return moment_us(self.data.get("created_at"))

    def ended_us(self, started: int | None) -> int | None:
        """`finished_at` has whole seconds only; how long it took is exact."""
        elapsed = self.data.get("elapsed_time")
        if started is not None and elapsed is not None:
            return started + (duration_us(elapsed) or 0)
        return moment_us(self.data.get("finished_at"))

    def facts(self, **told: Any) -> RunFacts:
        """Facts of the whole run: those of the envelope, those of the request, and `told`."""
        ids = (("dify-run", self.run), ("dify-message", self.message), ("dify-task", self.task))
        return RunFacts(
            **{
                # A completion app has messages, but no conversations: its runs are one-shot.
                "mode": "chatflow" if self.conversation else "workflow",
                "conversation": self.conversation or self.asked.conversation,
                "user": self.asked.user,
                "trigger": self.asked.trigger,
                "source_ids": tuple((kind, value) for kind, value in ids if value),
                **told,
            }
        )

    def record(self, source_id: str, title: str, kind: str, **told: Any) -> NodeRecord:
        return NodeRecord(
            trace=self.trace,
            source_id=source_id,
            service=self.asked.service,
            title=title,
            kind=kind,
            **told,
        )

    def left(self, *shown: str) -> dict[str, Any] | None:
        """The fields that are not shown elsewhere, as details of what was received."""
        attributes = {
            name: value
            for name, value in self.data.items()
            if name not in shown and value not in (None, "", [], {}, False)
        }
        return {"attributes": attributes, "scope": f"dify {self.name}"} if attributes else None


def value_of(told: Any) -> Value:
    """A value as a person reads it: JSON that came as text, as its content."""
    return readable(told) if isinstance(told, str) else told


def growing(weight: int) -> int:
    """The rank of a text that still grows and has come to this weight."""
    return GROWING + min(max(weight, 0), -GROWING - 1)


def detail(event: Event) -> NodeRecord:
    """An event that is no step, kept as a detail: the same event is the same row."""
    digest = blake2b(canonical(event.told)[1], digest_size=8).hexdigest()
    name = text(event.name) or "event"
    return event.record(
        f"{event.trace[:80]}/{name[:20]}/{digest}",
        name,
        "span",
        folded=True,
        started_us=event.started_us(),
        received={"attributes": dict(event.told)},
        run=event.facts(),
    )


def metadata_of(event: Event) -> dict[str, Any]:
    return mapping(event.data.get("execution_metadata"))
