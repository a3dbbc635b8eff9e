"""Streams of Dify's API, written by hand."""

import json
from typing import Any

from tests.conftest import CAPTURES

RUN, TASK, MESSAGE = "run-1", "task-1", "message-1"
AT = 1_795_326_158


def recorded() -> bytes:
    """Return the stream of the workflow run in the capture dify-phoenix, with the same ids."""
    return (CAPTURES / "dify-events-01.sse").read_bytes()


def event(name: str, data: dict[str, Any] | None = None, **envelope: Any) -> dict[str, Any]:
    fields = {"event": name, "task_id": TASK, **envelope}
    return fields if data is None else {**fields, "data": data}


def workflow_event(name: str, **data: Any) -> dict[str, Any]:
    """Return an event of a workflow app."""
    return event(name, data, workflow_run_id=RUN)


def chat_event(name: str, **fields: Any) -> dict[str, Any]:
    """Return an event of a chat app, whose fields stand beside those of the envelope."""
    return event(name, message_id=MESSAGE, conversation_id="talk-1", created_at=AT, **fields)


def node(name: str, id_: str, **data: Any) -> dict[str, Any]:
    known = {"id": id_, "node_id": f"n-{id_}", "node_type": "code", "title": id_, "created_at": AT}
    return workflow_event(name, **(known | data))


def sse(*events: dict[str, Any]) -> bytes:
    return b"".join(f"data: {json.dumps(item)}\n\n".encode() for item in events)


def ndjson(*events: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(item).encode() + b"\n" for item in events)


def started(at: int = AT) -> dict[str, Any]:
    return workflow_event(
        "workflow_started", id=RUN, workflow_id="w", inputs={"q": "hi"}, created_at=at
    )


def finished(status: str = "succeeded", **data: Any) -> dict[str, Any]:
    known = {"id": RUN, "status": status, "created_at": AT, "elapsed_time": 3.5,
             "outputs": {"answer": "yes"}, "total_tokens": 7}  # fmt: skip
    return workflow_event("workflow_finished", **(known | data))


def chatflow() -> list[dict[str, Any]]:
    """Return a turn of a chatflow: a workflow inside a message."""
    inside = {"message_id": MESSAGE, "conversation_id": "talk-1", "created_at": AT}
    beginning = [
        started(),
        node("node_started", "a", index=1),
        node("node_finished", "a", index=1, status="succeeded", elapsed_time=0.5),
        node("node_started", "b", index=2, node_type="answer"),
    ]
    end = [
        node("node_finished", "b", index=2, node_type="answer", status="succeeded",
             elapsed_time=0.1, outputs={"answer": "Hello there"}),
        finished(outputs={"answer": "Hello there"}),
    ]  # fmt: skip
    pieces = [chat_event("message", id=MESSAGE, answer=part) for part in ("Hel", "lo ", "there")]
    usage = {"prompt_tokens": 4, "completion_tokens": 3, "total_tokens": 7, "latency": 1.0}
    last = chat_event("message_end", id=MESSAGE, metadata={"usage": usage})
    return [{**item, **inside} for item in beginning] + pieces + [
        *({**item, **inside} for item in end), last,
    ]  # fmt: skip
