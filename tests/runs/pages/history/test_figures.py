"""The time range above the history, its histogram and its sums; their JSON."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from runs.pages.history import figures
from tests.factories import make_run
from tests.pages import FRAGMENT, check_fragment, check_page, text_of

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = "since=2026-11-22&until=2026-11-23"


@pytest.fixture
def day(db):
    """Five runs of one day, two of which failed, and one of another day."""
    for minutes in range(5):
        make_run(
            "desk",
            status="failed" if minutes < 2 else "succeeded",
            started_at=NOON + timedelta(minutes=20 * minutes),
            duration_us=(minutes + 1) * 1_000_000,
            total_tokens=100,
            cost=Decimal("0.25"),
            cost_currency="EUR" if minutes == 4 else "USD",
            cost_state="partly" if minutes == 3 else "priced",
        )
    make_run("desk", started_at=NOON - timedelta(days=3), duration_us=None)


@pytest.mark.usefixtures("day")
def test_sums_as_json(console):
    sums = console.get(f"/runs/sums.json?{DAY}").json()
    over_time = sums.pop("over_time")
    assert sums == {
        "runs": 5, "bounded": False, "failed": 2, "median_us": 3_000_000, "p95_us": 5_000_000,
        "tokens": 500, "runs_without_price": 1,
        "costs": [{"amount": "0.25", "currency": "EUR"}, {"amount": "1", "currency": "USD"}],
    }  # fmt: skip
    assert over_time[0]["since"] == "2026-11-22T00:00:00.000000+00:00"
    assert over_time[-1]["until"] == "2026-11-23T00:00:00.000000+00:00"
    assert len(over_time) == 48
    assert all(a["until"] == b["since"] for a, b in pairwise(over_time))
    bars = [(bar["since"][11:16], bar["runs"], bar["failed"]) for bar in over_time]
    assert [bar for bar in bars if bar[1]] == [("12:00", 2, 2), ("12:30", 1, 0), ("13:00", 2, 0)]
    assert console.get("/runs/sums.json?since=nonsense").status_code == 400
    assert console.get("/runs/sums.json?user=nobody").json()["over_time"] == []


@pytest.mark.usefixtures("day")
@pytest.mark.parametrize(
    "query",
    [DAY, "", "since=2020-01-01&status=failed&status=succeeded", "since=2026-11-22T12:00:01"],
)
def test_every_bar_leads_to_its_runs(console, query):
    answer = console.get(f"/runs/?{query}&figures=1", headers=FRAGMENT)
    chart = check_fragment(answer.content.decode()).find(".//*[@class='histogram']")
    links = chart.findall("*")
    total = 0
    for link in links:
        runs, href = int(text_of(link).split(": ")[1].split()[0]), link.get("href")
        if runs:
            answer = console.get(href.replace("/runs/", "/runs.json"))
            assert len(answer.json()["runs"]) == runs
        total += runs
    assert total == len(console.get(f"/runs.json?{query}").json()["runs"])


@pytest.mark.usefixtures("day")
def test_figures_stand_in_the_page_without_script(console):
    page = check_page(console.get(f"/runs/?{DAY}").content.decode())
    link = page.find(".//p[@id='figures']/a")
    page = check_page(console.get(link.get("href")).content.decode())
    text = text_of(page.find(".//section[@id='figures']"))
    for words in (
        "Runs5",
        "Failed 2 (40 %)",
        "p503.00 s",
        "p955.00 s",
        "Tokens500",
        "€0.25 + $1.00+",
    ):
        assert words in text
    rows = page.findall(".//section[@id='figures']//tbody/tr")
    assert text_of(rows[0]) == "Nov 22 12:00 – Nov 22 12:30 2 2"


@pytest.mark.usefixtures("day")
def test_more_runs_than_are_read_are_said(console, monkeypatch):
    monkeypatch.setattr(figures, "MAX_RUNS", 3)
    monkeypatch.setattr(figures, "MAX_SEARCHED_RUNS", 3)
    text = text_of(
        check_fragment(console.get(f"/runs/?{DAY}&figures=1", headers=FRAGMENT).content.decode())
    )
    assert "Runs3+" in text and "Figures of the newest 3 runs; there are more." in text
    sums = console.get(f"/runs/sums.json?{DAY}").json()
    assert sums["bounded"] and sums["over_time"][0]["since"].startswith("2026-11-22T12:40")
    for words in ("status=failed&status=succeeded", "q=-nothing"):
        assert console.get(f"/runs/sums.json?{DAY}&{words}").json()["runs"] == 3


@pytest.mark.usefixtures("day")
def test_figures_take_one_query(console, django_assert_num_queries):
    with django_assert_num_queries(3):  # with session and user
        console.get(f"/runs/?{DAY}&figures=1", headers=FRAGMENT)


def test_the_time_range_keeps_the_other_filters_and_the_order(console):
    make_run("desk", status="failed")
    page = check_page(console.get("/runs/?q=status:failed+since:7d&order=-cost").content.decode())
    choices = page.findall(".//nav[@class='time-range']/a")
    assert [text_of(choice) for choice in choices if choice.get("aria-current")] == ["7 d"]
    day, everything = choices[1].get("href"), choices[-1].get("href")
    assert day == "/runs/?q=status%3Afailed+since%3A24h&order=-cost"
    assert everything == "/runs/?q=status%3Afailed&order=-cost"
    form = page.find(".//nav[@class='time-range']//form")
    assert form.find("input[@name='q']").get("value") == "status:failed"
    assert console.get("/runs/?q=status:failed&since=2026-11-22T09:30").status_code == 200


def test_a_range_of_any_length_has_few_bars(console):
    for range_ in (
        "since=1971-01-01",
        "since=2026-11-22T12:00&until=2026-11-22T12:00:01",
        "since=1h",
        "until=8999-01-01",
    ):
        make_run("desk", started_at=NOON)
        bars = console.get(f"/runs/sums.json?{range_}").json()["over_time"]
        assert len(bars) <= figures.MAX_BARS + 2, range_
