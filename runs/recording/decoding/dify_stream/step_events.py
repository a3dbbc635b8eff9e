"""Events of the steps of a run: nodes, containers, retries, forms, thoughts. Pure.

What Dify tells, and how it is read here:
- Times are whole seconds, so that most steps of a second seem to begin at once; `index` tells their
  order, and stands in the digits below a second.
- A container (iteration, loop) is told by its node's id in the graph alone, and never as a node.
- A failed attempt that is tried again has the id of the step that follows it.
"""

from typing import Any

from runs.recording.decoding.dify import agent_log
from runs.recording.decoding.dify.vocabulary import (
    NODE_STATUSES,
    mapping,
    moment_us,
    taken,
    text,
    usage_of,
)
from runs.recording.decoding.dify_stream.event import RANK, Event, growing, metadata_of, value_of
from runs.recording.decoding.dify_stream.run_events import answer, answer_id, waiting
from runs.recording.records.record import NodeRecord
from runs.recording.records.usage import to_count

VALUES = ("inputs", "outputs", "process_data")
LAST_INDEX, LAST_ATTEMPT = 9_999, 99
SHOWN = (
    "id", "node_id", "node_type", "title", "inputs", "outputs", "process_data", "status", "error",
)  # fmt: skip


def node_started(event: Event) -> NodeRecord:
    return _node(event, status="running")


def node_finished(event: Event) -> list[NodeRecord]:
    """The step, the log of an agent below it, and the end of what it waited for."""
    found = [_finished(event, event.need("id"), None)]
    entries = agent_log.entries_of(metadata_of(event))
    if entries:
        clock = agent_log.Clock(found[0].started_us)
        found += agent_log.steps(entries, event.need("id"), event.trace, event.asked.service, clock)
    if event.data.get("node_type") == "human-input" and found[0].status not in ("paused", None):
        found.append(waiting(event, event.need("node_id")[:80], status=found[0].status))
    return found


def node_retry(event: Event) -> NodeRecord:
    attempt = min(to_count(event.data.get("retry_index")) or 1, LAST_ATTEMPT - 1)
    return _finished(event, f"{event.need('id')[:110]}/retry/{attempt}", attempt)


def _node(event: Event, source_id: str = "", **told: Any) -> NodeRecord:
    data = event.data
    node_id, kind = event.need("node_id"), text(data.get("node_type")) or "span"
    inside = mapping(data.get("execution_metadata")) | {
        key: value for key, value in data.items() if value is not None
    }
    known: dict[str, Any] = {
        "node_id": node_id,
        "started_us": begun(event),
        "inputs": data.get("inputs"),
        "container": text(inside.get("iteration_id")) or text(inside.get("loop_id")),
        "iteration_index": _index(inside),
    }
    known |= told
    # An empty value, as a model call has for its inputs, is no better than what others tell.
    known["rank"] = RANK | {name: -1 for name in VALUES if known.get(name) in ({}, [])}
    title = text(data.get("title")) or node_id
    return event.record(source_id or event.need("id"), title, kind, **known)


def _index(inside: dict[str, Any]) -> int | None:
    index = to_count(inside.get("iteration_index"))
    return to_count(inside.get("loop_index")) if index is None else index


def begun(event: Event, attempt: int = LAST_ATTEMPT) -> int | None:
    """When a step began, with its place among those of the same second."""
    started = event.started_us()
    if started is None or started % 1_000_000:
        return started
    index = min(to_count(event.data.get("index")) or 0, LAST_INDEX)
    return started + index * 100 + attempt


def _finished(event: Event, source_id: str, attempt: int | None) -> NodeRecord:
    data = event.data
    outputs, process = data.get("outputs"), mapping(data.get("process_data"))
    status = "retry" if attempt else data.get("status")
    status = status if isinstance(status, str) and status in NODE_STATUSES else None
    started = begun(event, attempt or LAST_ATTEMPT)
    metadata = metadata_of(event)
    usage, cost = usage_of(process.get("usage") or mapping(outputs).get("usage"))
    sums = usage_of(metadata)
    return _node(
        event,
        source_id,
        status=status,
        handled=status == "exception",
        attempt=attempt,
        started_us=started,
        ended_us=None if status in ("running", "paused") else event.ended_us(started),
        outputs=outputs,
        process_data=data.get("process_data"),
        error=text(data.get("error")),
        error_type=text(mapping(outputs).get("error_type")),
        usage=usage or sums[0],
        cost=sums[1] or cost,
        model=text(process.get("model_name")),
        provider=text(process.get("model_provider")),
        taken=taken(str(data.get("node_type")), outputs),
        received=event.left(*SHOWN),
    )


