"""What a person expects to see of five real captures, read as JSON."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.runs.recording.captured import as_read
from tests.runs.recording.console import Console, titles_and_passes

pytestmark = pytest.mark.django_db


@pytest.fixture
def recorded_console(record: Callable[..., Any], read_key: str) -> Callable[[str], Console]:
    def recorded(name: str) -> Console:
        record(name)
        return Console(read_key)

    return recorded


def run_by(console: Console, source_id: str) -> dict[str, Any]:
    return console.get(f"/runs/by/{source_id}.json")


def test_dify_workflow(recorded_console):
    console = recorded_console("dify-phoenix")
    run = run_by(console, "11111111-1111-4111-8111-111111111111")
    assert run["app"] == {"slug": "my-app", "name": "My App", "mode": "workflow"}
    assert run["version"]["label"] == "2026-06-01 00:00:00"
    assert (run["status"], run["error"]) == ("failed", "boom")
    assert run["failed_node"]["title"] == "Output"
    assert (run["user"], run["trigger"], run["conversation"]) == ("u1", "app-run", None)
    # The dispatch span's times and the containers' totals are not counted.
    assert run["duration_us"] == 6_100_000
    assert run["tokens"] == {
        "input": 120, "output": 30, "cached": 0, "reasoning": 0, "total": 150,
    }  # fmt: skip
    assert run["cost"]["currency"] == "USD" and float(run["cost"]["amount"]) == 0.000036
    assert run["reported"]["tokens"] == 300
    assert (run["steps"], run["iterations"]) == (7, 2)
    assert run["inputs"]["q"] == "hi" and run["outputs"] == {"answer": "A"}
    assert run_by(console, run["source"]["ids"]["trace"])["id"] == run["id"]


def test_dify_tracing(recorded_console):
    console = recorded_console("dify-phoenix")
    run = run_by(console, "11111111-1111-4111-8111-111111111111")
    steps = console.steps(run)
    assert titles_and_passes(steps) == [
        ("Start", 0, []), ("Each item", 0, []), ("Write", 1, [0]), ("Write", 1, [1]),
        ("Search", 0, []), ("KB", 0, []), ("Output", 0, []),
    ]  # fmt: skip
    assert [step["kind"] for step in steps] == [
        "start", "iteration", "llm", "llm", "tool", "knowledge-retrieval", "end",
    ]  # fmt: skip
    assert [step["status"] for step in steps] == [
        "succeeded", "succeeded", "succeeded", "exception", "succeeded", "succeeded", "failed",
    ]  # fmt: skip
    assert steps[2]["parent"] == steps[1]["id"] and steps[4]["parent"] is None
    write = console.step(run, "Write")
    assert write["model"] == "gpt-4o-mini"
    assert [message["role"] for message in write["messages"]][:2] == ["system", "user"]
    assert write["outputs"]["text"] == "A"
    handled = console.step(run, "Write", 1)
    assert (handled["error"], handled["status"]) == ("rate limit", "exception")


def test_dify_chatflow_turn(recorded_console):
    console = recorded_console("dify-phoenix")
    run = run_by(console, "m1")
    assert (run["app"]["mode"], run["status"], run["user"]) == ("chatflow", "succeeded", "acc")
    assert run["conversation"]["source_id"] == "c1"
    assert (run["input_preview"], run["output_preview"]) == ("hi", "hello")
    assert run["tokens"]["total"] == 7
    talk = console.get(f"/conversations/{run['conversation']['id']}.json")
    assert talk["source_id"] == "c1"
    # The probe that Dify sends when its settings are saved is no run.
    assert len(console.runs()) == 2


def test_langgraph(recorded_console):
    console = recorded_console("langgraph-openinference")
    runs = console.runs()
    assert [run["status"] for run in runs] == [
        "succeeded", "succeeded", "failed", "failed", "succeeded", "succeeded",
    ]  # fmt: skip
    waited, continued = (console.get(f"/runs/{run['id']}.json") for run in runs[4:])
    assert waited["resumed_by"]["id"] == continued["id"]
    assert continued["resumes"]["id"] == waited["id"]
    assert {run["app"]["name"] for run in runs} == {"support"}
    assert {run["name"] for run in runs} == {"support_ticket"}
    assert {run["version"]["label"] for run in runs} == {"1.4.2"}
    assert runs[0]["user"] == "user-7" and runs[0]["tags"] == ["beta", "web"]
    assert [run["conversation"]["source_id"] for run in runs] == [
        "sess-1", "sess-1", "sess-2", "sess-2", "thread-9", "thread-9",
    ]  # fmt: skip
    assert [run["error"] and run["error"][:20] for run in runs[2:4]] == [
        "order A-404 not foun", "Recursion limit of 3",
    ]  # fmt: skip
    assert runs[2]["failed_node"]["title"] == "lookup_order"
    assert runs[0]["tokens"]["total"] == 17 + 24 + 35 + 36


def test_langgraph_loop_and_branch(recorded_console):
    console = recorded_console("langgraph-openinference")
    refund, question = console.runs()[:2]
    top = [step for step in console.steps(refund) if step["depth"] == 0]
    assert [(step["node_id"], step["iteration"]) for step in top] == [
        ("classify", []), ("agent", [0]), ("tools", [0]), ("agent", [1]), ("tools", [1]),
        ("agent", [2]), ("finish", []),
    ]  # fmt: skip
    taken = {step["title"]: step["taken"] for step in console.steps(refund) if step["taken"]}
    assert taken["route"] == "agent"
    top = [step for step in console.steps(question) if step["depth"] == 0]
    assert [(step["node_id"], step["iteration"]) for step in top] == [
        ("classify", []), ("plan", []), ("retrieve", [0]), ("retrieve", [1]), ("retrieve", [2]),
        ("draft", [0]), ("review", [0]), ("draft", [1]), ("review", [1]), ("approve", []),
        ("finish", []),
    ]  # fmt: skip


def test_langgraph_values(recorded_console):
    console = recorded_console("langgraph-openinference")
    run = console.runs()[0]
    call = console.step(run, "ScriptedChat", 1)
    assert call["model"] == "gpt-4o-2024-07-18"
    answer = as_read(call["outputs"])["messages"][-1]
    assert answer["tool_calls"][0]["name"] == "lookup_order"
    assert answer["tool_calls"][0]["arguments"] == {"order_id": "A-17"}
    tool = console.step(run, "issue_refund")
    assert tool["kind"] == "tool" and tool["inputs"] == {"order_id": "A-17", "amount": 49.9}
    assert run["input_preview"] == "Please refund order A-17"
    assert run["output_preview"] == "I have refunded 49.90 for order A-17."


def test_langgraph_graph(recorded_console):
    console = recorded_console("langgraph-openinference")
    graph = console.get("/apps/support/graph.json")
    assert {"classify", "agent", "tools", "plan", "retrieve", "draft", "review", "approve",
            "finish"} <= {node["id"] for node in graph["nodes"]}  # fmt: skip
    edges = {(edge["source"], edge["target"]): edge["runs"] for edge in graph["edges"]}
    assert edges["classify", "agent"] == 3 and edges["classify", "plan"] == 2
    assert edges["agent", "tools"] == 3 and ("tools", "agent") in edges
    assert ("review", "draft") in edges and ("review", "approve") in edges
    last = console.get("/apps/support/nodes/tools/last-run.json")
    assert last["title"] == "tools"


def test_pydantic_ai(recorded_console):
    console = recorded_console("pydantic-ai")
    runs = console.runs()
    assert [run["status"] for run in runs] == ["succeeded", "succeeded", "failed"]
    first = runs[0]
    assert (first["app"]["name"], first["name"]) == ("support-bot", "handle_ticket")
    assert (first["user"], first["conversation"]["source_id"]) == ("user-7", "conv-1")
    # Agents report the sum of their calls, which is not counted again.
    assert first["tokens"]["input"] == 55 + 3 * 80 + 55 and first["tokens"]["cached"] == 10
    assert float(first["cost"]["amount"]) == pytest.approx(0.0000147 + 3 * 0.00054)
    assert first["retries"] == 1
    assert first["input_preview"] == "please refund order A-17"
    assert first["output_preview"] == "Refunded 49.90 for A-17."
    retried = console.step(first, "lookup_order")
    assert (retried["status"], retried["error"]) == ("retry", "no such order id, use the form A-NN")
    assert retried["inputs"] == {"order_id": "bad-id"}
    assert runs[2]["failed_node"]["title"] == "lookup_order"
    assert runs[2]["error"] == "order A-404 not found in the warehouse database"


def test_openai_agents(recorded_console):
    console = recorded_console("openai-agents-openinference")
    runs = console.runs()
    assert [run["name"] for run in runs] == [
        "Support workflow", "Two step workflow", "Agent workflow", "Agent workflow",
    ]  # fmt: skip
    # Every root of this framework says OK.
    assert [run["status"] for run in runs] == ["succeeded", "failed", "failed", "failed"]
    assert "A-404 not found in the warehouse database" in runs[1]["error"]
    assert runs[1]["failed_node"]["title"] == "issue_refund"
    assert "no_swearing" in runs[2]["error"] and "Max turns exceeded" in runs[3]["error"]
    assert runs[0]["conversation"]["source_id"] == "sess-1"
    handoff = console.step(runs[0], "handoff to Refund agent")
    assert (handoff["kind"], handoff["taken"]) == ("handoff", "Refund agent")
    turns = [step["iteration"] for step in console.steps(runs[0]) if step["title"] == "turn"]
    assert turns == [[], [0], [1], [2]]
    tool = console.step(runs[0], "lookup_order")
    assert tool["outputs"] == {"order_id": "A-17", "amount": 49.9}


def test_google_adk(recorded_console):
    console = recorded_console("google-adk")
    runs = console.runs()
    assert [run["status"] for run in runs] == ["succeeded", "succeeded", "failed"]
    assert {run["app"]["name"] for run in runs} == {"adk-bot"}
    assert {run["name"] for run in runs} == {"triage"}
    assert [run["conversation"]["source_id"] for run in runs] == ["sess-0", "sess-1", "sess-2"]
    assert runs[0]["tokens"] == {
        "input": 160, "output": 60, "cached": 16, "reasoning": 12, "total": 220,
    }  # fmt: skip
    assert runs[0]["cost"]["state"] == "priced"
    assert runs[2]["failed_node"]["title"] == "lookup_order"
    assert runs[2]["error"] == "order A-404 not found in the warehouse database"
    loop = [(s["title"], s["iteration"]) for s in console.steps(runs[1]) if s["depth"] == 1][2:]
    assert loop == [("draft", [0]), ("review", [0]), ("draft", [1]), ("review", [1])]
    # Message content was off, so that the run has neither inputs nor outputs.
    whole = console.get(f"/runs/{runs[0]['id']}.json")
    assert whole["inputs"] is None and whole["outputs"] is None
