"""Which run a run is compared with, through the page and directly."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from runs.pages.compare.baseline import Baseline, find_baseline
from tests.factories import make_app, make_run, make_version
from tests.pages import check_page, check_view, text_of

pytestmark = pytest.mark.django_db


def success(app, hours, question, **fields):
    """Make a success that began `hours` ago; a negative number is in the future."""
    began = timezone.now() - timedelta(hours=hours)
    fields = {"inputs": {"q": question}, "inputs_preview": question} | fields
    return make_run(app, started_at=began, **fields)


@pytest.fixture
def failed():
    app = make_app()
    return success(app, 0, "this", status="failed", error="no", version=make_version(app, 2))


def chosen(console, run):
    answer = console.get(f"/runs/compare/?b={run.id}&with=success")
    if answer.status_code == 200:
        return None
    page = text_of(check_page(console.get(answer["Location"]).content.decode()))
    return answer["Location"].split("a=")[1][:36], page.split("A is the ")[1].split(".")[0]


def test_the_last_success_is_the_nearest_with_the_same_input(console, failed):
    app, version = failed.app, failed.version
    assert chosen(console, failed) is None
    after = success(app, -1, "other")
    assert chosen(console, failed) == (
        str(after.id),
        "nearest successful run; none nearby had the same input or version",
    )
    before = success(app, 9, "other")
    assert chosen(console, failed)[0] == str(before.id)
    same_version = success(app, 10, "other", version=version)
    assert chosen(console, failed)[0] == str(same_version.id)
    similar = success(app, 11, "this", inputs={"q": "this", "sys.workflow_run_id": str(uuid4())})
    assert chosen(console, failed) == (
        str(similar.id),
        "nearest successful run with the same question",
    )
    same_input = success(app, 12, "this")
    assert chosen(console, failed) == (
        str(same_input.id),
        "nearest successful run with the same input",
    )
    success(app, 13, "this")
    success(make_app("elsewhere"), 1, "this")
    assert chosen(console, failed)[0] == str(same_input.id)


def test_the_same_input_is_searched_further_back_than_runs_are_ranked(failed):
    for hour in range(5):
        success(failed.app, hour + 1, "other")
    same = success(failed.app, 40, "this")
    assert find_baseline(failed, max_ranked=2) == Baseline(same.id, "input")
    baseline = find_baseline(failed, max_ranked=2, max_same_input=3)
    assert baseline is not None and baseline.why == "success"


def test_without_a_success_there_is_a_sentence_and_a_choice(console, failed):
    failure = success(failed.app, 1, "this", status="failed")
    text = text_of(check_view(console, f"/runs/compare/?b={failed.id}&with=success"))
    assert "No run of this app has succeeded" in text
    tree = check_view(console, f"/runs/compare/?b={failed.id}")
    links = [link.get("href") for link in tree.iter("a")]
    assert f"/runs/compare/?b={failed.id}&a={failure.id}" in links and "same input text" in text
