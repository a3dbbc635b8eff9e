"""Read the events of steps: nodes, their failed attempts, containers, logs of agents, and forms
that wait for a person. Pure.

What Dify sends, and how it is read here:
- A container (iteration, loop) is named by its node's id in the graph alone, and never as a node.
- A failed attempt that is tried again has the id of the step that follows it.
- An entry of a log is sent while its agent works, and again with the end of the agent's node.
"""

from dataclasses import replace
from hashlib import blake2b
from typing import Any

from runs.recording.decoding.dify import agent_log
from runs.recording.decoding.dify.branches import branch_of
from runs.recording.decoding.dify.vocabulary import (
    NODE_STATUSES,
    text_or_none,
    timestamp_us,
    usage_of,
)
from runs.recording.decoding.dify_stream.stream_event import MAX_ID, NEAREST, StreamEvent, times
from runs.recording.records.json_text import object_or_empty
from runs.recording.records.moments import Moment
from runs.recording.records.payload_values import canonical, clean
from runs.recording.records.record import NodeRecord, Value
from runs.recording.records.row import retry_source_id
from runs.recording.records.usage import to_count

STEP_VALUES = ("inputs", "outputs", "process_data")
LAST_ATTEMPT = 99
UNKNOWN_ERROR = "Unknown error"
MAX_NODE_ID = 80
# Fields that are stored elsewhere than in `received`.
STORED_OF_STEP = (
    "id", "node_id", "node_type", "title", "inputs", "outputs", "process_data", "status", "error",
)  # fmt: skip


def node_started(event: StreamEvent) -> NodeRecord:
    return _step_record(event, **event.begins(event.required_id("id")), status="running")


def node_finished(event: StreamEvent) -> list[NodeRecord]:
    """Return the step, the log of an agent below it, and the end of what it waited for."""
    step_id = event.required_id("id")
    step = _finished_step(event, step_id)
    records = [step]
    before = ""
    for entry in agent_log.log_entries(event.execution_metadata):
        if (source_id := agent_log.entry_id(entry)) is not None:
            moment = replace(_entry_moment(entry), after=before)
            records.append(
                _log_entry(event, entry, step_id, event.stamp_us(), moments=(str(moment),))
            )
            before = moment.name(clean(source_id, MAX_ID))
    if event.data.get("node_type") == "human-input" and step.status not in ("paused", None):
        records.append(wait_record(event, event.required_id("node_id"), status=step.status))
    return records


def node_retry(event: StreamEvent) -> NodeRecord:
    attempt = min(to_count(event.data.get("retry_index")) or 1, LAST_ATTEMPT - 1)
    attempt_id = retry_source_id(event.required_id("id"), attempt)
    return _finished_step(event, attempt_id, attempt=attempt)


def _step_record(event: StreamEvent, source_id: str = "", **fields: Any) -> NodeRecord:
    data = event.data
    node_id = event.required_id("node_id")
    kind = text_or_none(data.get("node_type")) or "span"
    known: dict[str, Any] = {
        "node_id": node_id,
        "inputs": data.get("inputs"),
        **_containers(event),
    }
    known |= fields
    # An empty value, as a model call has for its inputs, is no better than what others send.
    empty = {name: -1 for name in STEP_VALUES if known.get(name) in ({}, [])}
    known["rank"] = NEAREST | known.get("rank", {}) | empty
    title = text_or_none(data.get("title")) or node_id
    return event.record(source_id or event.required_id("id"), title, kind, **known)


def _containers(event: StreamEvent) -> dict[str, Any]:
    """Return fields that name the containers of a step by their node ids, with the number of the
    iteration. A step of a loop in an iteration, or of an iteration in a loop, names both."""
    position = event.execution_metadata | {
        key: value for key, value in event.data.items() if value is not None
    }
    named = [
        (container, to_count(position.get(f"{kind}_index")))
        for kind in ("iteration", "loop")
        if (container := text_or_none(position.get(f"{kind}_id"))) is not None
        and container != event.data.get("node_id")
    ]
    names = (("container", "iteration_index"), ("other_container", "other_index"))
    return {
        field: value
        for fields, values in zip(names, named, strict=False)
        for field, value in zip(fields, values, strict=True)
    }


def _finished_step(event: StreamEvent, source_id: str, attempt: int | None = None) -> NodeRecord:
    """Return a step that has ended; `attempt` is its number where it is to be tried again."""
    data = event.data
    outputs, process_data = data.get("outputs"), object_or_empty(data.get("process_data"))
    status = "retry" if attempt else data.get("status")
    status = status if isinstance(status, str) and status in NODE_STATUSES else None
    node_type = str(data.get("node_type"))
    branch = branch_of(node_type, outputs, process_data, event.execution_metadata)
    usage, cost = usage_of(process_data.get("usage") or object_or_empty(outputs).get("usage"))
    summed_usage, summed_cost = usage_of(event.execution_metadata)
    goes_on = status in ("running", "paused")
    known = times(event.stamp_us()) if goes_on else event.ends(source_id, event.stamp_us())
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


