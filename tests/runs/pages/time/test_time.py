"""Where the time of a run went."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from nodes.models import NodeExecution
from runs import samples
from runs.models import IngestKey, Run
from tests.factories import make_app, make_execution, make_run
from tests.pages import check_page, check_view, text_of

SECOND = 1_000_000
DAY = 86_400


def timed(run: Run, title: str, start: float, lasted: float, **fields: Any) -> NodeExecution:
    us = int(lasted * SECOND)
    return make_execution(
        run, title, started_at=run.started_at + timedelta(seconds=start), duration_us=us,
        self_us=us, **fields,
    )  # fmt: skip


def run_of(seconds: float, **fields: Any) -> Run:
    run = make_run(duration_us=int(seconds * SECOND), **fields)
    run.started_at = run.started_at.replace(microsecond=123)
    run.ended_at = run.started_at + timedelta(seconds=seconds)
    run.save()
    return run


def waited() -> Run:
    """Return a run of ten seconds of work and three days of waiting for an approval."""
    run = run_of(3 * DAY + 10)
    timed(
        run,
        "Draft",
        0,
        4,
        outputs={"usage": {"time_to_first_token": 0.75}},
        counted=True,
        total_tokens=900,
        cost=Decimal("0.02"),
        cost_currency="USD",
    )
    timed(run, "Check", 0, 1, kind="code")
    timed(run, "Approve", 4, 3 * DAY, kind="human-input")
    timed(run, "Send", 3 * DAY + 4, 6, kind="http-request", counted=True, cost=Decimal("0.5"))
    return run


def gaps_in(tree: Any) -> list[list[str]]:
    rows = tree.findall(".//section[@aria-labelledby='gaps']//tbody/tr")
    return [[text_of(cell) for cell in row] for row in rows]


def test_time_by_node_and_kind_the_path_and_gaps(console: Client) -> None:
    run = waited()
    tree = check_view(console, f"/runs/{run.id}/time/")
    text = text_of(tree)
    assert "10.0 s, not counting waits for people" in text
    assert "Send 6.00 s 60 % 6.00 s" in text and "Check 1.00 s 10 % 1.00 s" in text
    assert gaps_in(tree) == [["Waiting for a person", "3 d 0 h", "1"]]
    path = [text_of(line) for line in tree.findall(".//ol[@class='path']/li")]
    assert path == [
        "Draft first token after 750 ms 4.00 s",
        "Waiting for a person in Approve 3 d 0 h",
        "Send 6.00 s",
    ]


def test_which_node_costs_most_is_a_click_away(console: Client) -> None:
    run = waited()
    link = check_view(console, f"/runs/{run.id}/time/").find(".//th/a[@href='?sort=cost']")
    tree = check_view(console, f"/runs/{run.id}/time/{link.get('href')}")
    names = [text_of(row.find("th")) for row in tree.find(".//tbody").findall("tr")]
    assert names[:2] == ["Send", "Draft"]
    assert tree.find(".//th[@aria-sort='descending']") is not None


def test_it_is_linked_from_tracing(console: Client) -> None:
    run = waited()
    page = check_page(console.get(f"/runs/{run.id}/tracing/").content.decode())
    links = page.findall(f".//a[@href='/runs/{run.id}/time/']")
    assert [text_of(link) for link in links] == ["3 d 0 h", "Time", "Full breakdown"]


def test_the_waterfall_draws_long_waits_short_and_says_so(console: Client) -> None:
    tree = check_page(console.get(f"/runs/{waited().id}/tracing/").content.decode())
    assert "⫽ 3 d 0 h" in text_of(tree.find(".//span[@class='ruler']"))
    rows = {
        text_of(row.find(".//a[@class='step-name']")): row for row in tree.findall(".//tr[@id]")
    }
    width = float(rows["Send"].get("style").partition("--width: ")[2].rstrip("%"))
    assert 50 < width < 60


def test_the_critical_path_is_marked_on_request_and_stays(console: Client) -> None:
    run = waited()
    plain = console.get(f"/runs/{run.id}/tracing/").content.decode()
    assert "on-path" not in plain and "Mark the critical path" in plain
    tree = check_view(console, f"/runs/{run.id}/tracing/?path=critical")
    marked = {
        text_of(row.find(".//a[@class='step-name']")): "on-path" in row.get("class", "")
        for row in tree.findall(".//tr[@id]")
    }
    assert marked == {"Draft": True, "Check": False, "Approve": True, "Send": True}
    outer = make_execution(run, "Outer", kind="agent", index=9)
    NodeExecution.objects.filter(run=run).exclude(id=outer.id).update(parent_id=outer.id, depth=1)
    tree = check_view(console, f"/runs/{run.id}/tracing/?path=critical")
    assert "on-path" in tree.find(".//tr[@id='x-" + outer.id.hex[-8:] + "']").get("class", "")
    assert "path=critical" in tree.find(".//a[@class='step-name']").get("href")


def test_a_gap_says_why_nothing_ran(console: Client) -> None:
    run = run_of(10)
    timed(run, "Call", 0, 1, status="retry", error="429")
    timed(run, "Call", 6, 4, attempt=2)
    text = text_of(check_page(console.get(f"/runs/{run.id}/tracing/").content.decode()))
    assert "Before another attempt: 5.00 s" in text
    gaps = gaps_in(check_view(console, f"/runs/{run.id}/time/"))
    assert gaps == [["Before another attempt", "5.00 s", "1"]]
    path = console.get(f"/runs/{run.id}/time.json").json()["path"]
    assert [line["rate_limited"] for line in path] == [False, True, False]


@pytest.mark.parametrize(
    "fields", [{"status": "running"}, {"status": "failed", "duration_us": None}]
)
def test_runs_without_steps_or_end_have_a_page(console: Client, fields: dict[str, Any]) -> None:
    run = make_run(**fields)
    assert "No steps were reported" in text_of(check_view(console, f"/runs/{run.id}/time/"))
    make_execution(run, "中文 <b>", duration_us=None, status="running", started_at=None)
    assert "中文 <b>" in text_of(check_view(console, f"/runs/{run.id}/time/?sort=nothing"))


@pytest.mark.any_database
def test_ten_thousand_steps_are_a_small_page(
    console: Client, django_assert_max_num_queries: Any
) -> None:
    run = run_of(10_000)
    NodeExecution.objects.bulk_create(
        [
            NodeExecution(
                id=uuid4(), run=run, app=run.app, source_id=str(n), service="s", title=f"Step {n}",
                kind="llm", node_id=f"node-{n % 500}", status="succeeded", index=n,
                started_at=run.started_at + timedelta(seconds=n), duration_us=900_000,
                self_us=900_000, counted=True, total_tokens=1,
            )
            for n in range(10_000)
        ],
        batch_size=500,
    )  # fmt: skip
    with django_assert_max_num_queries(14):
        response = console.get(f"/runs/{run.id}/time/")
    assert len(response.content) < 200_000
    assert "Only the first 100 of 500 nodes" in text_of(check_page(response.content.decode()))


def test_the_twin_adds_up(client: Client, read_key: str) -> None:
    run = waited()
    key = {"x-api-key": read_key}
    data = client.get(f"/runs/{run.id}/time.json?sort=cost", headers=key).json()
    assert data["nodes"][0]["key"] == "send" and data["nodes"][0]["cost"] == "0.5"
    assert sum(part["duration_us"] for part in data["path"]) == data["duration_us"]
    assert data["worked_us"] == 10 * SECOND and data["steps_left_out"] is False
    assert data["gaps"] == [
        {"name": "waiting for a person", "duration_us": 3 * DAY * SECOND, "times": 1}
    ]
    bad = client.get(f"/runs/{run.id}/time.json?sort=beauty", headers=key)
    assert bad.status_code == 400 and "must be one of own" in bad.json()["error"]
    assert client.get(f"/runs/{uuid4()}/time.json", headers=key).status_code == 404
    assert client.get(f"/runs/{run.id}/time.json").status_code == 401


def test_a_bound_key_reads_its_own_app_only(client: Client, db: None) -> None:
    run = waited()
    other = make_app("other")
    secret = IngestKey.create("bound", can_ingest=False, can_read=True, app=other)[1]
    for end in ("time.json", f"tracing/{uuid4()}/passes.json"):
        assert client.get(f"/runs/{run.id}/{end}", headers={"x-api-key": secret}).status_code == 404


@pytest.mark.parametrize(
    "app", ["contract-review", "research-agent", "invoice-intake", "support-chat"]
)
def test_sample_runs_tell_where_their_time_went(console: Client, app: str) -> None:
    samples.load(limit=2)
    run = Run.objects.filter(app__slug=app, ended_at__isnull=False).first()
    assert run
    data = console.get(f"/runs/{run.id}/time.json").json()
    assert sum(part["duration_us"] for part in data["path"]) == data["duration_us"]
    check_view(console, f"/runs/{run.id}/time/")
    check_view(console, f"/runs/{run.id}/tracing/?path=critical")
