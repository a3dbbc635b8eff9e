"""The run as Markdown: fit for a ticket."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from nodes.models import NodeExecution
from runs.models import ErrorGroup, Run
from runs.pages.run.markdown_report import MAX_REPORT, SHORTEST_REPORT, report
from tests.factories import make_app, make_execution, make_run, make_version

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


def fail(run: Run, culprit: NodeExecution) -> Run:
    run.failed_execution, run.failed_title = culprit.id, culprit.title
    run.save()
    return run


def failed_run(error: str = "order A-404 not found", **fields: Any) -> Run:
    run = make_run(status="failed", error=error, **fields)
    make_execution(run, "Plan", kind="chain")
    culprit = make_execution(
        run, "Look up", kind="tool", status="failed", error=error, inputs={"order_id": "A-404"},
        error_type="LookupError",
    )  # fmt: skip
    return fail(run, culprit)


def steps(run: Run, count: int, failed: int | None = None, **fields: Any) -> list[NodeExecution]:
    rows = [
        NodeExecution(
            id=uuid4(), run=run, app=run.app, source_id=f"s{n}", service="s", kind="llm",
            title=f"Step {n} " * 20, node_id=f"n{n}", index=10 + n, duration_us=5,
            status="failed" if n == failed else "succeeded",
            started_at=run.started_at + timedelta(milliseconds=n), **fields,
        )
        for n in range(count)
    ]  # fmt: skip
    return NodeExecution.objects.bulk_create(rows)


def test_the_cause_comes_before_the_steps_and_the_totals() -> None:
    run = failed_run(inputs={"text": "refund A-404"}, user="u-7")
    text = report(run, "http://waylog.test")
    step = f"http://waylog.test/runs/{run.id}/tracing/{run.failed_execution}"
    order = [
        "# support-desk: Failed",
        "## Why: Look up failed: LookupError",
        "order A-404 not found",
        "- where: support-desk › Look up",
        "- node: `look-up`",
        f"<{step}/>",
        "## Inputs of the failing step",
        '"order_id": "A-404"',
        "## Input of the run",
        "refund A-404",
        "## Path taken",
        "- Plan [chain] succeeded",
        "- Look up [tool] failed",
        "## Totals",
        "- user: u-7",
        f"<http://waylog.test/runs/{run.id}/>",
        f"<http://waylog.test/runs/{run.id}.json>",
        f"<{step}.json>",
        f"<{step}/lineage.json>",
        "<http://waylog.test/llms.txt>",
        "16.0 KB",
    ]
    places = [text.find(piece) for piece in order]
    assert -1 not in places and places == sorted(places), text


def test_the_failing_step_in_its_iteration_and_attempt() -> None:
    run = make_run(status="failed", name="Nightly")
    flow = make_execution(run, "Clauses", kind="iteration", status="failed", duration_us=9)
    culprit = make_execution(
        run, "Classify", parent_id=flow.id, iteration="11", attempt=3, status="failed",
        error="slow down", error_type="RateLimitError", depth=1,
    )  # fmt: skip
    text = report(fail(run, culprit))
    assert "## Why: Classify failed: RateLimitError" in text
    assert "- where: Nightly › Clauses, iteration 12 › Classify, attempt 3" in text


def test_since_when_runs_fail_so() -> None:
    app = make_app()
    group = ErrorGroup.objects.create(app=app, title="Look up")
    began = timezone.now() - timedelta(days=3)
    make_run(
        app, status="failed", error_group=group, started_at=began, version=make_version(app, 4)
    )
    text = report(failed_run(error_group=group, version=make_version(app, 5)), "http://h")
    assert ", version #5" in text
    since = f"first on {began:%Y-%m-%d %H:%M} UTC with version #4"
    assert f"- 2 runs of this app failed like this, {since}: <http://h/errors/{group.pk}/>" in text


def test_it_names_a_run_that_went_well() -> None:
    good = make_run(inputs="x", started_at=timezone.now() - timedelta(hours=1))
    run = failed_run(inputs="x")
    address = f"<http://h/runs/compare.json?a={good.id}&b={run.id}>"
    text = report(run, "http://h")
    assert f"compared with the nearest successful run with the same input: {address}" in text


def test_it_is_bounded_and_keeps_failures() -> None:
    run = failed_run("é" * 100_000, inputs="ü" * 50_000)
    steps(run, 1000, failed=900)
    text = report(run)
    assert len(text.encode()) <= MAX_REPORT
    assert "Step 900" in text and "of 200.0 KB" in text and "more lines" in text
    short = report(run, limit=SHORTEST_REPORT)
    assert len(short.encode()) <= SHORTEST_REPORT
    assert "Step 900" in short and "of 200.0 KB" in short


def test_its_size_can_be_asked_for(console: Client) -> None:
    address = f"/runs/{failed_run('é' * 9_000).id}.md"
    assert len(console.get(f"{address}?limit=4000").content) <= 4_000
    for wrong in ("3999", "16001", "-1", "many"):
        assert console.get(address, {"limit": wrong}).status_code == 400


def test_the_path_to_the_failure_stays_whole() -> None:
    """Ten levels deep, behind thousands of steps, below steps that say they succeeded."""
    run = make_run(status="failed", error="deep")
    steps(run, 3000)
    parent = None
    for level in range(10):
        parent = make_execution(
            run, f"Level {level}", kind="chain", parent_id=parent and parent.id, depth=level,
            index=4000 + level,
        )  # fmt: skip
    assert parent
    parent.status = "failed"
    parent.save()
    text = report(fail(run, parent))
    assert len(text.encode()) <= MAX_REPORT
    lines = [line.strip() for line in text.splitlines()]
    assert all(any(line.startswith(f"- Level {n} [chain]") for line in lines) for n in range(10))
    assert " › ".join(f"Level {n}" for n in range(10)) in text


@pytest.mark.any_database
def test_ten_thousand_steps(django_assert_max_num_queries: Any) -> None:
    run = failed_run()
    steps(run, 10_000, failed=9_000)
    with django_assert_max_num_queries(12):
        text = report(run)
    assert len(text.encode()) <= MAX_REPORT and "Step 9000" in text


def test_a_thousand_iterations_are_summarised() -> None:
    run = make_run(status="failed")
    loop = make_execution(run, "Each", kind="iteration")
    rows = steps(run, 1000, failed=730, parent_id=loop.id, depth=1)
    for n, row in enumerate(rows):
        row.iteration, row.title, row.node_id = str(n), "Write", "write"
    NodeExecution.objects.bulk_update(rows, ["iteration", "title", "node_id"], batch_size=100)
    text = report(fail(run, rows[730]))
    assert "1000 iterations, 1 failed" in text and "- iteration 731 of 1000" in text
    assert "- iteration 500 of" not in text and len(text.encode()) < 6_000


def test_a_hundred_failures_of_their_own() -> None:
    run = failed_run()
    rows = steps(run, 400)
    for row in rows[100:]:
        row.status = "exception"
    NodeExecution.objects.bulk_update(rows, ["status"], batch_size=100)
    text = report(run)
    assert len(text.encode()) <= MAX_REPORT and "- Look up [tool] failed" in text


@pytest.mark.parametrize(
    "text",
    [
        "```\n# Not a heading\n````\n\u202egnp",
        "~~~\n" + "`" * 50,
        "</pre><script>",
        "الطلب ١٧ 退款",
    ],
)
def test_values_cannot_break_out_of_their_block(text: str) -> None:
    markdown = report(failed_run(text))
    fence, _, rest = markdown.partition("LookupError\n\n")[2].partition("\n")
    assert set(fence) == {"`"} and fence not in text
    assert rest.partition(f"\n{fence}\n")[0] == text.replace("\u202e", "")


def test_names_stay_in_their_line() -> None:
    odd = make_run(name="a\n# b <script> `c` [x](y) | 退款")
    markdown = report(odd)
    assert (
        "# b" not in markdown.splitlines()[1:] and "\\<script\\>" in markdown and "退款" in markdown
    )


def test_a_succeeded_run_tells_input_and_output(client: Client, read_key: str) -> None:
    run = make_run(inputs={"question": "when?"}, outputs="at nine")
    response = client.get(f"/runs/{run.id}.md", headers={"x-api-key": read_key})
    assert response["Content-Type"] == "text/markdown; charset=utf-8"
    text = response.content.decode()
    assert "when?" in text and "at nine" in text and "## Why" not in text
    assert f"<http://testserver/runs/{run.id}/tracing.json>" in text


@pytest.mark.parametrize("status", ["running", "paused", "stopped", "failed", "succeeded"])
def test_a_run_of_which_nothing_is_known(status: str) -> None:
    text = report(make_run(status=status))
    assert text.startswith("# support-desk: ") and "- steps: 0" in text
    assert ("No reason was given." in text) == (status == "failed")


def test_a_stalled_run_says_so() -> None:
    run = make_run(status="running", last_seen_at=timezone.now() - timedelta(hours=2))
    assert report(run).startswith("# support-desk: Stalled")


def test_large_and_cut_values_say_so() -> None:
    run = make_run(inputs={"text": "x" * 2_000_000}, outputs="cut")
    run.outputs.cut_of = 5_000_000
    run.outputs.save()
    text = report(run)
    assert len(text.encode()) < 6_000
    assert "of 2.0 MB" in text and "truncated by its producer, from 5.0 MB" in text


def test_iterations_branches_and_collapsed_groups_are_counted() -> None:
    run = make_run()
    loop = make_execution(run, "Each", kind="iteration")
    for n in range(20):
        make_execution(run, "Write", parent_id=loop.id, iteration=str(n))
    make_execution(run, "Route", kind="if-else", taken="refund")
    text = report(run)
    assert "20 iterations (20 steps inside)" in text and "→ refund" in text
