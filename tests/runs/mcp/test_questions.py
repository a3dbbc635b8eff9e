"""What an agent has to ask to answer the questions of docs/tour.md over the sample week, and that
docs/skill.md, which teaches it, says what is so."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from nodes.models import NodeExecution
from runs import samples
from runs.mcp.tools import TOOLS
from runs.models import IngestKey, Run
from tests.conftest import shared_rows

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
REQUESTS, TOKENS = 5, 8_000
SKILL = Path(__file__).parents[3] / "docs" / "skill.md"
BASE = "http://127.0.0.1:8000"


@pytest.fixture(scope="module")
def week(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """Load the week and return a key."""
    with shared_rows(django_db_blocker):
        samples.load()
        call_command("index_runs")
        yield IngestKey.create("agent", can_read=True)[1]


class Agent:
    """Asks by MCP or curl, and counts requests and tokens, of which four bytes make one."""

    def __init__(self, key: str) -> None:
        self.headers = {"Authorization": f"Bearer {key}"}
        self.requests = self.size = 0

    @property
    def tokens(self) -> int:
        return self.size // 4

    def _counted(self, sent: str, answer: Any) -> Any:
        self.requests += 1
        self.size += len(sent.encode()) + len(answer.content)
        assert answer.status_code == 200, answer.content
        return answer

    def message(self, method: str, **params: Any) -> Any:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        answer = Client().post("/mcp", body, content_type="application/json", headers=self.headers)
        return self._counted(body, answer).json()["result"]

    def tool(self, name: str, **arguments: Any) -> str:
        result = self.message("tools/call", name=name, arguments=arguments)
        assert not result["isError"], result
        return str(result["content"][0]["text"])

    def curl(self, address: str) -> Any:
        answer = self._counted(address, Client().get(address, headers=self.headers))
        return answer.json() if "json" in answer["Content-Type"] else answer.content.decode()


def ids_in(listed: str) -> list[str]:
    return re.findall(r"^- (\S+) \|", listed, re.MULTILINE)


def refunded_twice_by_mcp(agent: Agent) -> None:
    text = agent.tool("find_runs", query='node:"Refund payment" "A-17"')
    assert len(ids_in(text)) == 2
    assert text.count("I have refunded 49.90 EUR") == 2
    assert len(set(re.findall(r"conversation: (\S+)", text))) == 1


def refunded_twice_by_curl(agent: Agent) -> None:
    runs = agent.curl('/runs.json?q=node:"Refund payment" "A-17"&limit=5')["runs"]
    assert len(runs) == 2 and len({run["conversation"]["id"] for run in runs}) == 1
    assert all("I have refunded 49.90 EUR" in run["output_preview"] for run in runs)


def since_when_it_fails_by_mcp(agent: Agent) -> None:
    [run] = ids_in(agent.tool("find_runs", query='status:failed "cannot read amount"', limit=1))
    report = agent.tool("run_report", run=run)
    assert "Why: join failed: ValueError" in report and '"total": "3\'470.01"' in report
    assert re.search(r"3 runs of this app failed like this, first on .* with version #2", report)
    step = agent.tool("step", run=run, step="join")
    assert "/inputs/supplier came from match_supplier" in step


def since_when_it_fails_by_curl(agent: Agent) -> None:
    [run] = agent.curl("/runs.json?status=failed&error=cannot read amount&limit=1")["runs"]
    report = agent.curl(f"/runs/{run['id']}.md?limit=8000")
    assert "Why: join failed: ValueError" in report
    assert re.search(r"3 runs of this app failed like this, first on .* with version #2", report)


def answered_differently_by_mcp(agent: Agent) -> None:
    text = agent.tool("find_runs", query='node:"Help centre" "How long can I return"', limit=5)
    entries = zip(ids_in(text), re.findall(r"^  input: (.*)$", text, re.MULTILINE), strict=True)
    first, second = (run for run, input_ in entries if input_.startswith("How long can I return"))
    compared = agent.tool("compare", run=first, other=second)
    assert "First difference: Help centre" in compared
    assert "same inputs, different output" in compared and "within 14 days" in compared


def answered_differently_by_curl(agent: Agent) -> None:
    runs = agent.curl('/runs.json?q=node:"Help centre" "How long can I return"&limit=5')["runs"]
    a, b = (run["id"] for run in runs if run["input_preview"].startswith("How long can I return"))
    first = agent.curl(f"/runs/compare.json?a={a}&b={b}")["first_divergence"]
    assert first["title"] == "Help centre" and first["reason"] == "same inputs, different output"


def most_expensive_node_by_mcp(agent: Agent) -> None:
    assert "- support-chat | Support chat" in agent.tool("node_history")
    nodes = agent.tool("node_history", app="support-chat").splitlines()
    assert nodes[1].startswith("- Answer from articles") and "% of the cost" in nodes[1]


def most_expensive_node_by_curl(agent: Agent) -> None:
    assert "support-chat" in [app["slug"] for app in agent.curl("/apps.json")["apps"]]
    nodes = agent.curl("/apps/support-chat/nodes.json")["nodes"]
    assert nodes[0]["title"] == "Answer from articles" and nodes[0]["cost_percent"]


@pytest.mark.parametrize(
    "find_answer",
    [
        refunded_twice_by_mcp,
        since_when_it_fails_by_mcp,
        answered_differently_by_mcp,
        most_expensive_node_by_mcp,
    ],
)
def test_a_question_is_answered_by_mcp(week: str, find_answer: Any) -> None:
    agent = Agent(week)
    agent.message("tools/list")
    find_answer(agent)
    assert agent.requests <= REQUESTS and agent.tokens <= TOKENS


@pytest.mark.parametrize(
    "find_answer",
    [
        refunded_twice_by_curl,
        since_when_it_fails_by_curl,
        answered_differently_by_curl,
        most_expensive_node_by_curl,
    ],
)
def test_a_question_is_answered_by_curl(week: str, find_answer: Any) -> None:
    agent = Agent(week)
    find_answer(agent)
    assert agent.requests <= REQUESTS and agent.tokens <= TOKENS


def test_all_that_the_skill_teaches_works(week: str) -> None:
    text = Client().get("/skill.md").content.decode()
    assert text == SKILL.read_text().replace(BASE, "http://testserver")
    run = Run.objects.filter(status="failed").exclude(failed_execution=None).first()
    assert run and run.failed_execution
    step = NodeExecution.objects.get(pk=run.failed_execution)
    values = {"RUN": run.id, "STEP": step.id, "APP": run.app.slug, "NODE": step.node_id}
    for name, value in values.items():
        text = re.sub(rf"\b{name}\b", str(value), text)
    agent = Agent(week)
    calls = re.findall(r"^ +(\w+) (\{.*\})$", text, re.MULTILINE)
    assert {name for name, _ in calls} == set(TOOLS)
    for name, arguments in calls:
        assert agent.tool(name, **json.loads(arguments))
    addresses = re.findall(r'curl .*"http://testserver(/.*)"', text)
    assert len(addresses) == 8
    for address in addresses:
        assert agent.curl(address)
    for name in ("/llms.txt", "/openapi.json"):
        assert name in text and agent.curl(name)
    assert "http://testserver/mcp" in text


def test_the_guide_leads_to_the_skill() -> None:
    guide = Client().get("/llms.txt").content.decode()
    assert "http://testserver/skill.md" in guide and "http://testserver/mcp" in guide
