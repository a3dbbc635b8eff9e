"""Read the events of the run as such: its workflow, the message of a chat, its failure, and events
that nobody knows. Pure.

A run is known by two ids: its workflow by `workflow_run_id`, the message of a chat by `message_id`;
a turn of a chatflow has both, as in Dify's telemetry. Times are whole seconds; lengths, and the
order of the events, are exact (see `deriving.placing`).
"""

from hashlib import blake2b
from typing import Any

from runs.recording.decoding.dify.vocabulary import (
    RUN_STATUSES,
    duration_us,
    step_status,
    text_or_none,
    timestamp_us,
    usage_of,
)
from runs.recording.decoding.dify_stream.step_events import wait_record
from runs.recording.decoding.dify_stream.stream_event import MEASURED, NEAREST, StreamEvent, times
from runs.recording.records.json_text import object_or_empty, readable
from runs.recording.records.payload_values import canonical
from runs.recording.records.record import NodeRecord, Value
from runs.recording.records.usage import to_count

RUN_RANK = {name: NEAREST[name] for name in ("inputs", "outputs", "received")}
# What the run's own end says of its failure is nearer.
LAST_RESORT_ERROR = {"error": -1, "error_type": -1}
# Of texts that grow the longest is kept; a whole value from any source beats them all.
GROWING = -(1 << 45)
LAST_INDEX = 9_999
CHATFLOW = "advanced-chat"
# Fields that are stored elsewhere than in `received`.
CHAT_ENVELOPE = ("event", "task_id", "message_id", "conversation_id")
STORED_OF_RUN = (
    "inputs", "outputs", "status", "error", "elapsed_time", "total_tokens", "created_at",
)  # fmt: skip


# -- the workflow ----------------------------------------------------------------------------------


def workflow_started(event: StreamEvent) -> NodeRecord:
    version_id = text_or_none(event.data.get("workflow_id"))
    return _workflow_record(
        event,
        status="running",
        inputs=event.data.get("inputs"),
        run=event.facts(version_id=version_id),
        **event.begins(_workflow_id(event)),
    )


def workflow_finished(event: StreamEvent) -> NodeRecord:
    data = event.data
    status = data.get("status")
    status = status if isinstance(status, str) and status in RUN_STATUSES else None
    goes_on, run_id = status in ("running", "paused"), _workflow_id(event)
    user = text_or_none(object_or_empty(data.get("created_by")).get("user"))
    user_fact = {"user": user} if user and not event.request.user else {}
    return _workflow_record(
        event,
        status=step_status(status) if status else None,
        **(times(event.stamp_us()) if goes_on else event.ends(run_id, event.stamp_us())),
        outputs=data.get("outputs"),
        error=text_or_none(data.get("error")),
        received=event.received_without(*STORED_OF_RUN, "id", "workflow_run_id"),
        run=event.facts(
            status=None if goes_on else status,
            reported_tokens=to_count(data.get("total_tokens")),
            reported_duration_us=duration_us(data.get("elapsed_time")),
            version_id=text_or_none(data.get("workflow_id")),
            **user_fact,
        ),
    )


def workflow_paused(event: StreamEvent) -> list[NodeRecord]:
    """Return the paused run, and a wait at each node where it was paused: the run waits as long as
    they do."""
    paused = event.data.get("paused_nodes")
    nodes = [node for node in paused if text_or_none(node)] if isinstance(paused, list) else []
    reasons = event.data.get("reasons")
    process_data = {"reasons": reasons} if reasons else None
    return [
        _workflow_record(event, status="paused", received=event.received_without(*STORED_OF_RUN)),
        *(wait_record(event, str(node), process_data=process_data) for node in nodes),
    ]


def _workflow_id(event: StreamEvent) -> str:
    return event.run or event.required_id("id")


def _workflow_record(event: StreamEvent, **fields: Any) -> NodeRecord:
    run_id = _workflow_id(event)
    known: dict[str, Any] = {"run": event.facts(), **fields}
    known["rank"] = RUN_RANK | fields.get("rank", {})
    if known.get("inputs") is None:  # those of the request, without what Dify adds
        known |= {"inputs": event.request.inputs, "rank": {**known["rank"], "inputs": -1}}
    return event.record(run_id, "workflow", "workflow", is_run=True, **known)


# -- the message of a chat -------------------------------------------------------------------------


def message_record(event: StreamEvent, **fields: Any) -> NodeRecord:
    """Return the message of a chat: what its turn answered."""
    known: dict[str, Any] = {
        "status": "running",
        "inputs": event.request.message_inputs,
        "run": event.facts(),
        # In an envelope of the workflow's, created_at is that of the step.
        **times(timestamp_us(event.envelope.get("created_at"))),
    }
    ranks = RUN_RANK | known["rank"] | fields.pop("rank", {})
    source_id = event.message or event.trace
    return event.record(
        source_id, "message", "chain", is_run=True, **(known | fields | {"rank": ranks})
    )


def message_end(event: StreamEvent, **fields: Any) -> list[NodeRecord]:
    """Return the message, and the model call that made it where no workflow did. `fields` is what
    the stream has collected of the message."""
    metadata = object_or_empty(event.data.get("metadata"))
    reported_usage = object_or_empty(metadata.get("usage"))
    usage, cost = usage_of(reported_usage)
    by_workflow = event.envelope.get("mode") == CHATFLOW  # an answer as a whole says it
    latency = duration_us(reported_usage.get("latency"))
    lasted, called = _message_times(event, None if by_workflow else latency)
    rank = fields.pop("rank", {})
    known = {"status": "succeeded", **fields}
    message = message_record(
        event,
        process_data={k: v for k, v in metadata.items() if v and k != "usage"} or None,
        received=event.received_without(*CHAT_ENVELOPE, "id", "answer", "metadata"),
        run=event.facts(reported_tokens=usage.total, reported_cost=cost)
        if by_workflow and usage
        else event.facts(),
        **known | lasted | {"rank": lasted["rank"] | rank},
    )
    if by_workflow:
        return [message]
    call = known | called | {"rank": called["rank"] | rank}
    return [message, _answer_record(event, usage=usage, cost=cost, **call)]


