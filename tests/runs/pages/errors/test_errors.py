"""Kinds of failure: as recorded, listed, looked at, resolved and reopened."""

from datetime import timedelta
from itertools import permutations

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from runs.models import App, ErrorGroup, IngestKey, Run
from runs.pages.errors import groups as error_groups
from runs.recording.storing.store import save_records
from tests.factories import make_app, make_execution, make_run, make_version
from tests.pages import check_view, text_of
from tests.runs.failures import (
    failed_step_record,
    make_failed_run,
    run_record,
    step_record,
    store_run,
)
from tests.runs.pages.history.test_lists_by_index import SCANS, SORTS, plans

DAY = timedelta(days=1)
pytestmark = pytest.mark.django_db

# -- recording -------------------------------------------------------------------------------------


def test_runs_that_fail_alike_are_of_one_group() -> None:
    runs = [
        store_run(
            run_record("failed", trace=f"t{n}"),
            failed_step_record(f"order A-{n} not found", f"t{n}"),
        )
        for n in range(3)
    ]
    other = store_run(
        run_record("failed", trace="u"), failed_step_record("no stock for order A-1", "u")
    )
    assert len({run.error_group_id for run in runs}) == 1
    assert other.error_group_id not in {None, runs[0].error_group_id}
    group = runs[0].error_group
    assert group is not None
    assert (group.app.name, group.title, group.node_id) == ("shop", "Look up", "Look up")
    assert (group.error_type, group.message) == ("LookupError", "order # not found")


def test_another_app_has_its_own_group() -> None:
    run = store_run(failed_step_record("no stock", "a", parent_source_id=None, service="one"))
    other = store_run(failed_step_record("no stock", "b", parent_source_id=None, service="other"))
    assert run.error_group_id != other.error_group_id


def test_a_run_that_turns_out_not_to_have_failed_leaves_its_group() -> None:
    failing = failed_step_record("order A-1 not found")
    assert store_run(failing, run_record("failed")).error_group_id is not None
    Run.objects.all().delete()
    run = store_run(step_record("look-up", 1, 9, title="Look up", status="failed", error="x"))
    assert (run.status, run.error_group_id is None) == ("failed", False)
    run = store_run(step_record("after", 9, 10, status="succeeded"), run_record("succeeded"))
    assert (run.status, run.exceptions, run.error_group_id) == ("partial-succeeded", 1, None)


def test_handled_failures_are_in_no_group() -> None:
    records = [
        run_record("succeeded"), failed_step_record("order A-1 not found", handled=True),
        step_record("after", 9, 10, parent_source_id="run", status="succeeded"),
    ]  # fmt: skip
    assert store_run(*records).error_group_id is None
    assert not ErrorGroup.objects.exists()


def test_order_does_not_matter_to_the_group() -> None:
    records = [
        run_record("failed"),
        failed_step_record("order A-1 not found"),
        step_record(
            "inner", 2, 8, title="Query", parent_source_id="look-up", status="failed", error="x"
        ),
    ]
    groups = set()
    for order in permutations(records):
        groups.add(store_run(*order).error_group_id)
        Run.objects.all().delete()
    assert len(groups) == 1
    assert ErrorGroup.objects.get(pk=groups.pop()).title == "Query"


def test_a_run_without_a_failed_step_is_known_by_what_it_says_itself() -> None:
    run = store_run(run_record("failed"))
    run_id = run.id
    assert run.error_group is not None and run.error_group.message == ""
    record = run_record("failed")
    record.error, record.error_type = "Recursion limit of 25 reached", "RecursionError"
    run = store_run(record)
    assert run.id == run_id and run.error_group is not None
    assert (run.error_group.title, run.error_group.error_type) == ("", "RecursionError")
    assert run.error_group.message == "Recursion limit of # reached"


def test_errors_of_megabytes_and_in_any_script_are_recorded() -> None:
    for n, error in enumerate(["订单“A-17”不存在" * 100_000, "\x00\ud800" * 500, "'" * 1_000_000]):
        run = store_run(failed_step_record(error, f"t{n}", parent_source_id=None))
        assert run.error_group is not None and len(run.error_group.message) <= 400


