"""Events of a run as a whole: its workflow, its message, its failure. Pure.

The workflow is known by `workflow_run_id`, the message of a chat by `message_id`; a turn of a
chatflow has both, as in Dify's telemetry.
"""

from typing import Any

from runs.recording.decoding.dify.vocabulary import (
    RUN_STATUSES,
    duration_us,
    mapping,
    moment_us,
    step_status,
    text,
    usage_of,
)
from runs.recording.decoding.dify_stream.event import RANK, Event, detail
from runs.recording.records.record import NodeRecord
from runs.recording.records.usage import to_count

VALUES = {name: RANK[name] for name in ("inputs", "outputs", "received")}
# What the run's own end says of its failure is nearer.
LAST_WORD = {"error": -1, "error_type": -1}
ENVELOPE = ("event", "task_id", "message_id", "conversation_id")
SHOWN = ("inputs", "outputs", "status", "error", "elapsed_time", "total_tokens", "created_at")


def workflow_started(event: Event) -> NodeRecord:
    return _workflow(event, status="running", inputs=event.data.get("inputs"))


def workflow_finished(event: Event) -> NodeRecord:
    data, started = event.data, event.started_us()
    status = data.get("status")
    status = status if isinstance(status, str) and status in RUN_STATUSES else None
    user = text(mapping(data.get("created_by")).get("user"))
    told = {"user": user} if user and not event.asked.user else {}
    return _workflow(
        event,
        status=step_status(status) if status else None,
        started_us=started,
        ended_us=None if status in ("running", "paused") else event.ended_us(started),
        outputs=data.get("outputs"),
        error=text(data.get("error")),
        received=event.left(*SHOWN, "id", "workflow_run_id"),
        run=event.facts(
            status=status if status not in ("running", "paused") else None,
            reported_tokens=to_count(data.get("total_tokens")),
            reported_duration_us=duration_us(data.get("elapsed_time")),
            **told,
        ),
    )


def workflow_paused(event: Event) -> list[NodeRecord]:
    """The run waits as long as the steps do at which it was paused."""
    paused = event.data.get("paused_nodes")
    nodes = [node for node in paused if text(node)] if isinstance(paused, list) else []
    reasons = event.data.get("reasons")
    why = {"reasons": reasons} if reasons else None
    return [
        _workflow(event, status="paused", received=event.left(*SHOWN)),
        *(waiting(event, str(node)[:80], process_data=why) for node in nodes),
    ]


def workflow_text(event: Event, **told: Any) -> NodeRecord:
    """What a run has answered so far."""
    return _workflow(event, status="running", **told)


def _workflow(event: Event, **told: Any) -> NodeRecord:
    run = event.run or event.need("id")
    known: dict[str, Any] = {"started_us": event.started_us(), "run": event.facts(), "rank": VALUES}
    known |= told
    if known.get("inputs") is None:  # as it was asked for, without what Dify adds
        known |= {"inputs": event.asked.inputs, "rank": {**known["rank"], "inputs": -1}}
    return event.record(run, "workflow", "workflow", is_run=True, **known)


def waiting(event: Event, node_id: str, title: str = "", **told: Any) -> NodeRecord:
    """What a run waits for at a node: a form, or whatever paused it. Below the node's own step."""
    known: dict[str, Any] = {"status": "paused", "rank": {"title": 0 if title else -1}}
    return event.record(
        f"{event.trace[:36]}/{node_id}/wait",
        title or "Waiting",
        "human-input",
        container=node_id,
        **(known | told),
    )


def message(event: Event, **told: Any) -> NodeRecord:
    """The message of a chat: what its turn answered."""
    asked = event.asked
    inputs: Any = None
    if asked.query is not None:
        inputs = {"query": asked.query, **asked.inputs} if asked.inputs else asked.query
    known: dict[str, Any] = {
        "status": "running",
        # In an envelope of the workflow's, created_at is that of the step.
        "started_us": moment_us(event.told.get("created_at")),
        "inputs": inputs,
        "run": event.facts(),
        "rank": VALUES,
    }
    found = event.message or event.trace
    return event.record(found, "message", "chain", is_run=True, **(known | told))


def message_end(event: Event, **told: Any) -> list[NodeRecord]:
    """The message, and the model call that made it where no workflow did."""
    metadata = mapping(event.data.get("metadata"))
    spent = mapping(metadata.get("usage"))
    usage, cost = usage_of(spent)
    started, lasted = moment_us(event.told.get("created_at")), duration_us(spent.get("latency"))
    ended = started + lasted if started is not None and lasted is not None else None
    known = {"status": "succeeded", "ended_us": ended, **told}
    return [
        message(
            event,
            process_data={k: v for k, v in metadata.items() if v and k != "usage"} or None,
            received=event.left(*ENVELOPE, "id", "answer", "metadata"),
            **known,
        ),
        answer(event, started_us=started, usage=usage, cost=cost, **known),
    ]


def answer(event: Event, **told: Any) -> NodeRecord:
    """What made the answer of a message, as long as no workflow is known to have."""
    known: dict[str, Any] = {"kind": "llm", "title": "llm", **told}
    known["rank"] = {"title": -1, **told.get("rank", {})}
    message_id = event.message or event.trace
    return event.record(
        answer_id(event), parent_source_id=message_id, stand_in=True, run=event.facts(), **known
    )


def answer_id(event: Event) -> str:
    return f"{(event.message or event.trace)[:120]}/llm"


def error(event: Event) -> NodeRecord:
    """The stream's own failure: of the message or run that it names; one that names its task alone
    is joined to the run by the task."""
    told = {
        "status": "failed",
        "error": text(event.data.get("message")) or "Dify reported an error without a message.",
        "error_type": text(event.data.get("code")),
        "received": event.left("event", "message", "code"),
        "rank": LAST_WORD,
    }
    if event.message and not event.run:
        return message(event, **told)
    if event.run:
        return _workflow(event, **told)
    return event.record(event.trace, "workflow", "workflow", is_run=True, run=event.facts(), **told)


def cut(event: Event, reason: str) -> NodeRecord:
    """The run that this event is of, and whose stream broke off: whether it went on, nobody knows,
    so that it stays as it is, with the reason."""
    told: dict[str, Any] = {"status": None, "started_us": None, "error": reason, "rank": LAST_WORD}
    if event.run:
        return _workflow(event, **told)
    return message(event, **told) if event.message else detail(event)


def reply(told: dict[str, Any]) -> dict[str, Any]:
    """A blocking reply as the event that it stands for: the end of the run, or a whole message."""
    if "event" in told or not isinstance(told.get("data"), dict):
        return told
    paused = mapping(told["data"]).get("status") == "paused"
    return {**told, "event": "workflow_paused" if paused else "workflow_finished"}