def _message_times(
    event: StreamEvent, latency_us: int | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the times of a message, and those of the model call that made it, as fields of their
    records. Dify tells the second in which a message was created, and how long the call took. Where
    the request and its answer were seen, they say how long the message took; the call came last."""
    sent, arrived = event.request.sent_us, event.arrived_us
    if sent is not None and arrived is not None:
        called = None if latency_us is None else max(sent, arrived - latency_us)
        return times(sent, arrived, MEASURED), times(called, arrived, MEASURED)
    created = timestamp_us(event.envelope.get("created_at"))
    ended = created + latency_us if created is not None and latency_us is not None else None
    return times(created, ended), times(created, ended)


def _answer_record(event: StreamEvent, **fields: Any) -> NodeRecord:
    """Return what made the answer of a message, as long as no workflow is known to have made it."""
    known: dict[str, Any] = {"kind": "llm", "title": "llm", "run": event.facts(), **fields}
    known["rank"] = {"title": -1, **fields.get("rank", {})}
    return event.record(
        _answer_id(event),
        parent_source_id=event.message or event.trace,
        stand_in=True,
        **known,
    )


def _answer_id(event: StreamEvent) -> str:
    return f"{(event.message or event.trace)[:120]}/llm"


def agent_thought(event: StreamEvent) -> list[NodeRecord]:
    """Return a thought of an agent app, with the tools that it called, and the agent above it. The
    event is sent again as the thought grows."""
    data = event.data
    thought = text_or_none(data.get("thought")) or ""
    observation = text_or_none(data.get("observation")) or ""
    tool = text_or_none(data.get("tool"))
    position = min(to_count(data.get("position")) or 0, LAST_INDEX)
    started = event.stamp_us()
    tool_input = text_or_none(data.get("tool_input")) or ""
    rank = growing_text_rank(len(thought) + len(observation) + len(tool_input))
    record = event.record(
        event.required_id("id"),
        (tool or "").replace(";", ", ") or f"Thought {position}",
        "tool" if tool else "task",
        status="running" if tool and not observation else "succeeded",
        started_us=started + position * 100 if started is not None else None,
        inputs=_json_or_text(data.get("tool_input")),
        outputs=_json_or_text(data.get("observation")),
        process_data={"thought": thought} if thought else None,
        rank={name: int(bool(tool)) for name in ("title", "kind")}
        | {name: rank for name in ("inputs", "outputs", "process_data")},
        parent_source_id=_answer_id(event),
        run=event.facts(),
    )
    agent = _answer_record(event, title="Agent", kind="agent", rank={"title": 0, "kind": 1})
    return [record, agent]


# -- texts that grow, of a workflow or a message ---------------------------------------------------


def growing_text_rank(weight: int) -> int:
    """Return the rank of a text that still grows and has come to this weight."""
    return GROWING + min(max(weight, 0), -GROWING - 1)


def partial_text(event: StreamEvent, **fields: Any) -> NodeRecord:
    """Return what a message or a run has answered so far."""
    if event.message:
        return message_record(event, **fields)
    return _workflow_record(event, status="running", **fields)


# -- the end of the stream -------------------------------------------------------------------------


def error(event: StreamEvent) -> NodeRecord:
    """Return the failure of the stream itself, as that of the message or run that it names; one
    that names its task alone is joined to the run by the task."""
    fields = {
        "status": "failed",
        "error": text_or_none(event.data.get("message"))
        or "Dify reported an error without a message.",
        "error_type": text_or_none(event.data.get("code")),
        "received": event.received_without("event", "message", "code"),
        "rank": LAST_RESORT_ERROR,
    }
    if event.run:
        return _workflow_record(event, **fields)
    if event.message:
        return message_record(event, **fields)
    return event.record(
        event.trace, "workflow", "workflow", is_run=True, run=event.facts(), **fields
    )


def broken_off(last: StreamEvent, reason: str) -> NodeRecord:
    """Return the run whose stream broke off after its `last` event. Nobody knows whether the run
    went on, so that it stays as it is, with the reason."""
    fields: dict[str, Any] = {"status": None, "error": reason}
    fields["rank"] = LAST_RESORT_ERROR
    if last.run:
        return _workflow_record(last, **fields)
    return message_record(last, **fields) if last.message else unknown_event(last)


# -- all else ------------------------------------------------------------------------------------


def unknown_event(event: StreamEvent) -> NodeRecord:
    """Return an event that is no step, kept as a detail: the same event is the same row."""
    digest = blake2b(canonical(event.envelope)[1], digest_size=8).hexdigest()
    return event.record(
        f"{event.trace[:80]}/{event.name[:20]}/{digest}",
        event.name,
        "span",
        folded=True,
        started_us=event.stamp_us(),
        received={"attributes": dict(event.envelope)},
        run=event.facts(),
    )


def _json_or_text(value: Any) -> Value:
    """Return a value as a person reads it: JSON that came as text, as its content."""
    return readable(value) if isinstance(value, str) else value