def test_stored_runs_get_the_group_that_recording_would_give() -> None:
    migration = __import__("runs.migrations.0005_group_errors", fromlist=["group_errors"])
    for n in range(3):
        save_records(
            [
                run_record("failed", trace=f"t{n}"),
                failed_step_record(f"order A-{n} not found", f"t{n}"),
            ]
        )
    own = run_record("failed", trace="own")
    own.error, own.error_type = "Recursion limit of 25 reached", "RecursionError"
    save_records([own])
    save_records([run_record("succeeded", trace="good")])
    expected = dict(Run.objects.values_list("id", "error_group_id"))
    Run.objects.update(error_group=None)
    ErrorGroup.objects.all().delete()
    migration.group_errors(apps, connection.schema_editor())
    assert dict(Run.objects.values_list("id", "error_group_id")) == expected
    assert ErrorGroup.objects.count() == 2


# -- the list --------------------------------------------------------------------------------------


def test_groups_are_listed_the_one_that_failed_last_first(console: Client) -> None:
    for n in range(3):
        make_failed_run(error=f"order A-{n} not found", ago=DAY * (n + 1))
    make_failed_run(error="no stock", node="reserve", error_type="StockError", ago=DAY / 24)
    make_run(status="succeeded")
    page = text_of(check_view(console, "/errors/"))
    assert "2 error groups in 4 failed runs" in page
    assert page.index("Reserve StockError no stock") < page.index("Look-up LookupError order #")
    payload = console.get("/errors.json").json()
    assert [(group["message"], group["runs"]) for group in payload["errors"]] == [
        ("no stock", 1), ("order # not found", 3),
    ]  # fmt: skip
    assert payload["next"] is None and payload["read"] == {"failures": 4, "complete": True}


def test_the_version_in_which_the_failure_began_is_shown(console: Client) -> None:
    app = make_app()
    versions = [make_version(app, n) for n in (1, 2, 3)]
    make_run(app, version=versions[0], started_at=timezone.now() - 9 * DAY)
    make_failed_run(app, "old trouble", version=versions[1], ago=5 * DAY)
    make_failed_run(app, "old trouble", version=versions[2], ago=2 * DAY)
    make_failed_run(app, "new trouble", version=versions[2], ago=DAY)
    new, old = console.get("/errors.json").json()["errors"]
    assert (new["since_version"]["number"], new["new_in_newest_version"]) == (3, True)
    assert (old["since_version"]["number"], old["new_in_newest_version"]) == (2, False)
    assert [(entry["version"]["number"], entry["runs"]) for entry in old["versions"]] == [
        (3, 1),
        (2, 1),
    ]
    assert text_of(check_view(console, "/errors/")).count("New in version 3") == 1
    page = text_of(check_view(console, f"/errors/{old['id']}/"))
    assert "#2 v2 began here 1" in page and "#1 v1 0 no such failure" in page
    assert "since version 2" in page


def test_the_first_version_of_an_app_is_no_news(console: Client) -> None:
    make_failed_run(version=make_version(make_app(), 1))
    assert "New in version" not in text_of(check_view(console, "/errors/"))


def test_a_window_and_an_app_narrow_the_list(console: Client) -> None:
    make_failed_run("desk", "old", ago=10 * DAY)
    make_failed_run("desk", "recent", ago=DAY)
    make_failed_run("shop", "elsewhere", ago=DAY)

    def messages(path: str) -> list[str]:
        return [group["message"] for group in console.get(path).json()["errors"]]

    assert messages("/errors.json?since=2d&app=desk") == ["recent"]
    assert messages("/errors.json?until=2d") == ["old"]
    assert messages("/apps/desk/errors.json") == ["recent", "old"]
    assert "elsewhere" not in text_of(check_view(console, "/apps/desk/errors/?since=30d"))


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("since=yesterday", "“yesterday” is not a time"),
        ("state=gone", "There is no state “gone”."),
        ("since=1h&until=2h", "there is no time between them"),
        ("colour=red", "There is no filter “colour”."),
        ("app=nobody", "There is no app “nobody”."),
        ("app=%00", "NUL"),
    ],
)
def test_filters_that_cannot_be_applied_are_explained(
    console: Client, query: str, sentence: str
) -> None:
    assert sentence in text_of(check_view(console, f"/errors/?{query}"))
    answer = console.get(f"/errors.json?{query}")
    assert answer.status_code == 400 and sentence in answer.json()["error"]


