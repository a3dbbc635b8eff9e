"""Going on from one answer of a search to the next, and searching among filtered runs."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from runs.models import Run
from runs.search import candidates as candidates_
from runs.search import find, finding, parse_text
from tests.factories import make_app, make_execution, make_run
from tests.runs.search.searching import search

pytestmark = pytest.mark.django_db


def test_the_walk_finds_each_run_once(ready: Callable[[], None], monkeypatch: Any) -> None:
    monkeypatch.setattr(candidates_, "FIRST", 7)
    monkeypatch.setattr(candidates_, "AT_ONCE", 5)
    now = timezone.now()
    wanted = set()
    for number in range(60):
        # Many begin in the same microsecond.
        run = make_run(started_at=now - timedelta(seconds=number // 9))
        make_execution(run, inputs={"text": "needle" if number % 3 else "hay"})
        wanted |= {run.pk} if number % 3 else set()
    ready()
    met: list[Any] = []
    after = "-"
    while after:
        found = search("needle", after.strip("-"), size=4)
        assert len(found.rows) <= 4
        met += [(run.started_at, run.pk) for run in found.rows]
        after = found.next
        assert found.finished == (not after) and (found.looked_until is None) == found.finished
    assert met == sorted(met, reverse=True)
    assert [pk for _, pk in met] and {pk for _, pk in met} == wanted and len(met) == len(wanted)


def test_time_that_is_used_up_leads_on(ready: Callable[[], None], monkeypatch: Any) -> None:
    monkeypatch.setattr(finding, "BUDGET", -1)
    monkeypatch.setattr(candidates_, "FIRST", 3)
    run = make_run(started_at=timezone.now() - timedelta(days=9))
    make_execution(run, inputs={"text": "needle"})
    for number in range(10):
        make_execution(make_run(started_at=timezone.now() - timedelta(hours=number)), "Hay")
    ready()
    after, turns, rows = "", 0, []
    while turns == 0 or after:
        found = search("needle", after)
        rows += found.rows
        after, turns = found.next, turns + 1
        assert turns < 40
    assert rows == [run] and turns > 1


def test_other_filters_hold(ready: Callable[[], None], monkeypatch: Any) -> None:
    monkeypatch.setattr(candidates_, "AT_ONCE", 4)
    one = make_run("billing")
    make_execution(one, inputs={"text": "needle"})
    for _ in range(12):
        make_execution(make_run("support"), inputs={"text": "needle"})
    ready()
    billing = Run.objects.for_app(make_app("billing"))
    found = find(billing, parse_text("needle"))
    assert found.rows == [one] and found.finished
    since = timezone.now() - timedelta(minutes=1)
    assert find(billing, parse_text("needle"), since=since).rows == []
    until = one.started_at
    earlier = billing.started_between(None, until)
    assert find(earlier, parse_text("needle"), until=until).rows == []
    until += timedelta(microseconds=1)
    assert find(billing, parse_text("needle"), since=one.started_at, until=until).rows == [one]
