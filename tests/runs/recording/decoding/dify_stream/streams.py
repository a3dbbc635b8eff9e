"""Streams of Dify's API, written by hand."""

import json
from typing import Any

from tests.conftest import CAPTURES

RUN, TASK, MESSAGE = "run-1", "task-1", "message-1"
AT = 1_795_326_158


def recorded() -> bytes:
    """The stream of the workflow run in the capture dify-phoenix, with the same ids."""
    return (CAPTURES / "dify-events-01.sse").read_bytes()


def event(name: str, data: dict[str, Any] | None = None, **envelope: Any) -> dict[str, Any]:
    told = {"event": name, "task_id": TASK, **envelope}
    return told if data is None else {**told, "data": data}


def of_run(name: str, **data: Any) -> dict[str, Any]:
    """An event of a workflow app."""
    return event(name, data, workflow_run_id=RUN)


def of_chat(name: str, **fields: Any) -> dict[str, Any]:
    """An event of a chat app, which tells beside the envelope."""
    return event(name, message_id=MESSAGE, conversation_id="talk-1", created_at=AT, **fields)


def node(name: str, id_: str, **data: Any) -> dict[str, Any]:
    known = {"id": id_, "node_id": f"n-{id_}", "node_type": "code", "title": id_, "created_at": AT}
    return of_run(name, **(known | data))


def sse(*events: dict[str, Any]) -> bytes:
    return b"".join(f"data: {json.dumps(told)}\n\n".encode() for told in events)


def ndjson(*events: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(told).encode() + b"\n" for told in events)


def started() -> dict[str, Any]:
    return of_run("workflow_started", id=RUN, workflow_id="w", inputs={"q": "hi"}, created_at=AT)


def finished(status: str = "succeeded", **data: Any) -> dict[str, Any]:
    known = {"id": RUN, "status": status, "created_at": AT, "elapsed_time": 3.5,
             "outputs": {"answer": "yes"}, "total_tokens": 7}  # fmt: skip
    return of_run("workflow_finished", **(known | data))


def chatflow() -> list[dict[str, Any]]:
    """A turn of a chatflow: a workflow inside a message."""
    inside = {"message_id": MESSAGE, "conversation_id": "talk-1", "created_at": AT}
    of_workflow = [
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
    words = [of_chat("message", id=MESSAGE, answer=part) for part in ("Hel", "lo ", "there")]
    usage = {"prompt_tokens": 4, "completion_tokens": 3, "total_tokens": 7, "latency": 1.0}
    last = of_chat("message_end", id=MESSAGE, metadata={"usage": usage})
    return [{**told, **inside} for told in of_workflow] + words + [
        *({**told, **inside} for told in end), last,
    ]  # fmt: skip
