"""Runs to put into a Dify database, and what an import made of them."""

from datetime import datetime, timedelta
from functools import partial
from io import StringIO
from typing import Any

from django.core.management import call_command

from nodes.models import NodeExecution
from runs.models import Run
from tests.runs.recording.importing.dify_database.dify_tables import DifyTables


def imported(db: DifyTables, *options: str) -> str:
    out = StringIO()
    call_command("import_dify", "--dsn", db.dsn, *options, stdout=out, stderr=StringIO())
    return out.getvalue()


def tree(run: Run) -> list[tuple[Any, ...]]:
    """(depth, kind, title, status, pass) of the visible steps in order."""
    return list(
        NodeExecution.objects.in_run(run.pk)
        .visible()
        .values_list("depth", "kind", "title", "status", "iteration")
    )


def step(run: Run, title: str, place: int = 0) -> NodeExecution:
    return NodeExecution.objects.in_run(run.pk).visible().with_payloads().filter(title=title)[place]


TITLES = {
    "1": "Start", "2": "Long?", "3": "Find", "4": "Each", "5": "Write", "6": "Guess", "7": "Output",
}  # fmt: skip


def _node(node_id: str, kind: str, **data: Any) -> dict[str, Any]:
    parent = data.pop("parent", None)
    return {
        "id": node_id, "type": "custom", "position": {"x": int(node_id) * 300, "y": 0},
        "data": {"type": kind, "title": TITLES[node_id], **data},
        **({"parentId": parent} if parent else {}),
    }  # fmt: skip


def _edge(source: str, target: str, handle: str = "source") -> dict[str, Any]:
    return {"source": source, "sourceHandle": handle, "target": target}


GRAPH = {
    "nodes": [
        _node("1", "start"),
        _node("2", "if-else", cases=[{"case_id": "true"}, {"case_id": "c2"}]),
        _node("3", "http-request", authorization={"config": {"api_key": "verysecret"}}),
        _node("4", "iteration"),
        _node("5", "llm", parent="4"),
        _node("6", "code", error_strategy="default-value"),
        _node("7", "end"),
    ],
    "edges": [
        _edge("1", "2"), _edge("2", "3", "true"), _edge("2", "6", "c2"), _edge("2", "7", "false"),
        _edge("3", "4"), _edge("4", "6"), _edge("6", "7"),
    ],
    "viewport": {"x": 0, "y": 0, "zoom": 1},
}  # fmt: skip


def titled(
    db: DifyTables, run: str, index: int, node_id: str, *positional: Any, **values: Any
) -> str:
    return db.node(run, index, node_id, *positional, **{"title": TITLES[node_id], **values})


def put_workflow_run(db: DifyTables, app: str, name: str = "one", begin: float = 0) -> str:
    """A run with a branch, an iteration node with two iterations, a retried attempt (a row of its
    own, as before 1.9), and a failure that a default value handled."""
    run = db.run(app, name, begin, graph=GRAPH, status="partial-succeeded", exceptions_count=1)
    usage = {"prompt_tokens": 120, "completion_tokens": 30, "total_tokens": 150,
             "total_price": "0.000036", "currency": "USD"}  # fmt: skip
    model = {"model_provider": "langgenius/openai/openai", "model_name": "gpt-4o-mini",
             "prompts": [{"role": "user", "text": "Gr\u00fc\u00dfe"}], "usage": usage}  # fmt: skip
    put = partial(titled, db, run)
    put(1, "1", "start", begin, inputs={"q": "hi"}, outputs={"q": "hi"})
    put(2, "2", "if-else", begin + 0.2, predecessor_node_id="1",
            outputs={"result": True, "selected_case_id": "true"})  # fmt: skip
    put(3, "3", "http-request", begin + 0.5, predecessor_node_id="2", status="retry",
            error="503", outputs={})  # fmt: skip
    put(4, "3", "http-request", begin + 0.7, predecessor_node_id="2",
            outputs={"status_code": 200, "body": "[1, 2]"})  # fmt: skip
    put(
        5,
        "4",
        "iteration",
        begin + 1,
        3,
        predecessor_node_id="3",
        inputs={"iterator_selector": [1, 2]},
        outputs={"output": ["A", "B"]},
        execution_metadata={"total_tokens": 300, "total_price": "0.000072", "currency": "USD"},
    )
    for item in range(2):
        put(6 + item, "5", "llm", begin + 1.1 + item * 1.4, 1.2,
                process_data=model, outputs={"text": "AB"[item], "usage": usage},
                execution_metadata={"iteration_id": "4", "iteration_index": item,
                                    "total_tokens": 150, "total_price": "0.000036",
                                    "currency": "USD"})  # fmt: skip
    put(8, "6", "code", begin + 4.5, predecessor_node_id="4", status="exception",
            error="division by zero", outputs={"error_type": "CodeNodeError", "n": 0},
            execution_metadata={"error_strategy": "default-value"})  # fmt: skip
    put(9, "7", "end", begin + 5, predecessor_node_id="6", outputs={"answer": "A"})
    return run


