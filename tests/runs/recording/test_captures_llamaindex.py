"""What a person expects to see of three tickets that a LlamaIndex workflow handled."""

import pytest

from nodes.models import NodeExecution
from tests.runs.recording.console import Console, titles_and_passes

pytestmark = pytest.mark.django_db

NOT_FOUND = "order A-404 not found in the warehouse database"
WORDS = " ".join(["text"] * 16)


@pytest.fixture
def console(record, read_key):
    record("llamaindex-workflow")
    return Console(read_key)


def test_runs(console):
    runs = console.runs()
    assert {run["app"]["name"] for run in runs} == {"li-bot"}
    assert {run["name"] for run in runs} == {"Ticket"}
    assert {run["app"]["mode"] for run in runs} == {"workflow"}
    assert [run["status"] for run in runs] == ["succeeded", "succeeded", "failed"]
    assert {run["version"]["label"] for run in runs} == {"1.0.0"}
    assert {run["user"] for run in runs} == {"user-7"}
    talks = [run["conversation"]["source_id"] for run in runs]
    assert talks == ["sess-0", "sess-1", "sess-2"]
    assert runs[0]["output_preview"] == "refunded"
    # The event that started the run has no fields; the engine's state is no input.
    assert runs[0]["input_preview"] == "Classify: please refund A-17"
    # achat calls chat calls complete: one call of a model.
    assert [run["api_calls"]["model"] for run in runs] == [1, 4, 1]
    # LlamaIndex's own id leads to the run, too.
    assert console.get("/runs/by/ro6Tshqvv0.json")["id"] == runs[0]["id"]


def test_branches_by_events(console):
    refund, question, _ = console.runs()
    top = [step for step in console.steps(refund) if step["depth"] == 0]
    assert [(s["node_id"], s["kind"], s["taken"]) for s in top] == [
        ("classify", "task", "Refund"), ("refund", "task", "__end__"),
    ]  # fmt: skip
    top = [step for step in console.steps(question) if step["depth"] == 0]
    assert titles_and_passes(top) == [
        ("classify", 0, []), ("draft", 0, [0]), ("draft", 0, [1]), ("draft", 0, [2]),
    ]  # fmt: skip
    assert [step["taken"] for step in top] == ["Question", "Draft", "Draft", "__end__"]
    step = console.step(question, "draft")
    assert step["inputs"] == "Question(q='when do you open?')"
    assert step["outputs"].startswith("Draft(text=")
    assert step["process_data"] == {"received": "Question", "sent": "Draft"}


def test_messages(console):
    refund = console.runs()[0]
    call = console.step(refund, "MockLLM.achat")
    assert (call["kind"], call["model"]) == ("llm", None)
    request, reply = call["messages"]
    assert (request["role"], request["text"]) == ("user", "Classify: please refund A-17")
    assert (reply["role"], reply["text"]) == ("assistant", WORDS)
    # achat called chat, which called complete: one call is shown, and all are kept
    titles = [step["title"] for step in console.steps(refund)]
    assert titles == ["classify", "MockLLM.achat", "refund"]
    inner = NodeExecution.objects.filter(run=refund["id"], title="MockLLM.complete", folded=True)[0]
    detail = console.get(f"/runs/{refund['id']}/tracing/{inner.id}.json")
    assert detail["messages"][0]["text"] == "user: Classify: please refund A-17\nassistant: "


def test_the_failure(console):
    failed = console.runs()[2]
    assert (failed["error"], failed["failed_node"]["title"]) == (NOT_FOUND, "refund")
    step = console.step(failed, "refund")
    assert (step["status"], step["error"], step["error_type"]) == (
        "failed",
        NOT_FOUND,
        "ValueError",
    )
    assert step["inputs"] == "Refund(q='refund A-404')"


def test_graph(console):
    graph = console.get("/apps/li-bot/graph.json")
    edges = {(edge["source"], edge["target"]): edge["runs"] for edge in graph["edges"]}
    assert edges["classify", "refund"] == 2 and edges["classify", "draft"] == 1
    assert ("draft", "draft") in edges
