"""What a search finds, on the page of the history and in its twin."""

from typing import Any

import pytest
from django.test import Client

from runs.search.indexing import index_waiting
from tests.factories import make_execution, make_run
from tests.pages import check_page, text_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("indexed", [False, True])
def test_from_words_to_the_step(console: Client, indexed: bool) -> None:
    run = make_run("support")
    hostile = '<script>alert("x")</script> order A-17 was refunded'
    step = make_execution(run, "Refund <b>payment</b>", outputs={"said": hostile}, iteration="2")
    make_execution(make_run("support"), "Other", outputs="order A-18")
    if indexed:
        index_waiting(early=True)
    page = console.get("/runs/", {"q": 'app:support "order a-17"'}).content.decode()
    link = f"/runs/{run.pk}/tracing/{step.pk}/"
    assert f'href="{link}"' in page and page.count('class="hit"') == 1
    assert "<mark>order A-17</mark> was refunded" in page
    assert "iteration 3" in page and "<b>payment" not in page and "<script>alert" not in page
    assert console.get(link).status_code == 200


def test_hits_in_json(client: Client, read_key: str) -> None:
    run = make_run()
    step = make_execution(run, "Ask", inputs={"question": "退款在哪里"})
    make_run()
    response: Any = client.get("/runs.json", {"q": "退款"}, headers={"x-api-key": read_key}).json()
    [row] = response["runs"]
    assert row["id"] == str(run.pk) and response["next"] is None
    assert row["hits"] == [{
        "execution": str(step.pk), "field": "inputs", "title": "Ask", "iteration": [],
        "before": "question: ", "match": "退款", "after": "在哪里",
        "url": f"http://testserver/runs/{run.pk}/tracing/{step.pk}/",
    }]  # fmt: skip


def test_more_hits_are_counted_on_the_page(console: Client) -> None:
    run = make_run()
    for number in range(5):
        make_execution(run, f"Step {number}", inputs={"text": f"needle {number}"})
    page = console.get("/runs/", {"q": "needle"}).content.decode()
    assert page.count('class="hit"') == 3 and "and 2 more in this run" in page


def test_a_pasted_message_is_found_as_it_stands(console: Client) -> None:
    message = 'model: gpt-5 is unknown\n  status:500 in File "/app/a.py", line 7\n' + "of it " * 30
    run = make_run()
    make_execution(run, "Ask", error=message)
    page = check_page(console.get("/runs/", {"q": message, "order": "-cost"}).content.decode())
    notice = page.find(".//div[@data-level='error']")
    assert "model: has no value" in text_of(notice)
    [link] = notice.findall(".//a")
    page = console.get(link.get("href")).content.decode()
    assert f"/runs/{run.pk}/tracing/" in page and 'role="alert"' not in page


def test_a_word_that_no_run_has_can_be_left_out(console: Client) -> None:
    make_execution(make_run("support"), "Refund", outputs={"said": "order A-17 was refunded"})
    parameters = {"q": 'app:support A-17 "was refunded" twice -cancelled'}
    page = check_page(console.get("/runs/", parameters).content.decode())
    empty = page.find(".//div[@class='empty']")
    assert "No run has all of these words" in text_of(empty)
    links = {text_of(link): link.get("href") for link in empty.findall(".//a")}
    assert list(links) == ["“a-17”", "“was refunded”", "“twice”"]
    shorter = console.get(links["“twice”"]).content.decode()
    assert shorter.count('class="hit"') >= 1 and 'value="app:support' in shorter
    assert "-&quot;cancelled&quot;" in shorter


def test_a_backslash_at_the_end_of_a_word_breaks_no_link(console: Client) -> None:
    make_execution(make_run(), "Ask", error="no file in shop\\new\\")
    page = check_page(console.get("/runs/", {"q": "file twice shop\\new\\"}).content.decode())
    links = [link.get("href") for link in page.findall(".//div[@class='empty']//a")]
    pages = [console.get(link).content.decode() for link in links]
    assert [page.count('class="hit"') for page in pages] == [0, 1, 0]
    assert not any('role="alert"' in page for page in pages)
