"""The system prompts of a node, as its runs reported them."""

from typing import Any

import orjson
import pytest
from django.test import Client

from nodes.content.system_prompt import prompt_digest, system_prompt
from nodes.models import NodeExecution
from runs.models import App, Run
from tests.factories import make_version
from tests.pages import check_page, text_of

SAYS = "You answer questions about returns. Goods may be sent back within {} days."
PAGE = "/apps/desk/nodes/answer/prompts/"


@pytest.mark.parametrize(
    "inputs",
    [
        {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "?"}]
        },
        [{"role": "developer", "content": [{"type": "text", "text": "Be brief."}]}],
        {"system": "Be brief.", "messages": [{"role": "user", "content": "Hello"}]},
        {"instructions": "Be brief.", "input": "Hello"},
        [[{"type": "system", "content": "Be brief."}, {"type": "human", "content": "Hi"}]],
        '[{"role": "system", "content": "Be brief."}]',
        {"request": {"contents": [{"role": "system", "parts": [{"text": "Be brief."}]}]}},
    ],
)  # fmt: skip
def test_where_a_system_prompt_is(inputs: Any) -> None:
    assert system_prompt(inputs) == "Be brief."
    prompts = {"prompts": [{"role": "system", "text": "Be brief."}]}  # Dify's process data
    assert system_prompt({"query": "Hello"}, prompts) == "Be brief."
    assert system_prompt([{"role": ["user"], "content": "?"}, {"role": 1}, None]) == ""
    assert system_prompt({"query": "Hello"}, None) == "" and prompt_digest(" \n") is None
    assert prompt_digest("Be brief. \r\n") == prompt_digest("Be brief.")


def page_of(console: Client, path: str) -> Any:
    return check_page(console.get(path).content.decode())


def record(key: str, number: int, days: int, minute: int, failed: bool = False) -> None:
    messages = [{"role": "system", "content": SAYS.format(days)}, {"role": "user", "content": "?"}]
    attributes = {
        "openinference.span.kind": "LLM", "llm.model_name": "gpt-4o-mini",
        "input.value": orjson.dumps({"messages": messages}).decode(),
        "input.mime_type": "application/json", "output.value": f"{days} days",
    }  # fmt: skip
    start = (1_796_000_000 + minute * 60) * 10**9
    span = {
        "traceId": f"{number:032x}", "spanId": f"{number:016x}", "name": "answer",
        "startTimeUnixNano": str(start), "endTimeUnixNano": str(start + 10**9),
        "status": {"code": 2 if failed else 1},
        "attributes": [
            {"key": key, "value": {"stringValue": value}} for key, value in attributes.items()
        ],
    }  # fmt: skip
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "desk"}}]}
    body = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]}
    answer = Client().post(
        "/v1/traces", body, content_type="application/json", headers={"x-api-key": key}
    )
    assert answer.status_code == 200


@pytest.mark.django_db
def test_when_the_prompt_of_a_node_changed(console: Client, ingest_key: str) -> None:
    # Arrived in another order than they ran.
    for number, days, minute, failed in ((4, 14, 40, True), (1, 30, 10, False), (3, 14, 30, False),
                                         (2, 30, 20, False)):  # fmt: skip
        record(ingest_key, number, days, minute, failed)
    node_id = NodeExecution.objects.values_list("node_id", flat=True).distinct().get()
    page = PAGE.replace("answer", node_id)
    newer, older = console.get(f"{page.rstrip('/')}.json").json()["prompts"]
    assert (newer["text"], older["text"]) == (SAYS.format(14), SAYS.format(30))
    assert (newer["runs"], newer["failed"], older["failed"]) == (2, 1, 0)
    assert older["last_at"] < newer["first_at"] < newer["last_at"]

    tree = page_of(console, page)
    change = tree.find(".//section[@id='change']")
    assert [text_of(change.find(f".//{tag}")) for tag in ("del", "ins")] == ["30", "14"]
    assert "50 %" in text_of(tree.find(".//table"))

    history = page_of(console, page.replace("/prompts/", "/history/"))
    [boundary] = history.findall(".//tr[@class='version-boundary']")
    assert "The prompt changed here" in text_of(boundary)
    link = boundary.find(".//a").get("href")
    assert text_of(page_of(console, link).find(".//ins")) == "14"
    assert not page_of(console, f"{page}?a=0&b=1").findall(".//section[@id='change']")
    assert console.get(PAGE.replace("answer", "nobody")).status_code == 404


@pytest.mark.django_db
def test_comparing_says_that_a_prompt_changed(console: Client, ingest_key: str) -> None:
    record(ingest_key, 1, 30, 10)
    record(ingest_key, 2, 14, 20)
    record(ingest_key, 3, 14, 30)
    ids = list(Run.objects.order_by("started_at").values_list("id", flat=True))
    page = page_of(console, f"/runs/compare/?a={ids[0]}&b={ids[1]}")
    [changed] = page.findall(".//ul[@class='changed-prompts']/li")
    assert text_of(changed) == "The prompt of answer changed: what changed"
    [change] = console.get(f"/runs/compare.json?a={ids[0]}&b={ids[1]}").json()["prompts"]
    assert change["title"] == "answer" and change["before"] != change["after"]
    assert not console.get(f"/runs/compare.json?a={ids[1]}&b={ids[2]}").json()["prompts"]

    app = App.objects.get()
    for number, own in ((1, ids[:1]), (2, ids[1:])):
        Run.objects.filter(id__in=own).update(version=make_version(app, number))
    page = page_of(console, "/apps/desk/versions/compare/?a=1&b=2")
    assert page.findall(".//ul[@class='changed-prompts']/li")
    answer = console.get("/apps/desk/versions/compare.json?a=1&b=2").json()
    assert [change["title"] for change in answer["prompts"]] == ["answer"]
