"""All nodes of an app: which costs most, which takes longest, which fails."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from nodes.aggregates import add_costs, main_currency, percentile
from nodes.models import NodeExecution
from runs.models import App, IngestKey, Run
from runs.pages.nodes import app_nodes as app_nodes
from tests.factories import make_app, make_execution, make_run
from tests.pages import check_view, text_of

URL = "/apps/desk/nodes"


@pytest.fixture
def desk(db: None) -> App:
    return make_app("desk")


def run_of(app: App, ago: int = 5, steps: int = 1) -> Run:
    started = timezone.now() - timedelta(minutes=ago)
    return make_run(app, started_at=started, steps=steps)


def call(run: Run, title: str, cost: str | None = None, **fields: Any) -> NodeExecution:
    fields.setdefault("counted", cost is not None)
    values = {"cost": Decimal(cost), "cost_currency": "USD"} if cost else {}
    return make_execution(run, title, **(values | fields))


def nodes(console: Client, query: str = "") -> list[dict[str, Any]]:
    totals: list[dict[str, Any]] = console.get(f"{URL}.json{query}").json()["nodes"]
    return totals


def test_percentiles_are_those_of_the_nearest_rank() -> None:
    assert [percentile(range(1, 101), part) for part in (50, 95, 100)] == [50, 95, 100]
    assert (percentile([7], 50), percentile([7], 95), percentile([], 50)) == (7, 7, None)


def test_costs_of_several_currencies_are_not_added() -> None:
    costs = add_costs([("USD", Decimal(1)), ("EUR", Decimal(9)), ("USD", Decimal(2)), ("", None)])
    assert costs == {"USD": 3, "EUR": 9} and main_currency(costs) == "USD"
    assert main_currency({"EUR": Decimal(1), "CNY": Decimal(1)}) == "CNY" and not main_currency({})


def test_the_dearest_node_stands_first(console: Client, desk: App) -> None:
    for n in range(4):
        run = run_of(desk, n)
        call(run, "Cheap", "0.01", total_tokens=10)
        call(run, "Dear", "0.03", total_tokens=30)
        call(run, "Agent", "0.04", counted=False, kind="agent")  # repeats the usage of both
        call(run, "Code", kind="code")
    totals = nodes(console)
    assert [node["title"] for node in totals[:2]] == ["Dear", "Cheap"]
    assert totals[0]["costs"] == [{"amount": "0.12", "currency": "USD"}]
    assert [node["cost_percent"] for node in totals] == ["75", "25", None, None]
    assert [node["tokens"] for node in totals] == [120, 40, 0, 0]
    page = text_of(check_view(console, f"{URL}/"))
    assert "4 runs" in page and "75.0 %" in page and page.index("Dear") < page.index("Cheap")


def test_two_clicks_from_the_start_page(console: Client, desk: App) -> None:
    call(run_of(desk), "Dear", "0.03")
    start = {link.get("href") for link in check_view(console, "/").iter("a")}
    assert "/apps/desk/" in start
    app = {link.get("href") for link in check_view(console, "/apps/desk/").iter("a")}
    assert f"{URL}/" in app


@pytest.mark.parametrize(
    ("order", "first"),
    [
        ("-executions", "Often"), ("-failures", "Broken"), ("-p95", "Slow"), ("-p50", "Slow"),
        ("-time", "Slow"), ("-tokens", "Wordy"), ("-cost", "Dear"),
    ],
)  # fmt: skip
def test_orders(console: Client, desk: App, order: str, first: str) -> None:
    run = run_of(desk)
    for _ in range(5):
        call(run, "Often", self_us=1)
    call(run, "Broken", status="failed", self_us=2)
    call(run, "Slow", self_us=9_000_000)
    call(run, "Wordy", "0.001", total_tokens=10_000)
    call(run, "Dear", "0.5", total_tokens=5)
    assert nodes(console, f"?order={order}")[0]["title"] == first
    tree = check_view(console, f"{URL}/?order={order}")
    assert len([th for th in tree.iter("th") if th.get("aria-sort") == "descending"]) == 1


def test_own_times_and_failures(console: Client, desk: App) -> None:
    run = run_of(desk)
    for n in range(100):
        status = ("failed", "exception", "retry", "succeeded")[n] if n < 4 else "succeeded"
        call(run, "Work", self_us=n + 1, duration_us=10**9, status=status)
    call(run, "Plumbing", folded=True)
    [node] = nodes(console)
    assert node["self_us"] == {"p50": 50, "p95": 95, "total": 5050}
    assert (node["executions"], node["failures"]) == (100, 2)
    assert (node["failed"], node["handled"], node["retried"]) == (1, 1, 1)


def test_what_only_the_run_itself_tells_is_counted(console: Client, desk: App) -> None:
    run = run_of(desk)
    call(run, "checkout", "0.09", folded=True, total_tokens=7, kind="workflow")
    call(run, "Step", self_us=1)
    first, second = nodes(console)
    assert (first["node_id"], first["title"], first["cost_percent"]) == (
        None,
        "The run itself",
        "100",
    )
    assert second["title"] == "Step"
    check_view(console, f"{URL}/")


def test_the_window_is_the_newest_runs(
    console: Client, desk: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app_nodes, "MAX_RUNS", 3)
    monkeypatch.setattr(app_nodes, "MAX_STEPS", 10)
    for n in range(5):
        run = run_of(desk, n, steps=4)
        for _ in range(4):
            call(run, f"Of run {n}")
    payload = console.get(f"{URL}.json").json()
    assert (payload["over"]["runs"], payload["over"]["steps"], payload["over"]["older_runs"]) == (
        2,
        8,
        True,
    )
    assert {node["title"] for node in payload["nodes"]} == {"Of run 0", "Of run 1"}
    assert [node["title"] for node in nodes(console, "?until=3m")] == ["Of run 3", "Of run 4"]
    assert "Older runs are not counted" in text_of(check_view(console, f"{URL}/"))


def test_one_run_of_more_steps_than_are_read(
    console: Client, desk: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app_nodes, "MAX_STEPS", 10)
    run = run_of(desk, steps=15)
    for _ in range(15):
        call(run, "Pass")
    payload = console.get(f"{URL}.json").json()
    assert (payload["over"]["steps"], payload["over"]["steps_left_out"]) == (10, True)
    assert "has more steps" in text_of(check_view(console, f"{URL}/"))


def test_more_nodes_than_are_shown(
    console: Client, desk: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app_nodes, "SHOWN", 3)
    run = run_of(desk, steps=5)
    for n in range(5):
        call(run, f"Node {n}")
    assert console.get(f"{URL}.json").json()["nodes_left_out"] == 2
    assert "of 5 nodes are shown" in text_of(check_view(console, f"{URL}/"))


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("order=-colour", "There is no order “-colour”."),
        ("since=soon", "“soon” is not a time"),
        ("node=x", "There is no filter “node”."),
    ],
)
def test_filters_that_cannot_be_applied_are_explained(
    console: Client, desk: App, query: str, sentence: str
) -> None:
    assert sentence in text_of(check_view(console, f"{URL}/?{query}"))
    answer = console.get(f"{URL}.json?{query}")
    assert answer.status_code == 400 and sentence in answer.json()["error"]


def test_an_app_without_runs(console: Client, desk: App) -> None:
    assert "No steps" in text_of(check_view(console, f"{URL}/"))
    assert nodes(console) == []


def test_a_bound_key_reads_its_app_only(client: Client, desk: App) -> None:
    make_app("shop")
    _, secret = IngestKey.create("bound", app=desk, can_ingest=False, can_read=True)
    assert client.get(f"{URL}.json", headers={"x-api-key": secret}).status_code == 200
    other = client.get("/apps/shop/nodes.json", headers={"x-api-key": secret})
    assert other.status_code == 404


def test_the_number_of_queries_does_not_grow(
    console: Client, desk: App, django_assert_max_num_queries: Any
) -> None:
    for n in range(8):
        run = run_of(desk, n, steps=4)
        for m in range(4):
            call(run, f"Node {n} {m}", "0.1")
    with django_assert_max_num_queries(6):  # session, user, app, its conversations, runs, steps
        console.get(f"{URL}/")


def test_recorded_costs_add_up_to_those_of_the_runs(console: Client, record: Any) -> None:
    record("pydantic-ai")
    record("google-adk")
    for app in App.objects.all():
        payload = console.get(f"/apps/{app.slug}/nodes.json").json()
        runs = Run.objects.for_app(app)
        assert payload["tokens"] == sum(run.total_tokens for run in runs)
        cost = sum((run.cost for run in runs if run.cost), Decimal(0))
        assert (
            sum((Decimal(cost_sum["amount"]) for cost_sum in payload["costs"]), Decimal(0)) == cost
        )
