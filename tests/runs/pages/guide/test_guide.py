"""/llms.txt, and that a key and curl are enough to find a cause."""

import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import URLPattern

from nodes.models import NodeExecution
from runs import urls
from runs.models import IngestKey, Rerun, Run
from runs.pages.guide.addresses import MACHINE_SUFFIX, path_of
from runs.pages.guide.endpoints import ENDPOINTS
from runs.query.fields import FIELDS
from tests.factories import make_app

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
BASE = "http://testserver"


def guide_text(client: Client) -> str:
    response = client.get("/llms.txt")
    assert (response.status_code, response["Content-Type"]) == (200, "text/plain; charset=utf-8")
    return response.content.decode()


def addresses(text: str) -> list[str]:
    return re.findall(rf"^- {BASE}/(\S+?)(?::? |$)", text, re.MULTILINE)


def test_it_is_open_and_names_every_twin(client: Client) -> None:
    twins = {
        path_of(pattern): pattern.name for pattern in urls.urlpatterns
        if isinstance(pattern, URLPattern) and MACHINE_SUFFIX.search(path_of(pattern))
    }  # fmt: skip
    text = guide_text(client)
    assert "runs/{run}.md" in twins and len(twins) > 15
    assert {path.partition("?")[0] for path in addresses(text)} == set(twins)
    assert set(ENDPOINTS) <= set(twins.values())
    assert text.index("/runs/{run}.md") < text.index("/inbox.json")
    assert client.post("/llms.txt").status_code in (403, 405)


def test_it_names_every_filter(client: Client, read_key: str) -> None:
    text = guide_text(client)
    make_app("support-chat")
    for field in FIELDS:
        assert f"`{field.name}`" in text and field.example in text
        response = client.get("/runs.json", {"q": field.example}, headers={"x-api-key": read_key})
        assert response.status_code == 200, field.example


def test_every_address_in_it_answers(
    client: Client, read_key: str, record: Callable[..., object]
) -> None:
    record("langgraph-openinference")
    record("dify-phoenix")
    run = Run.objects.exclude(conversation=None).exclude(version=None).first()
    assert run and run.version and run.conversation
    step = NodeExecution.objects.in_run(run.id).visible().exclude(node_id="").first()
    assert step
    rerun = Rerun.objects.create(original=run)
    places = {
        "run": run.id, "execution": step.id, "app": run.app.slug, "node": step.node_id,
        "conversation": run.conversation.id, "rerun": rerun.id, "number": run.version.number,
        "any-id": run.producer_ids[0].source_id, "group": run.error_group_id or uuid4(),
    }  # fmt: skip
    for path in addresses(guide_text(client)):
        if path.startswith("s/") or path == "skill.md":  # whose token is its key; open
            continue
        url = "/" + re.sub(r"\{([\w-]+)\}", lambda name: str(places.get(name[1], uuid4())), path)
        answer = client.get(url, headers={"x-api-key": read_key})
        if answer.status_code != 200:  # of what the recorded runs have none
            assert answer.status_code == 404 and answer.json()["error"], url
            assert "{group}" in path or "{execution}" in path, url
        assert client.get(url).status_code == 401, url


def test_a_key_and_curl_are_enough(
    client: Client, read_key: str, record: Callable[..., object]
) -> None:
    """From the failed runs to the failing step's values, and to the last run that went well."""
    record("langgraph-openinference")

    def curl(url: str) -> Any:
        answer = client.get(url.removeprefix(BASE), headers={"Authorization": f"Bearer {read_key}"})
        assert answer.status_code == 200, (url, answer.content)
        return answer.json() if "json" in answer["Content-Type"] else answer.content.decode()

    guide = guide_text(client)
    assert f'"{BASE}/runs.json?status=failed&since=24h"' in guide
    failed = [
        run for run in curl("/runs.json?status=failed")["runs"] if run["failed_node"] is not None
    ]
    assert failed
    run = failed[0]
    report = curl(f"/runs/{run['id']}.md")
    assert run["failed_node"]["title"] in report.replace("\\", "") and "## Why" in report
    step_url = re.search(r"failing step: <(\S+)>", report)
    assert step_url
    step = curl(step_url[1])
    assert step["status"] == "failed" and step["error"] and step["inputs"] is not None
    links = re.findall(rf"<({BASE}\S+\.json\S*)>", report)
    assert len(links) >= 3 and all(curl(link) for link in links)

    beside = curl(next(link for link in links if "/runs/compare.json?" in link))
    good = beside["a"]
    assert (good["status"], beside["b"]["id"]) == ("succeeded", run["id"])
    steps = {step["id"]: step for step in curl(f"/runs/{good['id']}/tracing.json")["executions"]}
    parting = beside["first_divergence"]
    assert parting is None or parting["a"] is None or parting["a"] in steps


def test_a_bound_key_reads_its_own_app_alone(client: Client, record: Callable[..., object]) -> None:
    record("langgraph-openinference")
    record("dify-phoenix")
    run = Run.objects.filter(app__name="support").first()
    other = Run.objects.exclude(app__name="support").first()
    assert run and other
    key = IngestKey.create("bound", can_ingest=False, can_read=True, app=run.app)[1]
    for suffix in (".json", ".md", "/tracing.json"):
        assert client.get(f"/runs/{run.id}{suffix}", headers={"x-api-key": key}).status_code == 200
        answer = client.get(f"/runs/{other.id}{suffix}", headers={"x-api-key": key})
        assert answer.status_code == 404
