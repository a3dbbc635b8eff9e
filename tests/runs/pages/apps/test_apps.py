"""The apps page, versions, and their JSON."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from runs.models import App
from runs.pages.apps.overview import overview
from tests.factories import make_app, make_run, make_version
from tests.pages import check_page, check_view, text_of

HOSTILE = "<script>alert(1)</script></textarea>\u202e"


def test_without_apps_the_page_says_how_to_connect_a_producer(console):
    page = check_page(console.get("/", headers={"host": "127.0.0.1:8123"}).content.decode())
    text = text_of(page)
    assert "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:8123" in text
    assert 'OTEL_EXPORTER_OTLP_HEADERS="x-api-key=<key>"' in text


def test_page_fragment_and_restore(console):
    make_run("one")
    make_run("two", status="failed", error="quota", failed_title="Model")
    tree = check_view(console, "/")
    assert [link.text for link in tree.findall(".//a[@class='app-name']")] == ["two", "one"]


def test_a_square_for_each_of_the_last_twenty_runs_newest_right(console):
    now = timezone.now()
    runs = [make_run("desk", started_at=now - timedelta(days=n)) for n in range(23)]
    make_run("other")
    tree = check_page(console.get("/").content.decode())
    strips = tree.findall(".//ol[@class='strip']")
    links = [link.get("href") for link in strips[0].iter("a")] or []
    if len(links) == 1:  # the other app was active last
        links = [link.get("href") for link in strips[1].iter("a")]
    assert links == [run.get_absolute_url() for run in reversed(runs[:20])]


def test_the_cost_leads_to_what_each_node_cost(console):
    make_run("desk", cost=Decimal("0.25"), cost_currency="USD")
    tree = check_page(console.get("/").content.decode())
    assert "/apps/desk/nodes/?since=24h" in [link.get("href") for link in tree.iter("a")]


@pytest.mark.django_db
def test_figures_of_today_and_of_the_last_24_hours(time_machine):
    time_machine.move_to("2026-11-22T12:00:00Z", tick=False)
    now = timezone.now()
    for n in range(100):
        make_run("desk", started_at=now - timedelta(minutes=n), duration_us=n + 1, total_tokens=10)
    make_run("desk", status="failed", cost=Decimal("0.25"), cost_currency="USD", duration_us=None)
    make_run("desk", started_at=now - timedelta(hours=20), cost=Decimal("1"), cost_currency="EUR",
             duration_us=None)  # fmt: skip
    make_run("desk", started_at=now - timedelta(hours=30), total_tokens=10**6)
    [row] = overview(list(App.objects.by_activity()))
    assert (row.runs_today, row.failures_today) == (101, 1)
    assert row.tokens == 1000
    assert row.p95_us == 95
    assert row.costs == {"USD": Decimal("0.25"), "EUR": Decimal("1")}


def test_the_number_of_queries_does_not_grow(console, django_assert_max_num_queries):
    for n in range(8):
        for _ in range(3):
            make_run(f"app-{n}")
    with django_assert_max_num_queries(7):  # session, user, apps, three figures
        console.get("/")


def test_sample_apps_can_be_removed_from_here(console):
    make_app("sample", is_sample=True)
    assert b"Remove the samples" in console.get("/").content


def test_hostile_names_are_escaped(console):
    make_run(make_app(HOSTILE, slug="bad"), failed_title=HOSTILE, status="failed")
    check_view(console, "/")


def test_versions(console):
    app = make_app("desk")
    for n in (1, 2):
        make_run(app, version=make_version(app, n))
    make_run(app, version=make_version(app, 2), status="failed")
    make_run(app)
    text = text_of(check_view(console, "/apps/desk/versions/"))
    assert text.index("#2 v2") < text.index("#1 v1")
    assert "1 run in the last 30 days had no version" in text


def test_versions_take_as_many_queries_for_many(console, django_assert_max_num_queries):
    app = make_app("desk")
    for n in range(1, 9):
        make_run(app, version=make_version(app, n))
    with django_assert_max_num_queries(6):
        console.get("/apps/desk/versions/")


@pytest.mark.parametrize("url", ["/apps/none/", "/apps/none/versions/", "/apps/a%00b/"])
def test_an_unknown_app_is_404(console, url):
    response = console.get(url)
    assert response.status_code == 404
    check_page(response.content.decode())


def test_json(client, read_key):
    app = make_app("desk", mode="chatflow")
    run = make_run(app, status="failed", version=make_version(app, 3))
    headers = {"x-api-key": read_key, "host": "localhost:8123"}
    [payload] = client.get("/apps.json", headers=headers).json()["apps"]
    assert payload == client.get("/apps/desk.json", headers=headers).json()
    assert payload["slug"] == "desk" and payload["mode"] == "chatflow"
    assert payload["url"] == "http://localhost:8123/apps/desk/"
    assert payload["versions"] == [{"number": 3, "label": "v3"}]
    assert set(payload["counts"]) == {"runs_today", "failures_today"}
    assert payload["last_run"]["id"] == str(run.id) and payload["last_run"]["status"] == "failed"


def test_json_of_an_app_without_runs(client, read_key):
    make_app("empty")
    payload = client.get("/apps/empty.json", headers={"x-api-key": read_key}).json()
    assert payload["last_run"] is None and payload["counts"]["runs_today"] == 0


def test_an_app_that_its_runs_have_left_is_not_listed(console):
    """The first spans of a run name one app, its root another."""
    make_run("flow")
    make_app("n8n")
    make_version(make_app("imported"))
    links = check_view(console, "/").findall(".//a[@class='app-name']")
    assert {link.text for link in links} == {"flow", "imported"}
    listed = console.get("/apps.json").json()["apps"]
    assert {app["slug"] for app in listed} == {"flow", "imported"}
