"""One node over time: figures, chart, list, versions, filters."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from django.utils import timezone

from nodes.models import NodeExecution
from runs.models import App, IngestKey, Run
from runs.pages.nodes import history as node_history
from tests.factories import make_app, make_execution, make_run, make_version
from tests.pages import check_view, text_of

pytestmark = pytest.mark.django_db
URL = "/apps/desk/nodes/classify/history"


def ran(app: App, ago: int, node_id: str = "classify", **fields: Any) -> NodeExecution:
    """An execution in a run of its own, so many minutes ago."""
    run_fields = {name: fields.pop(name) for name in ("version",) if name in fields}
    run = make_run(app, started_at=timezone.now() - timedelta(minutes=ago), **run_fields)
    return make_execution(run, fields.pop("title", "Classify"), node_id=node_id, **fields)


@pytest.fixture
def desk(db: None) -> App:
    return make_app("desk")


def test_figures_are_those_of_the_executions_shown(console: Client, desk: App) -> None:
    for n in range(10):
        ran(
            desk, n, duration_us=(n + 1) * 1_000_000, total_tokens=100, counted=n != 0,
            cost=Decimal("0.01"), cost_currency="USD",
            status="failed" if n == 9 else "running" if n == 8 else "succeeded",
        )  # fmt: skip
    ran(desk, 1, node_id="other")
    ran(desk, 1, folded=True)
    ran(make_app("shop"), 1)
    payload = console.get(f"{URL}.json").json()
    assert payload["figures"] == {
        "executions": 10, "ended": 9, "succeeded": 8, "tokens": 900,
        "duration_us": {"p50": 5_000_000, "p95": 10_000_000},
        "costs": [{"amount": "0.09", "currency": "USD"}],
    }  # fmt: skip
    page = text_of(check_view(console, f"{URL}/"))
    assert "88 % 8 of 9" in page and "10 executions" in page and "$0.090" in page


def test_each_execution_shows_what_went_in_and_out_and_is_a_link(
    console: Client, desk: App
) -> None:
    good = ran(desk, 2, inputs_preview="退款吗？", outputs_preview="refund")
    bad = ran(
        desk, 1, status="failed", error="Slow <b>down</b>", error_type="RateLimitError",
        iteration="3", attempt=2,
    )  # fmt: skip
    tree = check_view(console, f"{URL}/")
    page = text_of(tree)
    assert "退款吗？" in page and "→refund" in page
    assert "RateLimitError: Slow <b>down</b>" in page and "#4 attempt 2" in page
    links = {link.get("href") for link in tree.iter("a")}
    for execution in (good, bad):
        assert f"/runs/{execution.run_id}/tracing/{execution.id}/" in links
    assert [execution["id"] for execution in console.get(f"{URL}.json").json()["executions"]] == [
        str(bad.id), str(good.id),
    ]  # fmt: skip


def test_a_change_of_version_is_marked_where_a_page_ends(console: Client, desk: App) -> None:
    for n, number in enumerate([2, 2, 1, 1]):
        ran(desk, n, version=make_version(desk, number))
    tree = check_view(console, f"{URL}/?limit=2")
    assert "Version 2 above · version 1 below" in text_of(tree)
    [following] = [a.get("href") for a in tree.iter("a") if "after=" in (a.get("href") or "")]
    assert "above" not in text_of(check_view(console, f"{URL}/{following}"))


def test_a_change_of_version_is_marked(console: Client, desk: App) -> None:
    for n, number in enumerate((2, 2, 1, 1)):
        ran(desk, n, version=make_version(desk, number))
    ran(desk, 9)
    html = console.get(f"{URL}/").content.decode()
    page = text_of(check_view(console, f"{URL}/"))
    assert "Version 2 above · version 1 below" in page
    assert "Version 1 above · no version below" in page
    assert html.count("version-edge") == 2 and 'data-version="v2"' in html


@pytest.mark.parametrize(
    ("query", "previews"),
    [
        ("status=failed", ["c"]),
        ("status=failures", ["c", "b"]),
        ("version=2", ["c", "b"]),
        ("version=1&status=succeeded", ["a"]),
        ("version=1&status=failed", []),
    ],
)
def test_filters(console: Client, desk: App, query: str, previews: list[str]) -> None:
    outcomes = [("c", "failed", 2), ("b", "exception", 2), ("a", "succeeded", 1)]
    for n, (name, status, number) in enumerate(outcomes):
        ran(desk, n, status=status, version=make_version(desk, number), outputs_preview=name)
    executions = console.get(f"{URL}.json?{query}").json()["executions"]
    assert [execution["outputs_preview"] for execution in executions] == previews
    page = text_of(check_view(console, f"{URL}/?{query}"))
    assert ("No such execution" in page) == (not previews)


def test_pages_follow_each_other(console: Client, desk: App) -> None:
    for n in range(7):
        ran(desk, n // 2, outputs_preview=str(n))  # two at once
    ran(desk, 9, started_at=None, outputs_preview="timeless")
    previews, url = [], f"{URL}.json?limit=3"
    while url:
        payload = console.get(url).json()
        assert len(payload["executions"]) <= 3
        previews += [execution["outputs_preview"] for execution in payload["executions"]]
        url = payload["next"]
    assert sorted(previews) == [*"0123456", "timeless"] and previews[-1] == "timeless"
    assert "Next page" in text_of(check_view(console, f"{URL}/?limit=3"))
    assert console.get(f"{URL}.json?limit=0").status_code == 400


def test_a_filter_looks_through_so_many_at_a_time(
    console: Client, desk: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_history, "SEARCHED", 4)
    for n in range(10):
        ran(desk, n, status="failed" if n in (1, 9) else "succeeded", outputs_preview=str(n))
    previews, url, pages = [], f"{URL}.json?status=failed", 0
    while url:
        payload = console.get(url).json()
        previews += [execution["outputs_preview"] for execution in payload["executions"]]
        url, pages = payload["next"], pages + 1
    assert (previews, pages) == (["1", "9"], 3)
    assert "The next page searches further back." in text_of(
        check_view(console, f"{URL}/?status=failed")
    )


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/apps/desk/nodes/nobody/history", "Node “nobody” of desk has not run yet."),
        (f"{URL}?status=odd", "A step has no status “odd”."),
        (f"{URL}?version=9", "desk has no version 9."),
        (f"{URL}?version={'9' * 500}", "desk has no version"),
        ("/apps/desk/nodes/a%00b/history", "has not run"),
        ("/apps/none/nodes/classify/history", "There is no app “none”."),
    ],
)
def test_a_missing_node_is_explained(console: Client, desk: App, path: str, sentence: str) -> None:
    ran(desk, 1)
    place, _, query = path.partition("?")
    assert console.get(f"{place}/?{query}").status_code == 404
    answer = console.get(f"{place}.json?{query}")
    assert answer.status_code == 404 and sentence in answer.json()["error"]


def test_a_place_that_this_list_never_gave_out(console: Client, desk: App) -> None:
    ran(desk, 1)
    assert console.get(f"{URL}/?after=nonsense").status_code == 404
    assert console.get(f"{URL}.json?after=nonsense").status_code == 400


@pytest.mark.parametrize(
    "node_id", ["a/b c/ü", "节点", "/x/", "a?b#c%d", "<b>&\"'", "..", "x/history"]
)
def test_any_node_id_has_a_page(console: Client, desk: App, node_id: str) -> None:
    execution = ran(desk, 1, node_id=node_id, title=node_id)
    check_view(console, f"/apps/desk/nodes/{quote(node_id, safe='/')}/history/")
    panel = console.get(f"/runs/{execution.run_id}/tracing/{execution.id}/").content.decode()
    assert "This node over time" in panel


def test_a_bound_key_reads_its_app_only(client: Client, desk: App) -> None:
    ran(desk, 1)
    ran(make_app("shop"), 1)
    _, secret = IngestKey.create("bound", app=desk, can_ingest=False, can_read=True)
    headers = {"x-api-key": secret}
    assert client.get(f"{URL}.json", headers=headers).status_code == 200
    other = URL.replace("desk", "shop")
    assert client.get(f"{other}.json", headers=headers).status_code == 404


def test_the_number_of_queries_does_not_grow(
    console: Client, desk: App, django_assert_max_num_queries: Any
) -> None:
    for n in range(30):
        ran(desk, n, version=make_version(desk, n % 3 + 1), inputs={"n": n})
    with django_assert_max_num_queries(8):
        console.get(f"{URL}/")
    with django_assert_max_num_queries(9):
        console.get(f"{URL}/?status=succeeded&version=1")


def test_recorded_nodes_have_a_history(console: Client, record: Any) -> None:
    record("langgraph-openinference")
    run = Run.objects.first()
    assert run is not None
    for execution in NodeExecution.objects.in_run(run.id).visible()[:5]:
        check_view(console, f"/apps/{run.app.slug}/nodes/{quote(execution.node_id)}/history/")
