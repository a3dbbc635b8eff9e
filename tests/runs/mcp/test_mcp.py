"""The MCP server through its address: both generations of the protocol, its tools, and whatever
else is posted to it."""

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from nodes.models import NodeExecution
from runs.mcp.messages import META, MODERN, SERVER
from runs.mcp.text import MAX_ANSWER
from runs.mcp.tools import TOOLS
from runs.models import IngestKey, Run
from tests.factories import make_app, make_execution, make_run

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
ROOT = Path(__file__).parents[3]
JSON = "application/json"


class McpClient:
    """Posts messages with a key. `modern`: as from revision 2026-07-28 on."""

    def __init__(self, key: str = "", *, modern: bool = False) -> None:
        self.headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.modern = modern

    def post(self, body: Any, headers: dict[str, str] | None = None, type_: str = JSON) -> Any:
        content = body if isinstance(body, str | bytes) else json.dumps(body)
        return Client().post(
            "/mcp", content, content_type=type_, headers={**self.headers, **(headers or {})}
        )

    def ask(self, method: str, **params: Any) -> Any:
        """Return the whole answer to a request."""
        headers = {}
        if self.modern:
            params["_meta"] = {f"{META}protocolVersion": MODERN, f"{META}clientCapabilities": {}}
            headers = {"MCP-Protocol-Version": MODERN, "Mcp-Method": method}
            headers |= {"Mcp-Name": params["name"]} if "name" in params else {}
        return self.post({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}, headers)

    def result(self, method: str, **params: Any) -> Any:
        answer = self.ask(method, **params)
        assert answer.status_code == 200 and answer["Content-Type"] == JSON, answer.content
        assert answer.json()["id"] == 7
        return answer.json()["result"]

    def call(self, name: str, **arguments: Any) -> str:
        """Return the text that a tool answers with."""
        result = self.result("tools/call", name=name, arguments=arguments)
        assert result["isError"] is False, result
        return str(result["content"][0]["text"])

    def problem(self, name: str, **arguments: Any) -> str:
        """Return the sentence with which a tool says what is wrong with its arguments."""
        result = self.result("tools/call", name=name, arguments=arguments)
        assert result["isError"] is True, result
        return str(result["content"][0]["text"])


@pytest.fixture
def agent(read_key: str) -> McpClient:
    return McpClient(read_key)


# -- the protocol --------------------------------------------------------------------------------


def test_a_session_begins_as_before_2026(agent: McpClient) -> None:
    result = agent.result(
        "initialize",
        protocolVersion="2025-11-25",
        capabilities={},
        clientInfo={"name": "x", "version": "1"},
    )
    assert result["protocolVersion"] == "2025-11-25"
    assert result["capabilities"] == {"tools": {}} and "run_report" in result["instructions"]
    assert agent.result("initialize", protocolVersion="2025-06-18")["protocolVersion"] == (
        "2025-06-18"
    )
    assert agent.result("initialize", protocolVersion="1.0")["protocolVersion"] == "2025-11-25"
    answer = agent.post({"jsonrpc": "2.0", "method": "notifications/initialized"})
    assert (answer.status_code, answer.content) == (202, b"")
    assert agent.result("ping") == {}


def test_it_names_the_version_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert SERVER["version"] == project["version"]


@pytest.mark.parametrize("modern", [False, True])
def test_tools_are_declared(read_key: str, modern: bool) -> None:
    tools = McpClient(read_key, modern=modern).result("tools/list")["tools"]
    assert [tool["name"] for tool in tools] == list(TOOLS)
    for tool in tools:
        Draft202012Validator.check_schema(tool["inputSchema"])
        assert all(field["description"] for field in tool["inputSchema"]["properties"].values())
        assert tool["annotations"]["readOnlyHint"] is True
    assert len(json.dumps(tools)) < MAX_ANSWER


def test_every_request_says_its_revision_since_2026(read_key: str) -> None:
    agent = McpClient(read_key, modern=True)
    result = agent.result("server/discover")
    assert result["supportedVersions"][0] == MODERN and result["capabilities"] == {"tools": {}}
    assert result["resultType"] == "complete" and result["cacheScope"] == "public"
    assert result["_meta"][f"{META}serverInfo"]["name"] == "waylog"
    assert agent.result("tools/list")["ttlMs"] > 0
    assert "No further run" in agent.call("find_runs")
    answer = agent.ask("initialize")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, -32601)


