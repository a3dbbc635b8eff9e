"""The run as Markdown: fit for a ticket."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client

from nodes.models import NodeExecution
from runs.models import Run
from runs.report import MAX_REPORT, report
from tests.factories import make_execution, make_run

pytestmark = pytest.mark.django_db


def failed_run(error: str = "order A-404 not found") -> Run:
    run = make_run(status="failed", error=error)
    make_execution(run, "Plan", kind="chain")
    culprit = make_execution(
        run, "Look up", kind="tool", status="failed", error=error, inputs={"order_id": "A-404"}
    )
    run.failed_execution, run.failed_title = culprit.id, culprit.title
    run.save()
    return run


def test_why_comes_before_the_way_and_the_totals() -> None:
    text = report(failed_run(), "http://waylog.test")
    order = [
        "# support-desk: Failed",
        "http://waylog.test/runs/",
        "## Why: Look up failed",
        "order A-404 not found",
        "## Inputs of the failing step",
        '"order_id": "A-404"',
        "## The way taken",
        "- Plan [chain] succeeded",
        "- Look up [tool] failed",
        "## Totals",
    ]
    places = [text.find(piece) for piece in order]
    assert -1 not in places and places == sorted(places)


def test_it_is_bounded_and_keeps_failures() -> None:
    run = failed_run("é" * 100_000)
    rows = [
        NodeExecution(
            id=uuid4(), run=run, app=run.app, source_id=f"s{n}", service="s",
            title=f"Step {n} " * 20,
            kind="llm", node_id=f"n{n}", status="failed" if n == 900 else "succeeded", index=10 + n,
            started_at=run.started_at + timedelta(milliseconds=n), duration_us=5,
        )
        for n in range(1000)
    ]  # fmt: skip
    NodeExecution.objects.bulk_create(rows)
    text = report(run)
    assert len(text.encode()) <= MAX_REPORT
    assert "Step 900" in text and "of 200.0 KB" in text and "more lines" in text


def test_values_cannot_break_out_of_their_block() -> None:
    text = report(failed_run("```\n# Not a heading\n````\n\u202egnp"))
    assert "\n`````\n" in text and "\u202e" not in text
    odd = make_run(name="a\n# b <script> `c`")
    assert "# b" not in report(odd).splitlines()[1:] and "\\<script\\>" in report(odd)


def test_a_succeeded_run_tells_input_and_output(client: Client, read_key: str) -> None:
    run = make_run(inputs={"question": "when?"}, outputs="at nine")
    response = client.get(f"/runs/{run.id}.md", headers={"x-api-key": read_key})
    assert response["Content-Type"] == "text/markdown; charset=utf-8"
    text = response.content.decode()
    assert "when?" in text and "at nine" in text and "## Why" not in text


def test_passes_visits_and_closed_groups_are_told() -> None:
    run = make_run()
    loop = make_execution(run, "Each", kind="iteration")
    for n in range(20):
        make_execution(run, "Write", parent_id=loop.id, iteration=str(n))
    make_execution(run, "Route", kind="if-else", taken="refund")
    text = report(run)
    assert "(20 steps inside)" in text and "→ refund" in text
