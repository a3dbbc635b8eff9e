"""Several turns of a conversation in one trace, on pages and in JSON."""

import pytest

from runs.models import Run
from tests.otlp_spans import otlp_span, post_spans, span_id
from tests.pages import check_view, text_of

pytestmark = pytest.mark.django_db


def turn(number: int, failed: bool = False):
    answer = {} if failed else {"output__value": f"Answer {number}."}
    return [
        otlp_span(1, number, "potter", at=(number, number + 0.9), failed=failed,
                  input__value=f"Turn {number}?", gen_ai__operation__name="invoke_agent",
                  gen_ai__conversation__id="kiln-talk", **answer),
        otlp_span(1, number + 10, "chat gpt-4o", number, (number + 0.1, number + 0.8),
                  gen_ai__operation__name="chat", gen_ai__request__model="gpt-4o"),
    ]  # fmt: skip


def test_each_turn_is_shown(console, ingest_key, django_assert_max_num_queries):
    saved = otlp_span(1, 30, "save memory", at=(4, 5))
    post_spans(ingest_key, [*turn(1), *turn(2, failed=True), *turn(3), saved])
    run = Run.objects.get()
    assert (run.turns, run.mode, run.iterations) == (3, "chatflow", 0)

    url = f"/conversations/{run.conversation_id}/"
    text = text_of(check_view(console, url))
    for said in ("Turn 1?", "Answer 1.", "Turn 2?", "it broke", "Turn 3?", "Answer 3."):
        assert said in text
    second = run.executions.get(source_id=span_id(2))
    page = console.get(url).content.decode()
    assert f'id="turn-{second.id}"' in page and f"/runs/{run.id}/tracing/{second.id}/" in page
    assert console.get(url.rstrip("/") + ".json").json()["turns"] == 3
    with django_assert_max_num_queries(11):
        console.get(url)

    tree = check_view(console, f"/runs/{run.id}/tracing/")
    labels = [section.get("aria-label") for section in tree.iter("section")]
    assert labels[:3] == ["Turn 1", "Turn 2", "Turn 3"]
    rows = [text_of(line) for line in tree.findall(".//span[@class='step-line']")]
    assert [
        row for row in rows if ("turn 2" in row and "Failed" in row) or "after the answer" in row
    ]
    steps = console.get(f"/runs/{run.id}/tracing.json").json()["executions"]
    assert [step["turn"] for step in steps if step["depth"] == 0] == [1, 2, 3, None]
    assert [step["title"] for step in steps if step["after_answer"]] == ["save memory"]
    answer = console.get(f"/runs/{run.id}.json").json()
    assert (answer["turns"], answer["inputs"], answer["outputs"]) == (3, "Turn 1?", "Answer 3.")


def test_a_run_of_its_own_is_one_turn(console, ingest_key):
    post_spans(ingest_key, turn(1))
    run = Run.objects.get()
    assert run.turns == 1
    text = text_of(check_view(console, f"/conversations/{run.conversation_id}/"))
    assert "Turn 1?" in text and "Open run" in text