PHOENIX = "11111111-1111-4111-8111-111111111111"


def _execution(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def put_captured_run(db: DifyTables) -> None:
    """The rows of the run that the capture dify-phoenix is of, as Dify kept them."""
    began = datetime(2026, 6, 1, 0, 0, 0)
    app = db.app("My App")

    def when(seconds: float) -> datetime:
        return began + timedelta(seconds=seconds)

    db.run(app, "captured", id=PHOENIX, status="failed", error="boom", elapsed_time=6.1, graph=None,
           version="2026-06-01 00:00:00", created_by=None, created_at=when(0),
           finished_at=when(6.1))  # fmt: skip
    usage = {"prompt_tokens": 120, "completion_tokens": 30, "total_tokens": 150,
             "total_price": "0.000036", "currency": "USD"}  # fmt: skip
    inside = {"iteration_id": "1002"}
    nodes: list[tuple[int, str, str, str, float, float, dict[str, Any]]] = [
        (1, "1001", "start", "Start", 0, 0.01, {"inputs": {"q": "hi"}, "outputs": {"q": "hi"}}),
        (2, "1002", "iteration", "Each item", 0.1, 5.0, {
            "inputs": {"iterator_selector": ["a", "b"]}, "outputs": {"output": ["A", "B"]},
            "execution_metadata": {"total_tokens": 300, "total_price": "0.000072",
                                   "currency": "USD"}}),
        (3, "1003", "llm", "Write", 0.2, 1.2, {
            "process_data": {"model_name": "gpt-4o-mini", "usage": usage,
                             "model_provider": "langgenius/openai/openai"},
            "outputs": {"text": "A", "usage": usage},
            "execution_metadata": inside | {"iteration_index": 0, "total_tokens": 150,
                                            "total_price": "0.000036", "currency": "USD"}}),
        (4, "1003", "llm", "Write", 1.5, 1.2, {
            "status": "exception", "error": "rate limit",
            "outputs": {"error_message": "rate limit", "error_type": "InvokeRateLimitError"},
            "execution_metadata": inside | {"iteration_index": 1,
                                            "error_strategy": "default-value"}}),
        (5, "1004", "tool", "Search", 5.2, 0.4, {}),
        (6, "1005", "knowledge-retrieval", "KB", 5.7, 0.2, {
            "outputs": {"result": [{"content": "doc", "title": "t", "metadata": {"score": 0.9}}]}}),
        (7, "1006", "end", "Output", 6.0, 0.01, {"status": "failed", "error": "boom"}),
    ]  # fmt: skip
    for number, node_id, kind, title, start, took, values in nodes:
        db.node(PHOENIX, number, node_id, kind, 0, id=_execution(number), title=title,
                created_at=when(start), finished_at=when(start + took), elapsed_time=took,
                **values)  # fmt: skip