META_OF_2026 = {f"{META}protocolVersion": MODERN, f"{META}clientCapabilities": {}}
HEADERS_OF_2026 = {"MCP-Protocol-Version": MODERN, "Mcp-Method": "tools/call", "Mcp-Name": "errors"}


@pytest.mark.parametrize(
    ("meta", "headers", "status", "code"),
    [
        (META_OF_2026, HEADERS_OF_2026, 200, None),
        (META_OF_2026, HEADERS_OF_2026 | {"Mcp-Name": "=?base64?ZXJyb3Jz?="}, 200, None),
        (META_OF_2026, HEADERS_OF_2026 | {"Mcp-Name": "step"}, 400, -32020),
        (META_OF_2026, HEADERS_OF_2026 | {"Mcp-Method": "tools/list"}, 400, -32020),
        (META_OF_2026, {}, 400, -32020),
        (META_OF_2026, HEADERS_OF_2026 | {"MCP-Protocol-Version": "2025-11-25"}, 400, -32020),
        ({}, HEADERS_OF_2026, 400, -32602),
        ({f"{META}protocolVersion": MODERN}, HEADERS_OF_2026, 400, -32602),
        ({f"{META}protocolVersion": "1900-01-01"}, {}, 400, -32022),
        ({f"{META}protocolVersion": ["x"]}, {}, 400, -32022),
        ({}, {"MCP-Protocol-Version": "2024-11-05"}, 400, -32022),
        ({}, {"MCP-Protocol-Version": "2025-11-25"}, 200, None),
    ],
)
def test_headers_and_body_agree(
    agent: McpClient, meta: Any, headers: dict[str, str], status: int, code: int | None
) -> None:
    params = {"name": "errors", "arguments": {}, "_meta": meta}
    answer = agent.post(
        {"jsonrpc": "2.0", "id": "a", "method": "tools/call", "params": params}, headers
    )
    assert answer.status_code == status, answer.content
    assert answer.json()["id"] == "a" and answer.json().get("error", {}).get("code") == code
    if code == -32022:
        assert MODERN in answer.json()["error"]["data"]["supported"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, -32700),
        (b"\xff\xfe", 400, -32700),
        (b" ", 400, -32700),
        (b"[" * 100_000, 400, -32700),
        ([], 400, -32600),
        ([{"jsonrpc": "2.0", "id": 1, "method": "ping"}], 400, -32600),
        ("1", 400, -32600),
        ({"id": 1, "method": "ping"}, 400, -32600),
        ({"jsonrpc": "2.0", "id": 1}, 400, -32600),
        ({"jsonrpc": "2.0", "id": 1, "method": 5}, 400, -32600),
        ({"jsonrpc": "2.0", "id": None, "method": "ping"}, 400, -32600),
        ({"jsonrpc": "2.0", "id": True, "method": "ping"}, 400, -32600),
        ({"jsonrpc": "2.0", "id": {}, "method": "ping"}, 400, -32600),
        ({"jsonrpc": "2.0", "id": 1, "result": {}}, 400, -32600),
        ({"jsonrpc": "2.0", "id": 1, "method": "ping", "params": []}, 400, -32602),
        ({"jsonrpc": "2.0", "id": 1, "method": "resources/list"}, 200, -32601),
        ({"jsonrpc": "2.0", "id": 1, "method": "server/discover"}, 200, -32601),
        ({"jsonrpc": "2.0", "id": 1, "method": "tools/call"}, 200, -32602),
        ({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": []}}, 200, -32602),
        (
            {
                "jsonrpc": "2.0",
                "id": 1,
                "method": "tools/call",
                "params": {"name": "errors", "arguments": []},
            },
            200,
            -32602,
        ),
    ],
)
def test_a_wrong_message_is_answered_with_a_sentence(
    agent: McpClient, body: Any, status: int, code: int
) -> None:
    answer = agent.post(body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.json()["jsonrpc"] == "2.0"
    assert answer.json()["error"]["message"].endswith((".", "?"))


def test_who_may_not_read_is_refused(agent: McpClient, ingest_key: str) -> None:
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    for client, status, words in (
        (McpClient(), 401, "Send a key"),
        (McpClient("wrong"), 401, "unknown"),
        (McpClient(ingest_key), 403, "but not read"),
    ):
        answer = client.post(ping)
        assert answer.status_code == status and words in answer.json()["error"]["message"]
        assert ("WWW-Authenticate" in answer) == (status == 401)
    for origin, status in (
        ("http://testserver", 200),
        ("https://evil.example", 403),
        ("null", 403),
        ("http://testserver.evil.example", 403),
    ):
        assert agent.post(ping, {"Origin": origin}).status_code == status
    assert agent.post(ping, type_="text/plain").status_code == 415
    assert agent.post(b" " * 300_000).status_code == 413
    with_slash = Client().post("/mcp/", ping, JSON, headers=agent.headers)
    assert with_slash.json()["result"] == {}
    for answer in (Client().get("/mcp"), Client().delete("/mcp")):
        assert (answer.status_code, answer["Allow"]) == (405, "POST")


# -- the tools -----------------------------------------------------------------------------------


def failed_run(**fields: Any) -> tuple[Run, NodeExecution]:
    run = make_run(make_app("desk"), status="failed", error="boom", **fields)
    make_execution(run, "Start", kind="start", outputs={"q": "x"})
    step = make_execution(
        run, "Look up", kind="tool", status="failed", error="boom", inputs={"q": "ü" * 30_000}
    )
    run.failed_execution = step.id
    run.failed_title = step.title
    run.save()
    return run, step


def test_a_failure_is_followed_to_the_value(agent: McpClient) -> None:
    run, step = failed_run(inputs_preview="How long?")
    listed = agent.call("find_runs", query="status:failed")
    assert f"- {run.id} | failed | app desk" in listed and f"Look up {step.id}" in listed
    assert "Why: Look up failed" in agent.call("run_report", run=str(run.id))
    steps = agent.call("step", run=str(run.id))
    assert str(step.id) in steps and steps.endswith("These are all.")
    whole = agent.call("step", run=run.id.hex, step="look up")
    assert "error: boom" in whole and "part=inputs offset=" in whole
    assert "Nothing was recorded." in whole


def test_a_long_value_is_read_on_until_its_end(agent: McpClient) -> None:
    run, step = failed_run()
    text, offset, requests = "", 0, 0
    while True:
        answer = agent.call(
            "step", run=str(run.id), step=str(step.id), part="inputs", offset=offset
        )
        assert len(answer.encode()) <= MAX_ANSWER
        value, _, end = answer.rpartition("\n")
        text += value
        requests += 1
        if end == "(the end)":
            break
        offset = int(end.partition("offset=")[2].split()[0])
        assert offset == len(text)
    assert json.loads(text) == {"q": "ü" * 30_000} and requests == 9


def test_lists_are_bounded_and_read_on(agent: McpClient) -> None:
    app = make_app("desk")
    run = make_run(app, inputs_preview="Ω" * 200, outputs_preview="Ω" * 200, error="Ω" * 9_000)
    for n in range(119):
        make_execution(run, f"Step {n} {'Ω' * 200}", kind="tool", error="Ω" * 2_000, index=n)
    for _ in range(24):
        make_run(app, inputs_preview="Ω" * 200, outputs_preview="Ω" * 200, error="Ω" * 9_000)

    def pages(name: str, **arguments: Any) -> list[str]:
        texts, after = [], ""
        while True:
            texts.append(agent.call(name, after=after, **arguments))
            assert len(texts[-1].encode()) <= MAX_ANSWER
            if "after=" not in texts[-1]:
                return texts
            after = texts[-1].partition("after=")[2].split()[0]

    for limit, count in ((20, 2), (10, 3)):
        texts = pages("find_runs", limit=limit)
        assert len(texts) == count
        assert sum(text.count("| app desk") for text in texts) == 25
    texts = pages("step", run=str(run.id))
    assert len(texts) == 3 and sum(text.count("| tool |") for text in texts) == 119


def test_nodes_and_runs_are_compared(agent: McpClient) -> None:
    good = make_run(make_app("desk"), inputs={"q": 1})
    make_execution(good, "Find", kind="tool", inputs={"q": 1}, outputs={"text": "30 days"})
    bad = make_run(good.app, inputs={"q": 1}, status="failed")
    make_execution(bad, "Find", kind="tool", inputs={"q": 1}, outputs={"text": "14 days"})
    for _ in range(3):
        make_execution(bad, "Ask again", kind="llm")
    text = agent.call("compare", run=str(bad.id))
    assert re.search(r"- only in B, from [\w-]{36} on: Ask again \(3\)", text)
    assert f"A: {good.id}" in text and f"B: {bad.id}" in text
    assert "First difference: Find | tool | origin" in text
    assert "A “30 days” B “14 days”" in text
    assert "- desk" in agent.call("node_history")
    assert "- Find | node find | tool | 2 executions" in agent.call("node_history", app="desk")
    history = agent.call("node_history", app="desk", node="find")
    assert f"run {bad.id}" in history and "2 of 2 succeeded" in history


def test_errors_lead_to_runs(agent: McpClient, record: Callable[..., object]) -> None:
    record("langgraph-openinference")
    groups = agent.call("errors")
    group = groups.partition("\n- ")[2].split()[0]
    text = agent.call("errors", group=group)
    run = text.partition("newest runs:\n- ")[2].split()[0]
    assert Run.objects.get(pk=run).status == "failed"
    assert f"errorgroup:{group}" in text
    assert agent.call("find_runs", query=f"errorgroup:{group}").count("| failed |") >= 1


def test_wrong_arguments_are_said_to_the_model(agent: McpClient) -> None:
    run, step = failed_run()
    assert "There is no field “foo”" in agent.problem("find_runs", query="foo:bar")
    assert "“limit”" in agent.problem("find_runs", limit="many")
    assert "“limit”" in agent.problem("find_runs", limit=21)
    assert "it has query, order" in agent.problem("find_runs", filter="x")
    assert agent.problem("run_report") == "run_report needs the argument “run”."
    assert "no such run" in agent.problem("run_report", run="nope")
    assert "It has Start, Look up." in agent.problem("step", run=str(run.id), step="nope")
    assert "“part”" in agent.problem("step", run=str(run.id), step=str(step.id), part="nope")
    assert "no app “nope”" in agent.problem("node_history", app="nope")
    assert "id of a group" in agent.problem("errors", group="nope")
    assert "has succeeded" in agent.problem("compare", run=str(run.id))


def test_a_bound_key_reads_its_own_app_alone() -> None:
    run, step = failed_run()
    other = make_run(make_app("other"))
    make_execution(other, "Secret", kind="tool")
    secret = IngestKey.create("bound", can_read=True, app=other.app)[1]
    agent = McpClient(secret)
    assert agent.call("find_runs").count("| app ") == 1
    for name, arguments in (
        ("run_report", {"run": str(run.id)}),
        ("step", {"run": str(run.id)}),
        ("step", {"run": str(other.id), "step": str(step.id)}),
        ("compare", {"run": str(other.id), "other": str(run.id)}),
        ("node_history", {"app": "desk"}),
        ("node_history", {"app": "desk", "node": "Look up"}),
        ("find_runs", {"query": "app:desk"}),
        ("errors", {"app": "desk"}),
    ):
        assert "boom" not in agent.problem(name, **arguments)
    assert "desk" not in agent.call("node_history") + agent.call("errors")


JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(-1e9, 1e9), st.text(max_size=20),
    st.sampled_from(["\0", "9" * 400, "é" * 300, "status:failed", "a~b", "1~2", "../..", "failures",
                     "{id}"]),
    st.lists(st.text(max_size=3), max_size=2),
)  # fmt: skip


ARGUMENTS = sorted({name for tool in TOOLS.values() for name in tool.arguments.model_fields})


@settings(max_examples=80)
@given(
    st.sampled_from(list(TOOLS)),
    st.dictionaries(st.sampled_from(ARGUMENTS) | st.text(max_size=5), JUNK, max_size=4),
)
def test_junk_is_answered(name: str, arguments: dict[str, Any]) -> None:
    run, _ = failed_run()
    key = IngestKey.create("junk", can_read=True)[1]
    arguments = {
        argument: str(run.id) if value == "{id}" else value for argument, value in arguments.items()
    }
    result = McpClient(key).result("tools/call", name=name, arguments=arguments)
    [content] = result["content"]
    assert content["text"] and len(content["text"].encode()) <= MAX_ANSWER
