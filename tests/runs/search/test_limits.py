"""A search stops at its limits, goes on from its cursor, and keeps to filtered runs."""

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from django.utils import timezone

from runs.models import Run
from runs.search import find, parse_text
from runs.search.limits import SearchLimits
from tests.factories import make_app, make_execution, make_run
from tests.runs.search.searching import search

pytestmark = pytest.mark.django_db
NO_TIME_LIMIT = float("inf")


def test_paging_finds_each_run_once(ready: Callable[[], None]) -> None:
    limits = SearchLimits(NO_TIME_LIMIT, first_window=7, portion=5)
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
        result = search("needle", after.strip("-"), size=4, limits=limits)
        assert len(result.rows) <= 4
        met += [(run.started_at, run.pk) for run in result.rows]
        after = result.next
        assert result.finished == (not after)
        assert (result.searched_until is None) == result.finished
    assert met == sorted(met, reverse=True)
    assert [pk for _, pk in met] and {pk for _, pk in met} == wanted and len(met) == len(wanted)


def test_a_search_without_time_left_goes_on_from_its_cursor(ready: Callable[[], None]) -> None:
    ticks = count()
    limits = SearchLimits(seconds=0, clock=lambda: next(ticks), first_window=3)
    run = make_run(started_at=timezone.now() - timedelta(days=9))
    make_execution(run, inputs={"text": "needle"})
    for number in range(10):
        make_execution(make_run(started_at=timezone.now() - timedelta(hours=number)), "Hay")
    ready()
    after, searches, rows = "", 0, []
    while searches == 0 or after:
        result = search("needle", after, limits=limits)
        rows += result.rows
        after, searches = result.next, searches + 1
        assert searches < 40
    assert rows == [run] and searches > 1


def test_other_filters_hold(ready: Callable[[], None]) -> None:
    limits = SearchLimits(NO_TIME_LIMIT, portion=4)
    run = make_run("billing")
    make_execution(run, inputs={"text": "needle"})
    for _ in range(12):
        make_execution(make_run("support"), inputs={"text": "needle"})
    ready()
    billing = Run.objects.for_app(make_app("billing"))
    terms = parse_text("needle")
    result = find(billing, terms, limits=limits)
    assert result.rows == [run] and result.finished
    since = timezone.now() - timedelta(minutes=1)
    assert find(billing, terms, since=since, limits=limits).rows == []
    until = run.started_at
    earlier = billing.started_between(None, until)
    assert find(earlier, terms, until=until, limits=limits).rows == []
    until += timedelta(microseconds=1)
    result = find(billing, terms, since=run.started_at, until=until, limits=limits)
    assert result.rows == [run]
