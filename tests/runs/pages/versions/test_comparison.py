"""Two versions compared, through their page and their JSON."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.factories import make_app, make_execution, make_run, make_version
from tests.pages import check_page, check_view, text_of

pytestmark = pytest.mark.django_db


def node(name, **config):
    return {"id": name, "type": "llm", "kind": "llm", "title": name.title(), "config": config}


@pytest.fixture
def versions():
    app = make_app()
    edges = [{"source": "start", "target": "answer", "handle": ""}]
    make_version(app, 1, graph={"nodes": [node("start"), node("answer", prompt="Be kind.")],
                                "edges": edges}, configuration={"opener": "Hi"})  # fmt: skip
    make_version(app, 2, graph={"nodes": [node("start"), node("answer", prompt="Be brief."),
                                          node("check")], "edges": edges})  # fmt: skip
    first, second = app.versions.order_by("number")
    for n in range(4):
        make_run(app, version=first, duration_us=1_000_000, total_tokens=100)
        make_run(app, version=second, duration_us=(n + 1) * 1_000_000, total_tokens=200,
                 status="failed" if n == 3 else "succeeded")  # fmt: skip
    make_run(app, version=second, status="running")
    return first, second


def test_two_versions_before_and_after(console, versions):
    url = "/apps/support-desk/versions/compare/?a=1&b=2"
    text = text_of(check_view(console, url))
    assert "100.0 %" in text and "75.0 %" in text and "−25.0 points" in text
    assert "+1.00 s (×2.0)" in text and "+100 (×2.0)" in text
    answer = console.get(url.replace("compare/", "compare.json")).json()
    assert answer["b"]["runs"] == 4 and answer["b"]["p95_us"] == 4_000_000
    assert answer["a"]["median_us"] == 1_000_000 and answer["a"]["tokens_per_run"] == 100


def test_what_changed_between_two_versions(console, versions):
    answer = console.get("/apps/support-desk/versions/compare.json?a=v1&b=v2").json()
    assert [(node_change["change"], node_change["id"]) for node_change in answer["nodes"]] == [
        ("changed", "answer"),
        ("added", "check"),
    ]
    [change] = answer["nodes"][0]["settings"]
    assert (change["path"], change["before"], change["after"]) == (
        "prompt", "Be kind.", "Be brief.",
    )  # fmt: skip
    back = console.get("/apps/support-desk/versions/compare.json?a=v2&b=v1").json()
    assert {(node_change["change"], node_change["id"]) for node_change in back["nodes"]} == {
        ("changed", "answer"),
        ("removed", "check"),
    }
    [change] = answer["configuration"]
    assert change["path"] == "" and '"opener": "Hi"' in change["before"]


def test_versions_without_a_sent_graph_are_compared_by_what_ran(console):
    app = make_app()
    for number, title in ((1, "Old way"), (2, "New way")):
        make_execution(make_run(app, version=make_version(app, number)), title)
    text = text_of(check_view(console, "/apps/support-desk/versions/compare/"))
    assert "The graph of at least one version was not sent" in text
    assert "Old way" in text and "New way" in text


def test_a_node_that_calls_another_model_is_listed(console):
    app = make_app()
    for number, model in ((1, "large"), (2, "small")):
        run = make_run(app, version=make_version(app, number))
        make_execution(run, "Answer", model=model)
        make_execution(run, "Rank", model="ranker")
    url = "/apps/support-desk/versions/compare/?a=1&b=2"
    models = console.get(url.replace("compare/", "compare.json")).json()["models"]
    assert models == [{"title": "Answer", "before": "large", "after": "small"}]
    assert "large → then small" in text_of(check_view(console, url))


def test_the_list_of_versions_leads_to_what_changed(console, versions):
    tree = check_view(console, "/apps/support-desk/versions/")
    assert "/apps/support-desk/versions/compare/?b=2" in [
        element.get("href") for element in tree.iter("a")
    ]
    tree = check_view(console, "/apps/support-desk/versions/compare/?b=2")
    chosen = [
        element.get("value")
        for element in tree.iter("option")
        if element.get("selected") is not None
    ]
    assert chosen == ["1", "2"]


def test_unknown_versions_are_a_404(console, versions):
    base = "/apps/support-desk/versions/compare"
    for name in ("9", "x", "%00", "9" * 400):
        assert console.get(f"{base}/?a={name}").status_code == 404
        assert console.get(f"{base}.json?a={name}&b=1").status_code == 404
    assert console.get("/apps/none/versions/compare/").status_code == 404
    make_app("bare")
    assert "Only one version" in text_of(check_view(console, "/apps/bare/versions/compare/"))


def test_comparing_versions_asks_a_fixed_number_of_questions(
    console, versions, django_assert_max_num_queries
):
    for n in range(30):
        make_run(versions[0].app, version=versions[0], duration_us=n)
        make_version(versions[0].app, n + 3)
    with django_assert_max_num_queries(16):
        console.get("/apps/support-desk/versions/compare/?a=1&b=2")


def test_a_version_is_known_since_its_first_run(console):
    version = make_version(make_app("desk"))
    make_run(version.app, version=version, started_at=timezone.now() - timedelta(days=2))
    page = check_page(console.get("/apps/desk/versions/1/").content.decode())
    assert text_of(page.find(".//dl[@class='pairs']")).endswith("2 d ago")