def test_more_failures_than_are_read_are_a_link_away(
    console: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(error_groups, "MAX_FAILURES", 3)
    for n in range(5):
        make_failed_run(error="often", ago=timedelta(hours=n))
    make_failed_run(error="rare", ago=3 * DAY)
    first = console.get("/errors.json").json()
    assert [group["runs"] for group in first["errors"]] == [3] and not first["read"]["complete"]
    second = console.get(first["next"]).json()
    assert [(group["message"], group["runs"]) for group in second["errors"]] == [
        ("often", 2),
        ("rare", 1),
    ]
    assert second["next"] is None
    assert "Older failures" in text_of(check_view(console, "/errors/"))


def test_more_groups_than_are_shown_are_a_link_away(
    console: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(error_groups, "MAX_GROUPS", 2)
    for n, error in enumerate(["one", "two", "three"]):
        make_failed_run(error=error, ago=timedelta(hours=n + 1))
    first = console.get("/errors.json").json()
    assert [group["message"] for group in first["errors"]] == ["one", "two"]
    second = console.get(first["next"]).json()
    assert [group["message"] for group in second["errors"]] == ["three"]


def test_the_number_of_queries_does_not_grow(
    console: Client, django_assert_max_num_queries
) -> None:
    for n in range(12):
        make_failed_run(f"app-{n}", "trouble", version=make_version(make_app(f"app-{n}"), 1))
        for _ in range(3):
            run = make_failed_run("app-0", "trouble", version=make_version(make_app("app-0"), 1))
    with django_assert_max_num_queries(
        7
    ):  # session, user, apps, failures, groups, versions, newest
        console.get("/errors/")
    with django_assert_max_num_queries(16):
        console.get(f"/errors/{run.error_group_id}/")


def test_hostile_text_stays_text(console: Client) -> None:
    for error in ("<script>alert(1)</script>", "\u202etxt.exe\x07\x1b[31m", "مرحبا ١٢٣", ""):
        run = make_failed_run(error=error, node="<b>", error_type="</code><i>")
        check_view(console, f"/errors/{run.error_group_id}/")
        check_view(console, f"/runs/{run.id}/")
    assert "<b>" not in console.get("/errors/").content.decode().partition("errors-table")[2][
        :200
    ].replace('<b dir="auto">', "")
    check_view(console, "/errors/")


# -- one group -------------------------------------------------------------------------------------


def test_a_group_shows_its_runs_and_what_to_compare_with(console: Client) -> None:
    app = make_app()
    good = make_run(app, started_at=timezone.now() - 2 * DAY)
    well = make_execution(good, "Look-up", node_id="look-up", kind="tool")
    make_failed_run(app, "order A-1 not found", ago=DAY)
    run = make_failed_run(app, "order A-2 not found", ago=DAY / 2)
    url = f"/errors/{run.error_group_id}/"
    html = console.get(url).content.decode()
    page = text_of(check_view(console, url))
    assert "Look-up failed: LookupError" in page and "order # not found" in page
    assert "order A-2 not found" in page and "2 runs failed like this" in page
    assert f"/runs/{run.id}/tracing/{run.failed_execution}/" in html
    assert f"/runs/{good.id}/tracing/{well.id}/" in html
    payload = console.get(url.rstrip("/") + ".json").json()
    assert payload["newest_error"] == "order A-2 not found" and payload["runs"] == 2
    assert payload["compare"]["good_run"] == str(good.id)
    assert console.get(payload["compare"]["url"]).status_code == 200
    assert payload["node_successes"][0]["execution"] == str(well.id)
    assert len(console.get(payload["all_runs"]).json()["runs"]) == 2


def test_a_group_that_its_runs_have_left(console: Client) -> None:
    run = make_failed_run()
    Run.objects.all().delete()
    assert "No runs left" in text_of(check_view(console, f"/errors/{run.error_group_id}/"))
    assert console.get("/errors.json").json()["errors"] == []


def test_an_unknown_group_is_a_404_with_a_sentence(console: Client) -> None:
    url = "/errors/00000000-0000-0000-0000-000000000000"
    assert console.get(f"{url}/").status_code == 404
    assert console.get(f"{url}.json").json()["error"] == "There is no such error group."


def test_a_bound_key_reads_the_errors_of_its_app_only(client: Client) -> None:
    run, other = make_failed_run("desk", "mine"), make_failed_run("shop", "theirs")
    _, secret = IngestKey.create(
        "bound", app=App.objects.get(slug="desk"), can_ingest=False, can_read=True
    )
    headers = {"x-api-key": secret}
    payload = client.get("/errors.json", headers=headers).json()
    assert [group["message"] for group in payload["errors"]] == ["mine"]
    assert client.get("/errors.json?app=shop", headers=headers).status_code == 400
    assert client.get(f"/errors/{run.error_group_id}.json", headers=headers).status_code == 200
    assert client.get(f"/errors/{other.error_group_id}.json", headers=headers).status_code == 404
    assert client.get("/apps/shop/errors.json", headers=headers).status_code == 404


# -- resolving -------------------------------------------------------------------------------------


def state_of(console: Client, run: Run) -> str:
    state: str = console.get(f"/errors/{run.error_group_id}.json").json()["state"]
    return state


def test_resolved_and_reopened_by_a_run_that_starts_later(console: Client) -> None:
    run = make_failed_run()
    url = reverse("error-resolve", args=[run.error_group_id])
    assert console.get(url).status_code == 405
    for _ in range(2):  # twice is as once
        page = console.post(url, {"to": "resolved"}, follow=True)
        assert "Marked as resolved" in page.content.decode()
    assert state_of(console, run) == "resolved"
    group = ErrorGroup.objects.get()
    assert group.resolved_by is not None and group.resolved_by.get_username() == "admin"
    [payload] = console.get("/errors.json?state=all").json()["errors"]
    assert (payload["resolved_by"], payload["all_runs"][-10:]) == ("admin", str(group.pk)[-10:])
    assert "Resolved by admin" in text_of(check_view(console, "/errors/?state=all"))
    assert "No open errors" in text_of(check_view(console, "/errors/"))
    assert "Resolved" in text_of(check_view(console, "/errors/?state=resolved"))
    make_failed_run(ago=timedelta(minutes=1))  # began before it was mended, arrives now
    assert state_of(console, run) == "resolved"
    make_failed_run(ago=timedelta(seconds=-1))
    assert state_of(console, run) == "reopened"
    assert "Reopened" in text_of(check_view(console, "/errors/"))
    assert console.get("/errors.json?state=resolved").json()["errors"] == []
    console.post(url, {"to": "resolved"})
    assert state_of(console, run) == "resolved"
    console.post(url, {"to": "open"})
    assert state_of(console, run) == "open"
    assert ErrorGroup.objects.get().resolved_at is None


def test_a_group_that_came_back_is_not_resolved_in_an_earlier_stretch(console: Client) -> None:
    run = make_failed_run(ago=timedelta(hours=5))
    ErrorGroup.objects.update(resolved_at=timezone.now() - timedelta(hours=4))
    earlier = "/errors.json?until=3h&state={}"
    states = ["open", "resolved", "all"]

    def listed() -> list[list[str]]:
        answers = (console.get(earlier.format(state)).json()["errors"] for state in states)
        return [[error["state"] for error in errors] for errors in answers]

    assert listed() == [[], ["resolved"], ["resolved"]]
    make_failed_run(ago=timedelta(hours=1))
    assert listed() == [["reopened"], [], ["reopened"]]
    assert state_of(console, run) == "reopened"


def test_resolving_asks_for_what_it_understands(console: Client, client: Client) -> None:
    run = make_failed_run()
    url = reverse("error-resolve", args=[run.error_group_id])
    assert console.post(url, {"to": "x" * 10_000}).status_code == 400
    assert client.post(url).status_code == 302  # to sign in
    assert Client(enforce_csrf_checks=True).post(url).status_code == 403
    assert ErrorGroup.objects.get().resolved_at is None


# -- the run's page --------------------------------------------------------------------------------


def test_a_run_says_how_many_failed_like_it_and_since_when(console: Client) -> None:
    app = make_app()
    first = make_failed_run(app, "order A-1 not found", version=make_version(app, 3), ago=DAY)
    assert "No other run failed like this" in text_of(check_view(console, f"/runs/{first.id}/"))
    for n in range(2):
        run = make_failed_run(app, f"order A-{n} not found", version=make_version(app, 4))
    page = text_of(check_view(console, f"/runs/{run.id}/"))
    assert "3 runs failed like this since version 3" in page


def test_a_group_is_read_from_its_index(console: Client) -> None:
    for n in range(40):
        run = make_failed_run(error=f"order A-{n} not found", ago=timedelta(minutes=n))
    with CaptureQueriesContext(connection) as queries:
        console.get(f"/errors/{run.error_group_id}/")
        console.get(f"/runs/{run.id}/")
    looked = list(plans(query["sql"] for query in queries.captured_queries))
    assert any("error_group" in sql for sql, _ in looked)
    for sql, plan in looked:
        assert not SCANS.search(plan) and not SORTS.search(plan), f"{sql}\n{plan}"
