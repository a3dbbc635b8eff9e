"""Why a run failed: the failing step, and the way down to it."""

from typing import Any

import pytest
from django.test import Client

from nodes.models import NodeExecution
from runs.models import Run
from runs.pages.errors.cause import cause_of, handled_failures
from tests.factories import make_execution, make_run
from tests.pages import check_view, text_of
from tests.runs.failures import failed_step_record, run_record, step_record, store_run

pytestmark = pytest.mark.django_db


def below(parent: NodeExecution, title: str, **fields: Any) -> NodeExecution:
    return make_execution(parent.run, title, parent_id=parent.id, depth=parent.depth + 1, **fields)


def failed_at(culprit: NodeExecution, **fields: Any) -> Run:
    run = culprit.run
    run.status, run.failed_execution, run.failed_title = "failed", culprit.id, culprit.title
    for name, value in fields.items():
        setattr(run, name, value)
    run.save()
    return run


def test_the_chain_names_containers_with_their_iterations() -> None:
    run = make_run(name="Contract review")
    loop = make_execution(run, "Iteration", kind="iteration")
    for n in range(3):
        below(loop, "Classify clause", iteration=str(n))
    agent = below(loop, "Judge", kind="agent", iteration="11")
    culprit = below(
        agent, "Classify clause", iteration="11.2", attempt=3, status="failed", error="Slow down",
        error_type="LimitError",
    )  # fmt: skip
    cause = cause_of(failed_at(culprit))
    assert cause is not None and cause.failed is not None
    assert str(cause) == (
        "Contract review › Iteration, iteration 12 › Judge › Classify clause, #3, attempt 3:"
        " LimitError"
    )
    assert (cause.error, cause.failed.execution) == ("Slow down", culprit)


def test_loops_in_loops() -> None:
    run = make_run(name="Report")
    outer = make_execution(run, "Chapters", kind="loop")
    inner = below(outer, "Pages", kind="iteration", iteration="1")
    culprit = below(inner, "Draft", iteration="1.4", status="failed", error="boom")
    assert (
        str(cause_of(failed_at(culprit)))
        == "Report › Chapters, iteration 2 › Pages, iteration 5 › Draft: boom"
    )


def test_only_a_failed_run_has_a_cause() -> None:
    for status in ("succeeded", "partial-succeeded", "running", "stopped"):
        assert cause_of(make_run(status=status)) is None


def test_a_run_in_which_no_step_failed_says_what_it_says_itself(console: Client) -> None:
    run = make_run(status="failed", error="Recursion limit reached")
    cause = cause_of(run)
    assert cause is not None and cause.failed is None and not cause.chain
    assert str(cause) == "support-desk: Recursion limit reached"
    page = text_of(check_view(console, f"/runs/{run.id}/"))
    assert "The run failed: Recursion limit reached" in page


def test_a_failing_step_that_has_gone_is_no_error(console: Client) -> None:
    run = make_run(status="failed", error="boom")
    culprit = make_execution(run, status="failed")
    failed_at(culprit)
    culprit.delete()
    assert "The run failed: boom" in text_of(check_view(console, f"/runs/{run.id}/"))


def test_parents_that_go_round_end() -> None:
    """No producer's tree does, but a page must never hang."""
    run = make_run()
    first = make_execution(run, "One", status="failed", error="x")
    other = make_execution(run, "Other", parent_id=first.id)
    first.parent_id = other.id
    first.save()
    cause = cause_of(failed_at(first))
    assert cause is not None and len(cause.chain) <= 60


def test_deep_trees_take_one_query(django_assert_num_queries: Any) -> None:
    run = make_run()
    deepest = make_execution(run, "0")
    for n in range(1, 40):
        deepest = below(deepest, str(n), status="failed", error="boom")
    failed_at(deepest)
    with django_assert_num_queries(1):
        cause = cause_of(run)
    assert cause is not None and [link.title for link in cause.chain] == [str(n) for n in range(40)]


def test_the_run_page_names_step_chain_and_type_first(console: Client) -> None:
    run = store_run(
        run_record("failed"),
        step_record("each", 0, 9, title="Each clause", kind="iteration", parent_source_id="run",
             status="failed"),
        *(step_record(f"s{n}", 0, 1, title="Classify", parent_source_id="each",
               status="succeeded") for n in range(4)),
        failed_step_record("Slow down", title="Classify", parent_source_id="each",
                    error_type="RateLimitError"),
    )  # fmt: skip
    for tab in ("", "detail/", "tracing/"):
        page = text_of(check_view(console, f"/runs/{run.id}/{tab}"))
        assert "Classify failed: Slow down" in page
        assert "Each clause, iteration 5 › Classify: RateLimitError" in page


def test_a_missing_parent_is_shown(console: Client) -> None:
    run = store_run(failed_step_record("boom", parent_source_id="never-sent"))
    cause = cause_of(run)
    assert cause is not None and cause.parent_missing
    assert "parent not received" in text_of(check_view(console, f"/runs/{run.id}/"))


def test_handled_failures_are_named_beside(console: Client) -> None:
    run = store_run(
        run_record("succeeded"),
        failed_step_record("no stock", error_type="StockError", handled=True),
        step_record("after", 9, 10, parent_source_id="run", status="succeeded"),
    )
    assert [link.title for link in handled_failures(run)] == ["Look up"]
    page = text_of(check_view(console, f"/runs/{run.id}/"))
    assert "1 step failed and was handled; the run continued: Look up StockError" in page
    assert list(handled_failures(make_run())) == []
