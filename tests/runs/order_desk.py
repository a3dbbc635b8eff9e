"""A turn of the chatflow in tests/dsl/variables-0.6.yml, as Dify's API streams it."""

from pathlib import Path
from typing import Any

from django.test import Client

from runs.models import App, Run
from runs.recording.decoding.dify.dsl import read_dsl
from runs.recording.storing.definitions import store_dsl
from tests.runs.recording.decoding.dify_stream.streams import (
    AT,
    RUN,
    finished,
    node,
    sse,
    workflow_event,
)

DSL = Path(__file__).parents[1] / "dsl" / "variables-0.6.yml"
KEY = "sk-live-0123456789abcdef0123"
LETTER = "de: Your lamp is on its way.\nYour chair is on its way."


def _node_finished(number: int, node_id: str, kind: str, title: str, **data: Any) -> dict[str, Any]:
    defaults = {"node_id": node_id, "node_type": kind, "title": title, "index": number,
                "created_at": AT + number, "elapsed_time": 0.4, "status": "succeeded"}  # fmt: skip
    return node("node_finished", f"e{number}", **(defaults | data))


def events() -> list[dict[str, Any]]:
    """Return the events of the stream, in order."""
    body = '{"orders": ["lamp", "chair"]}'
    lines = ["Your lamp is on its way.", "Your chair is on its way."]
    each = {"id": "1004", "node_id": "1004", "node_type": "iteration", "title": "Each order"}
    until_loop = [
        workflow_event("workflow_started", id=RUN, workflow_id="w", created_at=AT,
               inputs={"orders": "A-17", "sys.user_id": "u1"}),
        _node_finished(1, "1001", "start", "Start", inputs={"orders": "A-17", "sys.user_id": "u1"},
                       outputs={"orders": "A-17", "sys.user_id": "u1"}),
        _node_finished(2, "1002", "http-request", "Find orders",
                       inputs={}, outputs={"status_code": 200, "body": body}),
        _node_finished(3, "1003", "code", "Read orders", inputs={"body": body},
                       outputs={"orders": ["lamp", "chair"], "token": KEY}),
        workflow_event("iteration_started", **each, created_at=AT + 4,
               inputs={"iterator_selector": ["lamp", "chair"]}),
    ]  # fmt: skip
    iterations = []
    for number, (item, line) in enumerate(zip(["lamp", "chair"], lines, strict=True)):
        prompts = [{"role": "system", "text": "Answer in en."},
                   {"role": "user", "text": f"Order {item} for u1"}]  # fmt: skip
        iterations.append(
            _node_finished(5 + number, "1005", "llm", "Write", outputs={"text": line},
                           inputs={"#1004.item#": item, "#sys.user_id#": "u1",
                                   "#conversation.language#": "en"},
                           process_data={"prompts": prompts},
                           execution_metadata={"iteration_id": "1004", "iteration_index": number})
        )  # fmt: skip
    written = [
        {"name": "language", "selector": ["conversation", "language"], "new_value": "de"},
        {"name": "api_token", "selector": ["conversation", "api_token"], "new_value": KEY},
    ]
    return [
        *until_loop,
        *iterations,
        workflow_event("iteration_completed", **each, created_at=AT + 4, finished_at=AT + 7,
               elapsed_time=3, status="succeeded", outputs={"output": lines},
               inputs={"iterator_selector": ["lamp", "chair"]}),
        _node_finished(8, "1006", "assigner", "Remember", inputs={}, outputs={},
                       process_data={"language": "de", "__updated_variables": written}),
        _node_finished(9, "1007", "template-transform", "Letter",
                       inputs={"language": "de", "lines": lines}, outputs={"output": LETTER}),
        _node_finished(10, "answer", "answer", "Answer", inputs={}, outputs={"answer": LETTER}),
        finished(outputs={"answer": LETTER}),
    ]  # fmt: skip


def record_turn(key: str) -> Run:
    """Send the stream to its endpoint, then store the app's definition. Return the run."""
    response = Client().post(
        "/api/dify/events?app=Order+desk", sse(*events()),
        content_type="text/event-stream", headers={"x-api-key": key},
    )  # fmt: skip
    assert response.json()["refused"] == [], response.content
    store_dsl(read_dsl(DSL.read_bytes()), "Order desk")
    run = App.objects.get(name="Order desk").runs.select_related("app", "version").get()
    assert run.version is not None and run.version.graph
    return run