def container(event: Event, number: int) -> NodeRecord:
    """An iteration or a loop, when it starts and when it has ended; `number` tells the executions
    of one node apart, where a container runs inside another."""
    data, kind = event.data, event.name.partition("_")[0]
    ended = event.name.endswith("_completed")
    status = data.get("status") if ended else "running"
    node_id = text(data.get("node_id")) or event.need("id")
    # The end has a created_at as well, which is not always that of the start.
    started = None if ended else begun(event)
    metadata = metadata_of(event)
    spent, cost = usage_of(metadata)
    total = to_count(data.get("total_tokens"))
    again = f"/{number}" if number > 1 else ""
    return event.record(
        f"{event.trace[:36]}/{node_id[:80]}{again}",
        text(data.get("title")) or node_id,
        kind,
        node_id=node_id,
        stand_in=True,
        status=status if isinstance(status, str) and status in NODE_STATUSES else None,
        started_us=started,
        ended_us=_container_end(event) if ended else None,
        inputs=data.get("inputs"),
        outputs=data.get("outputs"),
        error=text(data.get("error")),
        usage=spent or (usage_of({"total_tokens": total})[0] if total else None),
        cost=cost,
        iteration_index=_index(metadata),
        received=event.left(*SHOWN) if ended else None,
        rank=RANK,
    )


def _container_end(event: Event) -> int | None:
    """Exact where created_at is that of the start, which only some versions tell; else in whole
    seconds."""
    exact = event.ended_us(begun(event))
    finished = moment_us(event.data.get("finished_at"))
    if exact is None or finished is None:
        return exact if finished is None else finished
    return exact if abs(exact - finished) < 2_000_000 else finished


def log_entry(event: Event, clock: agent_log.Clock) -> list[NodeRecord]:
    """One entry of an agent's log, while it works."""
    event.need("id")
    node = event.need("node_execution_id")
    return agent_log.steps([event.data], node, event.trace, event.asked.service, clock)


def thought(event: Event) -> list[NodeRecord]:
    """A thought of an agent app, with the tools that it called, below its agent; told again as it
    grows."""
    data = event.data
    said, seen = text(data.get("thought")) or "", text(data.get("observation")) or ""
    tool = text(data.get("tool"))
    position = min(to_count(data.get("position")) or 0, LAST_INDEX)
    started = event.started_us()
    rank = growing(len(said) + len(seen) + len(text(data.get("tool_input")) or ""))
    found = event.record(
        event.need("id"),
        (tool or "").replace(";", ", ") or f"Thought {position}",
        "tool" if tool else "task",
        status="running" if tool and not seen else "succeeded",
        started_us=started + position * 100 if started is not None else None,
        inputs=value_of(data.get("tool_input")),
        outputs=value_of(data.get("observation")),
        process_data={"thought": said} if said else None,
        rank={name: int(bool(tool)) for name in ("title", "kind")}
        | {name: rank for name in ("inputs", "outputs", "process_data")},
        parent_source_id=answer_id(event),
        run=event.facts(),
    )
    agent = answer(event, title="Agent", kind="agent", rank={"title": 0, "kind": 1})
    return [found, agent]


def form(event: Event) -> NodeRecord:
    """A form that somebody must fill in, has filled in, or did not in time."""
    data, node_id = event.data, event.need("node_id")[:80]
    title = text(data.get("node_title")) or "Form"
    told: dict[str, Any] = {"title": title}
    if event.name == "human_input_required":
        hidden = ("node_id", "node_title", "form_token")  # the token lets anybody answer
        told["inputs"] = {name: value for name, value in data.items() if name not in hidden}
    elif event.name == "human_input_form_filled":
        told["status"] = "succeeded"
        names = ("action_id", "action_text", "rendered_content", "submitted_data")
        told["outputs"] = {name: data[name] for name in names if data.get(name) is not None}
    else:
        told.update(status="stopped", error="Nobody filled in the form in time.")
    return waiting(event, node_id, **told)
