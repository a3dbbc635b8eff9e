"""Handle the events of Dify's stream: one function for each turns the event into records. Pure.
`HANDLERS`, at the end, says which function takes which event.

A run is known by two ids: its workflow by `workflow_run_id`, the message of a chat by `message_id`;
a turn of a chatflow has both, as in Dify's telemetry. What Dify sends, and how it is read here:
- Times are whole seconds; lengths, and the order of the events, are exact (see `stream_clock`).
- A container (iteration, loop) is named by its node's id in the graph alone, and never as a node.
- A failed attempt that is tried again has the id of the step that follows it.
"""

from collections.abc import Callable
from hashlib import blake2b
from typing import Any

from runs.recording.decoding.dify import agent_log
from runs.recording.decoding.dify.branches import branch_of
from runs.recording.decoding.dify.vocabulary import (
    NODE_STATUSES,
    RUN_STATUSES,
    duration_us,
    step_status,
    text_or_none,
    timestamp_us,
    usage_of,
)
from runs.recording.decoding.dify_stream.stream_event import StreamEvent
from runs.recording.records.json_text import object_or_empty, readable
from runs.recording.records.payload_values import canonical
from runs.recording.records.record import NodeRecord, Value
from runs.recording.records.row import retry_source_id
from runs.recording.records.usage import to_count

# The engine's own words beat those of Dify's telemetry, which renames.
RANK = {
    name: 1
    for name in ("title", "kind", "node_id", "inputs", "outputs", "process_data", "received")
}
RUN_RANK = {name: RANK[name] for name in ("inputs", "outputs", "received")}
# What the run's own end says of its failure is nearer.
LAST_RESORT_ERROR = {"error": -1, "error_type": -1}
# Of texts that grow the longest is kept; a whole value from any source beats them all.
GROWING = -(1 << 45)
STEP_VALUES = ("inputs", "outputs", "process_data")
LAST_INDEX, LAST_ATTEMPT = 9_999, 99
UNKNOWN_ERROR = "Unknown error"
# Fields that are stored elsewhere than in `received`.
CHAT_ENVELOPE = ("event", "task_id", "message_id", "conversation_id")
STORED_OF_RUN = (
    "inputs", "outputs", "status", "error", "elapsed_time", "total_tokens", "created_at",
)  # fmt: skip
STORED_OF_STEP = (
    "id", "node_id", "node_type", "title", "inputs", "outputs", "process_data", "status", "error",
)  # fmt: skip


# -- the workflow ----------------------------------------------------------------------------------


def workflow_started(event: StreamEvent) -> NodeRecord:
    times = _run_times(event, event.begin(_workflow_id(event)), None)
    version_id = text_or_none(event.data.get("workflow_id"))
    return _workflow_record(
        event,
        status="running",
        inputs=event.data.get("inputs"),
        run=event.facts(version_id=version_id),
        **times,
    )


