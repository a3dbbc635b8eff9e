"""The graph page, the panel of a node, the last run of a node, and their JSON."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from runs.models import App, Run, Version
from tests.factories import make_app, make_execution, make_run, make_version
from tests.pages import FRAGMENT, check_fragment, check_page, check_view, text_of

HOSTILE = "<script>alert(1)</script></textarea>\u202e\"'"
GRAPH = "/apps/support-desk/graph/"


def run_through(version: Version, *names: str, minutes: int = 5, failed: str = "") -> Run:
    """A run that came through `names`, one after the other; the step called `failed` failed."""
    began = timezone.now() - timedelta(minutes=minutes)
    run = make_run(version.app, version=version, started_at=began, steps=len(names),
                   status="failed" if failed else "succeeded")  # fmt: skip
    for n, name in enumerate(names):
        start = began + timedelta(seconds=n)
        make_execution(
            run, name, node_id=name, started_at=start, ended_at=start + timedelta(seconds=0.5),
            kind="tool" if name == "tools" else "llm", model="" if name == "tools" else "gpt-4o",
            status="failed" if name == failed else "succeeded",
            error="order not found" if name == failed else "",
        )  # fmt: skip
    return run


@pytest.fixture
def version(db: None) -> Version:
    return make_version(make_app())


@pytest.fixture
def runs(version: Version) -> list[Run]:
    """Three runs: a loop, a failure in the loop, a short cut."""
    return [
        run_through(version, "classify", "agent", "tools", "agent", "finish", minutes=30),
        run_through(version, "classify", "agent", "tools", minutes=20, failed="tools"),
        run_through(version, "classify", "finish", minutes=10),
    ]


def test_page_fragment_and_restore(console: Client, runs: list[Run]) -> None:
    tree = check_view(console, GRAPH)
    text = text_of(tree)
    assert "Inferred from the last 3 runs" in text
    assert "2 of 3" in text and "1 of 2 failed" in text
    links = [a.get("href") for a in tree.findall(".//a[@data-choose]")]
    assert [link.rpartition("=")[2] for link in links] == ["classify", "agent", "tools", "finish"]
    listed = tree.findall(".//details//li//a")
    assert [a.text for a in listed] == ["classify", "agent", "tools", "finish"]


def test_canvas_notes_are_on_the_graph(console: Client, version: Version) -> None:
    notes = [{"text": f"先问客服 {HOSTILE}", "colour": "x", "x": 1, "y": 2}, {}]
    version.graph = {"nodes": [{"id": "a", "kind": "llm", "title": "A"}], "edges": []}
    version.configuration = {"notes": notes}
    version.save()
    tree = check_view(console, GRAPH)
    [note] = tree.findall(".//div[@role='note']")
    assert "先问客服 <script>" in text_of(note) and note.get("data-colour") == "blue"
    [sent] = console.get("/apps/support-desk/graph.json").json()["notes"]
    assert (sent["text"], sent["x"], sent["width"]) == (notes[0]["text"], 1, None)
    version.configuration = {"notes": "none"}
    version.save()
    assert not check_view(console, GRAPH).findall(".//div[@role='note']")


def test_what_was_handled_or_tried_again_is_no_failure(console: Client) -> None:
    version = make_version(make_app())
    for status in ("exception", "retry", "succeeded"):
        run = run_through(version, "assess")
        step = run.executions.get(title="assess")
        step.status = status
        step.save()
    tree = check_view(console, GRAPH)
    [note] = tree.findall(".//span[@class='gcard-note']")
    assert (text_of(note), note.get("data-alarm")) == ("1 of 3 handled", "warned")
    history = text_of(check_view(console, f"{GRAPH}?node=assess&tab=history").find(".//dl"))
    assert history.endswith("Failed0 of 3 Failed, but handled1 of 3 Tried again1 of 3")
    [node] = console.get("/apps/support-desk/graph.json").json()["nodes"]
    assert (node["failed"], node["handled"], node["retried"]) == (0, 1, 1)


@pytest.mark.parametrize("tab", ["settings", "last-run", "history", "nonsense"])
def test_the_panel_of_a_node(console: Client, runs: list[Run], tab: str) -> None:
    tree = check_view(console, f"{GRAPH}?node=tools&tab={tab}")
    panel = tree.find(".//aside[@id='side']")
    assert panel.find(".//h2").text == "tools"
    current = [a for a in tree.findall(".//a[@data-choose]") if a.get("aria-current")]
    assert len(current) == 1 and current[0].get("href").endswith("node=tools")
    expected = {"settings": "Node id", "history": "1 of 2"}.get(tab, "order not found")
    assert expected in text_of(panel)


def test_an_htmx_request_for_a_node_gets_its_panel_alone(console: Client, runs: list[Run]) -> None:
    body = console.get(f"{GRAPH}?node=agent", headers=FRAGMENT).content.decode()
    check_fragment(body)
    assert "<svg" not in body and "gpt-4o" in body


def test_settings_tell_model_parameters_and_tools(console: Client, version: Version) -> None:
    run = make_run(version.app, version=version)
    attributes = {
        "llm.invocation_parameters": '{"model_name": "gpt-4o", "temperature": 0.2}',
        "llm.tools.0.tool.json_schema":
            '{"type": "function", "function": {"name": "lookup", "description": "Finds one."}}',
    }  # fmt: skip
    make_execution(
        run, "Chat", model="gpt-4o", provider="openai", received={"attributes": attributes}
    )
    text = text_of(check_view(console, f"{GRAPH}?node=chat&tab=settings"))
    for expected in ("openai · 1 of the last 1", "temperature0.2", "lookupFinds one."):
        assert expected in text


def test_settings_name_variables_and_data_sets(console: Client, version: Version) -> None:
    config = {"query_variable_selector": ["17", "question"], "dataset_ids": ["d1", "d2"]}
    version.graph = {"nodes": [
        {"id": "17", "kind": "start", "title": "Start"},
        {"id": "18", "kind": "iteration", "title": "Each"},
        {"id": "19", "kind": "knowledge-retrieval", "title": "Look up", "parent": "18",
         "config": config},
    ]}  # fmt: skip
    version.save()
    document = {"metadata": {"dataset_id": "d2", "dataset_name": "退货政策"}, "content": "x"}
    make_execution(make_run(version.app, version=version), "Look up", node_id="19",
                   kind="knowledge-retrieval", outputs={"result": [document]})  # fmt: skip
    panel = check_view(console, f"{GRAPH}?node=19&tab=settings").find(".//aside[@id='side']")
    text = text_of(panel)
    for expected in ("Start › question", "退货政策 and 1 more that no run has named", "InsideEach"):
        assert expected in text
    page = check_view(console, "/apps/support-desk/versions/1/")
    assert "Start › question" in text_of(page) and "2 data sets" in text_of(page)


def test_where_a_run_went(console: Client, runs: list[Run]) -> None:
    tree = check_view(console, f"{GRAPH}?run={runs[2].pk}")
    states = {
        card.find("./a/span/span").text: card.get("data-state")
        for card in tree.findall(".//div[@class='gcard']")
    }
    assert states == {"classify": "", "agent": "skipped", "tools": "skipped", "finish": ""}
    lines = [line.get("data-state") for line in tree.findall(".//*[@class='gline']")]
    assert sorted(lines) == ["", "skipped", "skipped", "skipped", "skipped"]
    assert all(f"run={runs[2].pk}" in a.get("href") for a in tree.findall(".//a[@data-choose]"))


def test_the_newest_run_decides_the_version_shown(console: Client, version: Version) -> None:
    other = make_version(version.app, 2)
    run_through(other, "old", minutes=90)
    run_through(version, "new", minutes=1)
    assert "old" not in text_of(check_view(console, GRAPH).find(".//*[@class='graph']"))
    assert "old" in text_of(check_view(console, f"{GRAPH}?version=2").find(".//*[@class='graph']"))


def test_a_sent_graph_is_shown_as_sent(console: Client, version: Version) -> None:
    version.graph = {
        "nodes": [{"id": "classify", "kind": "if-else", "title": "Refund?"},
                  {"id": "rare", "kind": "code", "title": "Rare", "config": {"lang": "python3"}}],
        "edges": [{"source": "classify", "target": "rare", "handle": "no"}],
    }  # fmt: skip
    version.save()
    run_through(version, "classify")
    text = text_of(check_view(console, GRAPH))
    assert "as published" in text and "Refund?" in text and "never run" in text
    assert "python3" in text_of(check_view(console, f"{GRAPH}?node=rare"))
    assert "Not run yet" in text_of(check_view(console, f"{GRAPH}?node=rare&tab=history"))
    body = console.get(f"{GRAPH}?node=rare", headers=FRAGMENT).content.decode()
    assert "python3" in body


@pytest.mark.parametrize(
    "url",
    [
        "/apps/nobody/graph/", "/apps/nobody/graph.json", "/apps/nobody/nodes/agent/last-run/",
        f"{GRAPH}?version=7", f"{GRAPH}?version=x", f"{GRAPH}?version=99999999999999999999",
        f"{GRAPH}?node=nobody", f"{GRAPH}?node=%00", f"{GRAPH}?run=x",
        f"{GRAPH}?run=00000000-0000-4000-8000-000000000000",
        "/apps/support-desk/nodes/nobody/last-run/",
        "/apps/support-desk/nodes/no/body/last-run.json",
        "/apps/support-desk/graph.json?version=7",
    ],
)  # fmt: skip
def test_what_is_missing_is_a_404(console: Client, runs: list[Run], url: str) -> None:
    response = console.get(url)
    assert response.status_code == 404
    if ".json" in url:
        assert response.json()["error"].endswith(".")


def test_an_app_without_runs_says_so(console: Client, db: None) -> None:
    make_app()
    assert "No graph yet" in text_of(check_view(console, GRAPH))
    assert console.get("/apps/support-desk/graph.json").json()["nodes"] == []


def test_runs_that_tell_no_version_have_a_graph(console: Client, db: None) -> None:
    make_execution(make_run(), "Answer")
    assert "Answer" in text_of(check_view(console, GRAPH).find(".//*[@class='graph']"))


def test_hostile_texts_are_shown_as_text(console: Client, version: Version) -> None:
    run = make_run(version.app, version=version)
    node_id = f"a/{HOSTILE}?x=1#y&z"
    outer = make_execution(run, HOSTILE, node_id=node_id, kind=HOSTILE[:40], error=HOSTILE,
                           status="failed", model=HOSTILE)  # fmt: skip
    make_execution(run, HOSTILE, node_id=f"{node_id}/in", parent_id=outer.pk)
    tree = check_view(console, GRAPH)
    for link in tree.findall(".//a[@data-choose]"):
        for tab in ("settings", "last-run", "history"):
            check_view(console, f"{GRAPH}{link.get('href').removeprefix(GRAPH)}&tab={tab}")


def test_of_many_nodes_a_part_is_drawn_and_counted(console: Client, version: Version) -> None:
    version.graph = {"nodes": [{"id": f"n{n}"} for n in range(1000)], "edges": []}
    version.save()
    text = text_of(check_page(console.get(f"{GRAPH}?version=1").content.decode()))
    assert "Only the first 400 nodes are drawn; 600 more" in text


@pytest.mark.parametrize(
    "query", ["", "?node=agent", "?node=agent&tab=last-run", "?node=agent&tab=history"]
)
def test_the_number_of_queries_is_constant(
    console: Client, version: Version, django_assert_max_num_queries, query: str
) -> None:
    for n in range(12):
        run_through(
            version, "classify", "agent", *(f"tool-{i}" for i in range(n)), "agent", minutes=n
        )
    with django_assert_max_num_queries(14):
        console.get(GRAPH + query)
    with django_assert_max_num_queries(12):
        console.get(GRAPH.replace("/graph/", "/graph.json"))


def test_graph_json(console: Client, runs: list[Run]) -> None:
    data = console.get("/apps/support-desk/graph.json").json()
    assert data["version"] == {"number": 1, "label": "v1"}
    assert (data["inferred"], data["runs"]) == (True, 3)
    assert {"source": "agent", "target": "tools", "handle": None, "runs": 2} in data["edges"]
    nodes = {node["id"]: node for node in data["nodes"]}
    assert {"id", "kind", "title", "x", "y", "parent", "config", "last_run"} <= set(nodes["tools"])
    assert nodes["tools"]["last_run"]["status"] == "failed"
    assert nodes["classify"]["x"] < nodes["agent"]["x"]


def test_last_run_leads_to_the_panel(console: Client, runs: list[Run]) -> None:
    response = console.get("/apps/support-desk/nodes/tools/last-run/")
    assert (response.status_code, response.url) == (302, f"{GRAPH}?node=tools&tab=last-run")
    body = console.get(
        "/apps/support-desk/nodes/tools/last-run/", headers=FRAGMENT
    ).content.decode()
    check_fragment(body)
    assert "order not found" in body


def test_last_run_is_the_newest_of_all_versions(console: Client, runs: list[Run]) -> None:
    newer = run_through(make_version(runs[0].app, 2), "tools", minutes=1)
    data = console.get("/apps/support-desk/nodes/tools/last-run.json").json()
    assert data["id"] == str(newer.executions.get().pk)
    assert (data["node_id"], data["status"]) == ("tools", "succeeded")


def test_json_takes_a_key_with_read_scope(client: Client, runs: list[Run], read_key: str) -> None:
    url = "/apps/support-desk/graph.json"
    assert client.get(url).status_code == 401
    assert client.get(url, headers={"x-api-key": read_key}).status_code == 200
    assert client.get(GRAPH).status_code == 302


def test_every_recorded_app_has_a_page(console: Client, record, db: None) -> None:
    for name in ("dify-phoenix", "pydantic-ai", "openai-agents-openinference", "google-adk"):
        record(name)
    for app in App.objects.all():
        tree = check_view(console, f"/apps/{app.slug}/graph/")
        for link in tree.findall(".//a[@data-choose]"):
            assert console.get(link.get("href"), headers=FRAGMENT).status_code == 200
