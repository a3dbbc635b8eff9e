"""Ways not taken, in TRACING."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from runs.models import Run
from runs.pages.tracing import branches_not_taken
from tests.factories import make_app, make_execution, make_run, make_version
from tests.pages import FRAGMENT, check_fragment, check_page, check_view, text_of


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    cache.clear()


def branched(branch: str, **fields: Any) -> Run:
    """A run of one version: route, then `branch`, then the end."""
    fields = {
        "version": make_version(make_app()),
        "steps": 3,
        "started_at": timezone.now(),
    } | fields
    run = make_run(**fields)
    for number, title in enumerate(("Route", branch, "End")):
        make_execution(run, title, kind="if-else" if number == 0 else "llm", duration_us=1000,
                       started_at=run.started_at + timedelta(seconds=number),
                       ended_at=run.started_at + timedelta(seconds=number, microseconds=1000),
                       hints="{}")  # fmt: skip
    return run


def tracing(run: Run) -> str:
    return f"/runs/{run.id}/tracing/"


def lines(tree: Any) -> list[str]:
    return [text_of(row) for row in tree.findall(".//tr[@class='not-taken']")]


def test_below_a_branch_stands_where_the_run_did_not_go(console: Client) -> None:
    branched("Refund")
    branched("Ask back")
    run = branched("Answer")
    tree = check_view(console, tracing(run))
    assert lines(tree) == ["not taken: Ask back, Refund"] or lines(tree) == [
        "not taken: Refund, Ask back"
    ]
    rows = tree.findall(".//tbody/tr")
    assert "Route" in text_of(rows[0]) and rows[1].get("class") == "not-taken"
    (link, _) = rows[1].findall(".//a")
    page = console.get(link.get("href"))
    assert page.status_code == 200 and "not reached" in page.content.decode()


def test_all_spans_and_unfinished_runs_show_no_branches_not_taken(console: Client) -> None:
    branched("Refund")
    run = branched("Answer")
    assert not lines(check_page(console.get(tracing(run) + "?all=1").content.decode()))
    running = branched("Answer", status="running")
    assert not lines(check_page(console.get(tracing(running)).content.decode()))


def test_many_branches_are_counted_not_listed(console: Client) -> None:
    for number in range(12):
        branched(f"Case {number}")
    run = branched("Answer")
    (line,) = lines(check_page(console.get(tracing(run)).content.decode()))
    assert line.endswith("and 4 more") and line.count("Case") == branches_not_taken.SHOWN


def test_hostile_titles_are_text(console: Client) -> None:
    branched("<script>alert(1)</script>\x07")
    run = branched("Answer")
    assert "<script>alert" in lines(check_view(console, tracing(run)))[0]


def test_what_is_slow_is_loaded_afterwards(
    console: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(branches_not_taken, "QUICK_STEPS", 4)
    branched("Refund")
    run = branched("Answer")
    tree = check_page(console.get(tracing(run)).content.decode())
    assert not lines(tree)
    (later,) = tree.findall(".//span[@id='branches-not-taken']")
    assert later.get("hx-trigger") == "load"
    (link,) = later.findall(".//a")
    assert link.get("href") == later.get("hx-get")
    headers = FRAGMENT | {"HX-Target": "tree", "HX-Trigger": "branches-not-taken"}
    response = console.get(later.get("hx-get"), headers=headers)
    tree = check_fragment(response.content.decode())
    assert lines(tree) == ["not taken: Refund"] and "HX-Push-Url" not in response
    assert not tree.findall(".//span[@id='branches-not-taken']")
    # Known by now: opening and closing groups shows it at once.
    assert lines(check_page(console.get(tracing(run)).content.decode()))
    cache.clear()
    assert lines(check_page(console.get(link.get("href")).content.decode()))


def test_a_very_long_run_has_no_lines_for_branches(console: Client) -> None:
    branched("Refund")
    run = branched("Answer", steps=branches_not_taken.MAX_STEPS + 1)
    tree = check_page(console.get(tracing(run)).content.decode())
    assert not lines(tree) and not tree.findall(".//span[@id='branches-not-taken']")


def test_the_number_of_queries_does_not_grow(
    console: Client, django_assert_max_num_queries: Any
) -> None:
    for number in range(20):
        branched(f"Case {number}")
    run = branched("Answer")
    with django_assert_max_num_queries(14):
        console.get(tracing(run))