def container_started(event: StreamEvent) -> NodeRecord:
    source_id = _container_source_id(event, "begin")
    return _container_record(event, source_id, status="running", **event.begins(source_id))


def container_completed(event: StreamEvent) -> NodeRecord:
    data, source_id = event.data, _container_source_id(event, "end")
    status = data.get("status")
    usage, cost = usage_of(event.execution_metadata)
    total = to_count(data.get("total_tokens"))
    # Here created_at is that of the end, but in some versions.
    known = event.ends(source_id)
    if known["ended_us"] is None:
        known |= times(None, event.stamp_us())
    return _container_record(
        event,
        source_id,
        status=status if isinstance(status, str) and status in NODE_STATUSES else None,
        outputs=data.get("outputs"),
        error=text_or_none(data.get("error")),
        usage=usage or (usage_of({"total_tokens": total})[0] if total else None),
        cost=cost,
        received=event.received_without(*STORED_OF_STEP),
        **known,
    )


def _container_source_id(event: StreamEvent, what: str) -> str:
    """Return the source id of the start or the end of a container, which Dify names by its node in
    the graph alone: all that the event says tells it from those of other executions."""
    digest = blake2b(canonical(event.data)[1], digest_size=6).hexdigest()
    return f"{event.trace[:36]}/{event.required_id('id')[:MAX_NODE_ID]}/{what}-{digest}"


def _container_record(event: StreamEvent, source_id: str, **fields: Any) -> NodeRecord:
    """Return the start or the end of an iteration or a loop."""
    data = event.data
    node_id = text_or_none(data.get("node_id")) or event.required_id("id")
    fields["rank"] = NEAREST | fields["rank"]
    return event.record(
        source_id,
        text_or_none(data.get("title")) or node_id,
        event.name.partition("_")[0],
        node_id=node_id,
        stand_in=True,
        inputs=data.get("inputs"),
        **_containers(event),
        **fields,
    )


def agent_log_entry(event: StreamEvent) -> NodeRecord:
    """Return one entry of an agent's log, while it works. Its node is named by the id of the
    execution, or by that in the graph (Dify 1.14)."""
    node = event.required_id("node_execution_id")
    moments = event.context.moments(event.required_id("id"), _entry_moment(event.data))
    stamp_us = timestamp_us(event.envelope.get("created_at")) or event.context.last_stamp_us
    # In a chat it names the message alone: its ids lead to the run of the workflow.
    return _log_entry(
        event, event.data, node, stamp_us, moments=moments, container=node, run=event.facts()
    )


def _entry_moment(entry: dict[str, Any]) -> Moment:
    return Moment(False, agent_log.process_time_us(entry))


def _log_entry(
    event: StreamEvent,
    entry: dict[str, Any],
    node: str,
    stamp_us: int | None,
    moments: tuple[str, ...],
    container: str | None = None,
    **fields: Any,
) -> NodeRecord:
    """Return an entry of the log of a `node`, in the second of the stamp: when it was within the
    node's time follows from the other entries."""
    length = agent_log.length_us(entry)
    if length is not None:
        moments += (str(Moment(True, None, length)),)
    return agent_log.entry_record(
        entry,
        event.trace,
        event.request.service,
        node,
        None if container else node,
        container=container,
        moments=moments,
        **times(stamp_us),
        **fields,
    )


def human_input(event: StreamEvent) -> NodeRecord:
    """Return a form that somebody must fill in, has filled in, or did not in time."""
    data, node_id = event.data, event.required_id("node_id")
    moment = Moment(event.name != "human_input_required", arrived_us=event.arrived_us)
    fields: dict[str, Any] = {
        "title": "Waiting for a person",
        "moments": event.context.moments(_wait_source_id(event, node_id), moment),
    }
    if event.name == "human_input_required":
        hidden = ("node_id", "node_title", "form_token")  # the token lets anybody answer
        fields["inputs"] = {name: value for name, value in data.items() if name not in hidden}
    elif event.name == "human_input_form_filled":
        fields["status"] = "succeeded"
        names = ("action_id", "action_text", "rendered_content", "submitted_data")
        fields["outputs"] = {name: data[name] for name in names if data.get(name) is not None}
    else:
        fields.update(status="stopped", error="The form was not filled in in time.")
    return wait_record(event, node_id, **fields)


def wait_record(event: StreamEvent, node_id: str, title: str = "", **fields: Any) -> NodeRecord:
    """Return what a run waits for at a node, as a step below the node's own: a form, or whatever
    paused the run."""
    known: dict[str, Any] = {"status": "paused", "rank": {"title": 0 if title else -1}}
    return event.record(
        _wait_source_id(event, node_id),
        title or "Waiting",
        "human-input",
        container=node_id[:MAX_NODE_ID],
        **(known | fields),
    )


def _wait_source_id(event: StreamEvent, node_id: str) -> str:
    return f"{event.trace[:36]}/{node_id[:MAX_NODE_ID]}/wait"
