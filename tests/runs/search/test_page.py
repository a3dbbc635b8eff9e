"""What a search finds, on the page of the history and in its twin."""

from typing import Any

import pytest
from django.test import Client

from runs.search.indexing import index_waiting
from tests.factories import make_execution, make_payload, make_run
from tests.otlp_spans import otlp_span, post_spans
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
    marked = f"{link}?find=order+A-17#found-outputs"
    assert f'href="{marked}"' in page and page.count('class="hit"') == 1
    assert "<mark>order A-17</mark> was refunded" in page
    assert "iteration 3" in page and "<b>payment" not in page and "<script>alert" not in page
    panel = check_page(console.get(marked).content.decode())
    assert text_of(panel.find(".//section[@id='value-outputs']//mark[@id='found-outputs']")) == (
        "order A-17"
    )
    assert panel.findall(".//script[.='alert(\"x\")']") == []
    assert "<mark" not in console.get(link).content.decode()


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


def listed(console: Client, text: str, name: str = "input_preview") -> list[str]:
    """Return one value of each run that a query lists, sorted."""
    rows: Any = console.get("/runs.json", {"q": text}).json()
    assert "runs" in rows, rows
    return sorted(row[name] for row in rows["runs"])


@pytest.mark.parametrize("indexed", [False, True])
def test_texts_of_one_step(console: Client, indexed: bool) -> None:
    first, second = make_run(inputs_preview="first"), make_run(inputs_preview="second")
    shared = make_payload(first.app, {"hits": ["a blue whale"]})
    make_execution(first, "search", inputs={"q": "whales"}, outputs=shared)
    make_execution(first, "answer", inputs=shared, outputs={"said": "blue"}, depth=2)
    make_execution(second, "search", inputs={"q": "blue"}, outputs={"hits": []})
    make_execution(second, "answer", inputs={"q": "whales"}, outputs={"said": "a blue whale"})
    if indexed:
        index_waiting(early=True)
    for text, runs in {
        'output:"blue whale"': ["first", "second"],
        'node:search output:"blue whale"': ["first"],
        "node:search output:whale,nothing": ["first"],
        "node:search input:blue": ["second"],
        "node:answer input:blue": ["first"],
        "input:whales output:blue": ["first", "second"],
        "input:whales output:hits": ["first"],
        "input:whales -output:hits": [],
        "-output:said": [],
        "-node:none -input:q": [],
        "node:search output:[]": ["second"],
        'node:search output:"[]"': ["second"],
        '"[]" whales': ["second"],
        'output:""': [],
        "(node:search) output:hits whales": ["first", "second"],
    }.items():
        assert listed(console, text) == runs, text
    page = console.get("/runs/", {"q": 'node:search output:"blue whale"'}).content.decode()
    assert "<mark>blue whale</mark>" in page and page.count('class="hit"') == 1
    assert '<span class="hit-node" dir="auto">search</span>' in page
    answer: Any = console.get("/runs.json", {"q": "output:blue OR status:failed"})
    assert answer.status_code == 400 and "can be no alternative" in answer.json()["error"]


NOTHING = [
    "[]", "{}", "null", '""', '{"result": []}', '{"a": "", "b": [null, {}]}', '["", ""]',
    '{"content": "", "type": "tool", "name": "search", "tool_call_id": "c1"}', "",
]  # fmt: skip
SOMETHING = ["none", "0", "false", '[[], ["x"]]', '{"a": [], "count": 0}', '[{}, {"b": 1}]']
TYPES = ("application/json", "text/plain")


def test_steps_that_returned_nothing(console: Client, ingest_key: str) -> None:
    spans = [otlp_span(90, 900, "agent", openinference__span__kind="AGENT", output__value="done")]
    for number, value in enumerate([*NOTHING, *SOMETHING], 1):
        spans.append(otlp_span(
            number, number, "search", openinference__span__kind="TOOL", user__id=f"u-{number}",
            input__value=f"call {number}", output__value=value,
            output__mime_type=TYPES[number % 2],
        ))  # fmt: skip
    spans.append(otlp_span(91, 901, "search", failed=True, input__value="x", output__value="[]"))
    post_spans(ingest_key, spans)
    expected = sorted(f"u-{number}" for number in range(1, len(NOTHING) + 1))
    assert listed(console, "node:search returned:empty", "user") == expected
    assert listed(console, "node:agent returned:empty") == []
    text = 'node:search (returned:empty OR user:x) -input:"call 1"'
    assert listed(console, text, "user") == expected[1:]


def test_more_hits_are_counted_on_the_page(console: Client) -> None:
    run = make_run()
    for number in range(5):
        make_execution(run, f"Step {number}", inputs={"text": f"needle {number}"})
    page = console.get("/runs/", {"q": "needle"}).content.decode()
    assert page.count('class="hit"') == 3
    [link] = check_page(page).findall(".//li[@class='hits-more']/a")
    assert text_of(link) == "and 2 more in this run"
    page = console.get(link.get("href")).content.decode()
    assert page.count('class="hit"') == 5 and "more in this run" not in page


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