def workflow_finished(event: StreamEvent) -> NodeRecord:
    data = event.data
    started, ended = event.finish(_workflow_id(event), event.stamp_us())
    status = data.get("status")
    status = status if isinstance(status, str) and status in RUN_STATUSES else None
    user = text_or_none(object_or_empty(data.get("created_by")).get("user"))
    user_fact = {"user": user} if user and not event.request.user else {}
    return _workflow_record(
        event,
        status=step_status(status) if status else None,
        **_run_times(event, started, None if status in ("running", "paused") else ended),
        outputs=data.get("outputs"),
        error=text_or_none(data.get("error")),
        received=event.received_without(*STORED_OF_RUN, "id", "workflow_run_id"),
        run=event.facts(
            status=status if status not in ("running", "paused") else None,
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
        *(_wait_record(event, str(node)[:80], process_data=process_data) for node in nodes),
    ]


def _run_times(event: StreamEvent, started: int | None, ended: int | None) -> dict[str, Any]:
    """Return the times of a run, which ends no earlier than its steps."""
    now = event.context.clock.now_us
    if ended is not None and now is not None:
        ended = max(ended, now)
    times = event.times(started, ended, _workflow_id(event))
    return times | {"rank": RUN_RANK | times["rank"]}


def _workflow_id(event: StreamEvent) -> str:
    return event.run or event.required_id("id")


def _workflow_record(event: StreamEvent, **fields: Any) -> NodeRecord:
    run_id = _workflow_id(event)
    known: dict[str, Any] = {"run": event.facts(), "rank": RUN_RANK}
    known |= fields
    if known.get("inputs") is None:  # those of the request, without what Dify adds
        known |= {"inputs": event.request.inputs, "rank": {**known["rank"], "inputs": -1}}
    return event.record(run_id, "workflow", "workflow", is_run=True, **known)


def _wait_record(event: StreamEvent, node_id: str, title: str = "", **fields: Any) -> NodeRecord:
    """Return what a run waits for at a node, as a step below the node's own: a form, or whatever
    paused the run."""
    known: dict[str, Any] = {"status": "paused", "rank": {"title": 0 if title else -1}}
    return event.record(
        f"{event.trace[:36]}/{node_id}/wait",
        title or "Waiting",
        "human-input",
        container=node_id,
        **(known | fields),
    )


# -- the message of a chat -------------------------------------------------------------------------


def message_record(event: StreamEvent, **fields: Any) -> NodeRecord:
    """Return the message of a chat: what its turn answered."""
    known: dict[str, Any] = {
        "status": "running",
        "inputs": event.request.message_inputs,
        "run": event.facts(),
    }
    # In an envelope of the workflow's, created_at is that of the step.
    times = event.times(
        timestamp_us(event.envelope.get("created_at")), fields.pop("ended_us", None)
    )
    known |= times | {"rank": RUN_RANK | times["rank"] | fields.pop("rank", {})}
    source_id = event.message or event.trace
    return event.record(source_id, "message", "chain", is_run=True, **(known | fields))


def message_end(event: StreamEvent, **fields: Any) -> list[NodeRecord]:
    """Return the message, and the model call that made it where no workflow did. `fields` is what
    the stream has collected of the message."""
    metadata = object_or_empty(event.data.get("metadata"))
    reported_usage = object_or_empty(metadata.get("usage"))
    usage, cost = usage_of(reported_usage)
    started = timestamp_us(event.envelope.get("created_at"))
    latency = duration_us(reported_usage.get("latency"))
    ended = started + latency if started is not None and latency is not None else None
    known = {"status": "succeeded", "ended_us": ended, **fields}
    return [
        message_record(
            event,
            process_data={k: v for k, v in metadata.items() if v and k != "usage"} or None,
            received=event.received_without(*CHAT_ENVELOPE, "id", "answer", "metadata"),
            **known,
        ),
        _answer_record(event, started_us=started, usage=usage, cost=cost, **known),
    ]


def _answer_record(event: StreamEvent, **fields: Any) -> NodeRecord:
    """Return what made the answer of a message, as long as no workflow is known to have made it."""
    known: dict[str, Any] = {"kind": "llm", "title": "llm", **fields}
    times = event.times(known.get("started_us"))
    known["rank"] = {"title": -1, **times["rank"], **fields.get("rank", {})}
    return event.record(
        _answer_id(event),
        parent_source_id=event.message or event.trace,
        stand_in=True,
        run=event.facts(),
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


# -- steps -----------------------------------------------------------------------------------------


def node_started(event: StreamEvent) -> NodeRecord:
    return _step_record(
        event, **event.times(event.begin(event.required_id("id"))), status="running"
    )


def node_finished(event: StreamEvent) -> list[NodeRecord]:
    """Return the step, the log of an agent below it, and the end of what it waited for."""
    step_id = event.required_id("id")
    step = _finished_step(event, step_id, event.finish(step_id, event.stamp_us()))
    records = [step]
    entries = agent_log.log_entries(event.execution_metadata)
    if entries:
        rank = event.time_ranks(step_id, step.started_us)
        clock = agent_log.AgentLogClock(step.started_us, rank=rank)
        service = event.request.service
        records += agent_log.log_steps(entries, step_id, event.trace, service, clock)
    if event.data.get("node_type") == "human-input" and step.status not in ("paused", None):
        times = event.times(None, event.context.clock.now_us)
        node_id = event.required_id("node_id")[:80]
        records.append(_wait_record(event, node_id, status=step.status, **times))
    return records


def node_retry(event: StreamEvent) -> NodeRecord:
    step_id = event.required_id("id")
    attempt = min(to_count(event.data.get("retry_index")) or 1, LAST_ATTEMPT - 1)
    attempt_id = retry_source_id(step_id, attempt)
    event.context.clock.begin_attempt(attempt_id, step_id)
    return _finished_step(
        event, attempt_id, event.finish(attempt_id, event.stamp_us()), attempt=attempt
    )


def _step_record(event: StreamEvent, source_id: str = "", **fields: Any) -> NodeRecord:
    data = event.data
    node_id = event.required_id("node_id")
    kind = text_or_none(data.get("node_type")) or "span"
    container, iteration_index = _place_in_container(event)
    known: dict[str, Any] = {
        "node_id": node_id,
        "inputs": data.get("inputs"),
        "container": container,
        "iteration_index": iteration_index,
    }
    known |= fields
    # An empty value, as a model call has for its inputs, is no better than what others send.
    empty = {name: -1 for name in STEP_VALUES if known.get(name) in ({}, [])}
    known["rank"] = RANK | known.get("rank", {}) | empty
    title = text_or_none(data.get("title")) or node_id
    return event.record(source_id or event.required_id("id"), title, kind, **known)


def _place_in_container(event: StreamEvent) -> tuple[str | None, int | None]:
    """Return the node id of the container of a step, and the number of its iteration. Of a loop in
    an iteration, or an iteration in a loop, the inner one is that which began last."""
    position = event.execution_metadata | {
        key: value for key, value in event.data.items() if value is not None
    }
    named = [
        (container, kind)
        for kind in ("iteration", "loop")
        if (container := text_or_none(position.get(f"{kind}_id"))) is not None
        and container != event.data.get("node_id")
    ]
    if not named:
        return None, None
    began = event.context.containers
    container, kind = max(named, key=lambda item: began.get(item[0], (-1, "")))
    return container, to_count(position.get(f"{kind}_index"))


def _finished_step(
    event: StreamEvent,
    source_id: str,
    times: tuple[int | None, int | None],
    attempt: int | None = None,
) -> NodeRecord:
    """Return a step that has ended; `attempt` is its number where it is to be tried again."""
    data = event.data
    outputs, process_data = data.get("outputs"), object_or_empty(data.get("process_data"))
    status = "retry" if attempt else data.get("status")
    status = status if isinstance(status, str) and status in NODE_STATUSES else None
    started, ended = times
    node_type = str(data.get("node_type"))
    branch = branch_of(node_type, outputs, process_data, event.execution_metadata)
    usage, cost = usage_of(process_data.get("usage") or object_or_empty(outputs).get("usage"))
    summed_usage, summed_cost = usage_of(event.execution_metadata)
    known = event.times(started, None if status in ("running", "paused") else ended, source_id)
    known["rank"] |= {"taken": branch.rank} if branch.rank else {}
    return _step_record(
        event,
        source_id,
        status=status,
        handled=status == "exception",
        attempt=attempt,
        outputs=outputs,
        process_data=data.get("process_data"),
        error=_step_error(data, outputs),
        error_type=text_or_none(object_or_empty(outputs).get("error_type")),
        usage=usage or summed_usage,
        cost=summed_cost or cost,
        model=text_or_none(process_data.get("model_name")),
        provider=text_or_none(process_data.get("model_provider")),
        taken=branch.name,
        received=event.received_without(*STORED_OF_STEP),
        **known,
    )


def _step_error(data: dict[str, Any], outputs: Value) -> str | None:
    """Return the error of a step. Of one that Dify handled, its text is in the outputs alone."""
    error = text_or_none(data.get("error"))
    if error in (None, UNKNOWN_ERROR):
        return text_or_none(object_or_empty(outputs).get("error_message")) or error
    return error


def container(event: StreamEvent, number: int) -> NodeRecord:
    """Return an iteration or a loop, when it starts and when it has ended; `number` is that of its
    execution, where a container runs several times inside another."""
    data, kind = event.data, event.name.partition("_")[0]
    has_ended = event.name.endswith("_completed")
    status = data.get("status") if has_ended else "running"
    node_id = text_or_none(data.get("node_id")) or event.required_id("id")
    suffix = f"/{number}" if number > 1 else ""
    source_id = f"{event.trace[:36]}/{node_id[:80]}{suffix}"
    if has_ended:
        # Here created_at is that of the end, but in some versions.
        started, ended = event.finish(source_id, None)
        ended = ended or event.stamp_us()
    else:
        started, ended = event.begin(source_id), None
        event.context.containers[node_id] = (event.context.events, source_id)
    usage, cost = usage_of(event.execution_metadata)
    total = to_count(data.get("total_tokens"))
    outer, iteration_index = _place_in_container(event)
    times = event.times(started, ended, source_id)
    return event.record(
        source_id,
        text_or_none(data.get("title")) or node_id,
        kind,
        node_id=node_id,
        stand_in=True,
        status=status if isinstance(status, str) and status in NODE_STATUSES else None,
        inputs=data.get("inputs"),
        outputs=data.get("outputs"),
        error=text_or_none(data.get("error")),
        usage=usage or (usage_of({"total_tokens": total})[0] if total else None),
        cost=cost,
        container=outer,
        iteration_index=iteration_index,
        received=event.received_without(*STORED_OF_STEP) if has_ended else None,
        **times | {"rank": RANK | times["rank"]},
    )


def agent_log_entry(event: StreamEvent, clock: agent_log.AgentLogClock) -> list[NodeRecord]:
    """Return one entry of an agent's log, while it works; `clock` is that of the agent's node."""
    event.required_id("id")
    service = event.request.service
    return agent_log.log_steps([event.data], logging_step(event), event.trace, service, clock)


def logging_step(event: StreamEvent) -> str:
    """Return the id of the execution whose log this is an entry of: `node_execution_id`, which is
    the node's id in the graph where an agent writes the log (Dify 1.14)."""
    node = event.required_id("node_execution_id")
    return event.context.executions.get(node, node)


def human_input(event: StreamEvent) -> NodeRecord:
    """Return a form that somebody must fill in, has filled in, or did not in time."""
    data, node_id = event.data, event.required_id("node_id")[:80]
    now = event.context.clock.now_us
    started, ended = (now, None) if event.name == "human_input_required" else (None, now)
    fields: dict[str, Any] = {"title": "Waiting for a person", **event.times(started, ended)}
    if event.name == "human_input_required":
        hidden = ("node_id", "node_title", "form_token")  # the token lets anybody answer
        fields["inputs"] = {name: value for name, value in data.items() if name not in hidden}
    elif event.name == "human_input_form_filled":
        fields["status"] = "succeeded"
        names = ("action_id", "action_text", "rendered_content", "submitted_data")
        fields["outputs"] = {name: data[name] for name in names if data.get(name) is not None}
    else:
        fields.update(status="stopped", error="The form was not filled in in time.")
    return _wait_record(event, node_id, **fields)


# -- all else --------------------------------------------------------------------------------------


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


# Events that are read by themselves. `stream_reader` calls the functions for the others.
HANDLERS: dict[str, Callable[[StreamEvent], NodeRecord | list[NodeRecord]]] = {
    "workflow_started": workflow_started,
    "workflow_finished": workflow_finished,
    "workflow_paused": workflow_paused,
    "node_started": node_started,
    "node_finished": node_finished,
    "node_retry": node_retry,
    "human_input_required": human_input,
    "human_input_form_filled": human_input,
    "human_input_form_timeout": human_input,
    "agent_thought": agent_thought,
    "error": error,
}
# They say nothing new of a run: the steps of an iteration name it, and speech is audio.
IGNORED_EVENTS = frozenset(
    {"ping", "tts_message", "tts_message_end", "iteration_next", "loop_next"}
)  # fmt: skip
FINAL_EVENTS = frozenset({"workflow_finished", "workflow_paused", "message_end", "error"})
