"""Every list is read from an index in its order, however many runs there are."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from runs.models import Conversation
from tests.conftest import shared_rows
from tests.factories import make_app, make_conversation, make_execution, make_run, make_version

LISTS = [
    "/runs/",
    "/runs/?order=started_at",
    "/runs/?order=-duration",
    "/runs/?order=-cost",
    "/runs/?order=-tokens",
    "/runs/?since=24h",
    "/runs/?status=failed",
    "/runs/?status=failed&status=stopped",
    "/runs/?user=u1",
    "/runs.json?source=otlp",
    "/runs/?q=status:failed,stopped+tokens:<9",
    "/runs/?q=-status:succeeded+user:u1",
    "/runs/?q=errorgroup:5a0c6a3e-9f0b-5c39-8f6e-2f7d1c0b4e55",
    "/runs/?facets=1",
    "/runs/?facets=1&q=status:failed",
    "/apps/desk/",
    "/apps/desk/?status=failed",
    "/apps/desk/?version=1",
    "/apps/desk/conversations/",
    "/apps/desk/versions/",
    "/apps/desk/graph/?node=answer&tab=history",
    "/errors/",
    "/apps/desk/errors/?since=24h",
    "/apps/desk/nodes/",
    "/apps/desk/nodes/answer/history/",
    "/apps/desk/nodes/answer/history/?status=failed&version=1",
    "/admin/runs/run/",
    "/admin/nodes/nodeexecution/",
    "/admin/nodes/payload/",
]
# What grows with the runs, as opposed to apps, versions and keys.
LARGE = "runs_run|runs_conversation|nodes_nodeexecution|nodes_payload"
ORDER_BY = re.compile(rf'\A(?:(?! FROM ).)* FROM "(?:{LARGE})".*ORDER BY', re.DOTALL)
SCANS = re.compile(rf"SCAN (?:{LARGE})(?! USING)|Seq Scan on (?:{LARGE})\b")
# Rows of the same time may be sorted by their ids.
SORTS = re.compile(r"TEMP B-TREE FOR ORDER BY|(?<!Incremental )Sort  ")


@pytest.fixture(scope="module")
def busy_desk(django_db_setup, django_db_blocker):
    with shared_rows(django_db_blocker):
        yield make_busy_desk()


@pytest.fixture
def desk(busy_desk, db):
    return busy_desk


def make_busy_desk():
    app = make_app("desk")
    now = timezone.now()
    for n in range(150):
        run = make_run(
            app,
            inputs_preview=str(n),
            status=("failed", "succeeded", "stopped")[n % 3],
            started_at=now - timedelta(minutes=n // 4),  # ties
            duration_us=None if n % 7 == 0 else n,
            user=f"u{n % 5}",
            version=make_version(app, n % 2 + 1),
        )
    make_execution(run, "Answer")
    make_conversation(app)
    return app


def plans(queries):
    """Yield (statement, plan) of each SQL statement that lists a large table."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":  # with few rows it would rather read them all
            for method in ("seqscan", "sort", "bitmapscan"):
                cursor.execute(f"SET LOCAL enable_{method} = off")
        explain = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
        for sql in queries:
            if ORDER_BY.search(sql):
                cursor.execute(f"{explain} {sql}")
                yield sql, "\n".join(str(row[-1]) for row in cursor.fetchall())


@pytest.mark.parametrize("url", LISTS)
@pytest.mark.usefixtures("desk")
def test_is_served_by_an_index(console, url):
    statements = []
    while url and len(statements) < 60:  # also pages that begin at a cursor
        with CaptureQueriesContext(connection) as captured:
            answer = console.get(url)
        assert answer.status_code == 200
        statements += [query["sql"] for query in captured.captured_queries]
        deeper = re.search(r'href="(\?[^"]*after=[^"]*)"', answer.content.decode())
        url = deeper and url.partition("?")[0] + deeper[1].replace("&amp;", "&")
    explained = list(plans(statements))
    assert explained
    for sql, plan in explained:
        assert not SCANS.search(plan), f"{sql}\n{plan}"
        assert not SORTS.search(plan), f"{sql}\n{plan}"


@pytest.mark.usefixtures("desk")
def test_statistics_do_not_mislead_the_planner(console):
    """ANALYZE once made SQLite begin with the apps and sort all runs."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    test_is_served_by_an_index(console, "/runs/")


@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize("order", ["-started_at", "started_at", "-duration"])
def test_several_statuses_page_as_one_list(console, order):
    runs, url = [], f"/runs.json?status=failed&status=stopped&order={order}"
    while url:
        answer = console.get(url[url.index("/runs") :]).json()
        runs += answer["runs"]
        url = answer["next"]
    assert len({run["id"] for run in runs}) == len(runs) == 100
    field = order.lstrip("-").replace("duration", "duration_us")
    values = [run[field] for run in runs]
    known = [value for value in values if value is not None]
    assert values[: len(known)] == known == sorted(known, reverse=order.startswith("-"))


def test_a_conversation_is_found_by_its_source(console, desk):
    talk = Conversation.objects.get()
    make_run(desk, conversation=talk, inputs_preview="mine")
    for name in (talk.source_id, talk.pk):
        [run] = console.get(f"/runs.json?conversation={name}").json()["runs"]
        assert run["input_preview"] == "mine"
