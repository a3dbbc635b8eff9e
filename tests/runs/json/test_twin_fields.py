"""JSON twins have every field of the contract, whatever the state of the run: what is absent is
null, never missing."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from nodes.models import NodeExecution
from runs.models import App, Run
from tests.factories import make_execution, make_run

pytestmark = pytest.mark.django_db

RUN = (
    "id url app version status stalled started_at finished_at duration_us input_preview"
    " output_preview error failed_node tokens cost api_calls steps iterations retries conversation"
    " user trigger tags source reported"
)
EXECUTION = (
    "id parent depth index node_id kind title status iteration attempt started_at duration_us"
    " self_us tokens cost model error inputs_preview outputs_preview source_id placeholder"
)
APP = "slug name mode versions counts"
NODE = "id kind title x y parent config last_run"
# Of objects within: their fields, where the object is not null.
WITHIN = {
    "app": "slug name mode",
    "version": "number label",
    "failed_node": "execution node_id title",
    "tokens": "input output cached reasoning total",
    "api_calls": "model tool http",
    "conversation": "id source_id",
    "source": "kind ids",
    "reported": "tokens cost duration_us",
}
COST = "amount currency state"


def check(payload: dict[str, Any], fields: str) -> None:
    missing = set(fields.split()) - set(payload)
    assert not missing, missing
    for name, inner in (WITHIN | {"cost": COST}).items():
        if isinstance(payload.get(name), dict) and name in fields.split():
            assert set(inner.split()) <= set(payload[name]), name


@pytest.fixture
def ask(client: Client, read_key: str) -> Callable[[str], Any]:
    """Return a function that reads the JSON at an address with a key."""

    def get(url: str) -> Any:
        response = client.get(url, headers={"x-api-key": read_key})
        assert response.status_code == 200, (url, response.content[:300])
        assert response["Content-Type"] == "application/json"
        return response.json()

    return get


@pytest.fixture(params=["langgraph-openinference", "dify-phoenix", "by hand"])
def runs(request: pytest.FixtureRequest, record: Callable[..., object]) -> list[Run]:
    """Return recorded runs, or bare runs in each state."""
    if request.param != "by hand":
        record(request.param)
        return list(Run.objects.all())
    for status in ("running", "paused", "failed", "stopped"):
        bare = make_run(status=status)
        make_execution(bare, kind="span", status="running", started_at=None, duration_us=None)
        make_execution(bare, orphan=True, parent_id=bare.id, parent_source_id="s0")
    return list(Run.objects.all())


def test_lists_and_runs(ask: Callable[[str], Any], runs: list[Run]) -> None:
    payload = ask("/runs.json")
    assert set(payload) >= {"runs", "next"} and len(payload["runs"]) == len(runs)
    for run in payload["runs"]:
        check(run, RUN)
        assert set(run["cost"]) >= {"amount", "currency", "state"}
        whole = ask(f"/runs/{run['id']}.json")
        check(
            whole, f"{RUN} inputs outputs metadata configuration cause error_group rerun_of reruns"
        )
        assert {name: whole[name] for name in RUN.split()} == {
            name: run[name] for name in RUN.split()
        }


def test_steps(ask: Callable[[str], Any], runs: list[Run]) -> None:
    for run in runs:
        payload = ask(f"/runs/{run.id}/tracing.json")
        assert set(payload) >= {"run", "executions", "next"} and payload["run"] == str(run.id)
        for step in payload["executions"]:
            check(step, EXECUTION)
            if step["placeholder"]:
                continue
            whole = ask(f"/runs/{run.id}/tracing/{step['id']}.json")
            check(whole, f"{EXECUTION} inputs process_data outputs attributes messages links")
        indexes = [step["index"] for step in payload["executions"]]
        assert indexes == sorted(indexes)


def test_apps_graphs_and_last_runs(ask: Callable[[str], Any], runs: list[Run]) -> None:
    apps = ask("/apps.json")["apps"]
    assert {app["slug"] for app in apps} == {run.app.slug for run in runs}
    for app in apps:
        check(app, APP)
        check(ask(f"/apps/{app['slug']}.json"), APP)
        graph = ask(f"/apps/{app['slug']}/graph.json")
        assert set(graph) >= {"version", "nodes", "edges"} and graph["nodes"]
        for node in graph["nodes"]:
            assert set(node) >= set(NODE.split())
            if node["last_run"]:
                check(node["last_run"], EXECUTION)
        for edge in graph["edges"]:
            assert set(edge) >= {"source", "target", "handle", "runs"}
    step = NodeExecution.objects.visible().exclude(node_id="").select_related("app").first()
    assert step
    check(ask(f"/apps/{step.app.slug}/nodes/{step.node_id}/last-run.json"), EXECUTION)


def test_a_node_that_has_not_run(client: Client, read_key: str) -> None:
    app = App.objects.create(name="a", slug="a")
    url = f"/apps/{app.slug}/nodes/none/last-run.json"
    response = client.get(url, headers={"x-api-key": read_key})
    assert response.status_code == 404 and "has not run" in response.json()["error"]
