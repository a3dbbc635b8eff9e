"""GRAPH of a run: the way that it took, and the step behind each node."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.factories import make_app, make_execution, make_run, make_version
from tests.pages import check_fragment, check_page, text_of

pytestmark = pytest.mark.django_db

GRAPH = {
    "nodes": [
        {"id": node_id, "kind": kind, "title": title}
        for node_id, kind, title in (
            ("1", "start", "Start"), ("2", "if-else", "Large?"), ("3", "llm", "Explain"),
            ("4", "code", "Join"),
        )
    ],
    "edges": [
        {"source": "1", "target": "2"}, {"source": "2", "target": "3", "handle": "true"},
        {"source": "2", "target": "4", "handle": "false"},
    ],
}  # fmt: skip


@pytest.fixture
def run():
    app = make_app()
    run = make_run(app, version=make_version(app, 1, graph=GRAPH), status="failed")
    began = timezone.now() - timedelta(minutes=1)

    def step(title, node_id, after, took, **fields):
        start = began + timedelta(seconds=after)
        return make_execution(run, title, node_id=node_id, started_at=start,
                              ended_at=start + timedelta(seconds=took), **fields)  # fmt: skip

    step("Start", "1", 0, 0.1, kind="start")
    step("Large?", "2", 0.1, 0.1, kind="if-else", taken="false")
    step("Join", "4", 0.2, 1.5, kind="code", status="failed", error="no amount")
    step("Join", "4", 2.0, 0.5, kind="code")
    return run


def cards(tree):
    drawn = [element for element in tree.iter("div") if "gcard" in element.get("class", "")]
    return {text_of(card).split(" ")[0]: card for card in drawn}


def test_the_way_taken_how_each_node_went_and_what_was_not_reached(console, run):
    tree = check_page(console.get(f"/runs/{run.pk}/graph/").content.decode())
    [current] = [a for a in tree.iter("a") if a.get("aria-current") == "page" and a.text == "Graph"]
    assert current.get("href") == f"/runs/{run.pk}/graph/"
    drawn = cards(tree)
    assert "1 of 2 failed · 2.00 s" in text_of(drawn["Join"])
    assert drawn["Explain"].get("data-state") == "skipped"
    assert "not reached" in text_of(drawn["Explain"])
    assert drawn["Large?"].get("data-state") == ""


def test_a_node_opens_the_step_that_failed(console, run):
    address = f"/runs/{run.pk}/graph/?node=4"
    page = text_of(check_page(console.get(address).content.decode()))
    assert "The run came here 2 times." in page and "no amount" in page
    headers = {"HX-Request": "true", "HX-Target": "side"}
    fragment = text_of(check_fragment(console.get(address, headers=headers).content.decode()))
    assert "no amount" in fragment and "Not reached" not in fragment
    for node in ("3", "nowhere", "\0", "x" * 5000):
        answer = console.get(f"/runs/{run.pk}/graph/", {"node": node})
        assert answer.status_code == 404
        assert "did not come to the node" in text_of(check_page(answer.content.decode()))


def test_its_json(console, run):
    answer = console.get(f"/runs/{run.pk}/graph.json").json()
    nodes = {node["id"]: node for node in answer["nodes"]}
    assert (nodes["4"]["status"], nodes["4"]["executions"]) == ("failed", 2)
    assert nodes["4"]["duration_us"] == 2_000_000
    assert (nodes["3"]["status"], nodes["3"]["execution"]) == (None, None)
    ways = {(edge["source"], edge["target"]): edge["taken"] for edge in answer["edges"]}
    assert ways == {("1", "2"): True, ("2", "3"): False, ("2", "4"): True}


def test_a_live_run_refreshes_its_graph_and_one_without_steps_says_so(console):
    run = make_run(make_app(), status="running")
    page = console.get(f"/runs/{run.pk}/graph/").content.decode()
    assert 'hx-trigger="run-changed from:body"' in page and "No steps yet" in page


def test_its_queries_do_not_grow_with_the_run(console, run, django_assert_max_num_queries):
    for n in range(30):
        make_execution(run, f"Step {n}", node_id=f"s{n}")
    with django_assert_max_num_queries(17):
        console.get(f"/runs/{run.pk}/graph/?node=4")
