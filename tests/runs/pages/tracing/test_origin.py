"""Where a step ran: its service and host where they are not the run's, and whose clock is wrong."""

import json

import pytest

from runs.models import Run
from tests.otlp_spans import otlp_span, post_spans, span_id
from tests.pages import check_view, text_of

pytestmark = pytest.mark.django_db


def test_a_step_elsewhere_says_where(console, ingest_key):
    agent = otlp_span(1, 1, "potter", at=(0, 3), gen_ai__operation__name="invoke_agent")
    call = otlp_span(1, 2, "look up", 1, (1, 2), gen_ai__operation__name="execute_tool")
    post_spans(ingest_key, [agent, call], host__name="web-1")
    server = otlp_span(1, 3, "serve", 2, (41.2, 41.7), "server", mcp__method__name="tools/call")
    post_spans(ingest_key, [server], "parts", host__name="parts-7")
    run = Run.objects.get()
    steps = {step.source_id: step for step in run.executions.all()}
    assert run.duration_us == 3_000_000

    tree = check_view(console, f"/runs/{run.id}/tracing/{steps[span_id(3)].id}/")
    figures = {text_of(pair.find("dt")): text_of(pair.find("dd")) for pair in tree.iter("div")
               if pair.find("dt") is not None}  # fmt: skip
    assert (figures["Service"], figures["Host"]) == ("parts", "parts-7")
    assert "by its own clock" in figures["Started"]
    text = text_of(tree)
    assert "The clock of parts is about 40.0 s ahead." in text
    assert "Nothing ran: 1.00 s" in text and "Nothing ran: 3" not in text
    text = text_of(check_view(console, f"/runs/{run.id}/tracing/{steps[span_id(2)].id}/"))
    assert "Host" not in text and "by its own clock" not in text
    text = text_of(check_view(console, f"/runs/{run.id}/time/"))
    assert "The clock of parts is about 40.0 s ahead." in text
    answer = console.get(f"/runs/{run.id}/tracing/{steps[span_id(3)].id}.json").json()
    assert (answer["clock_moved_us"], answer["duration_us"]) == (-39_950_000, 500_000)
    # An export is what was received.
    exported = b"".join(console.get(f"/runs/{run.id}.otlp.json"))
    spans = json.loads(exported)["resourceSpans"]
    times = {
        span["name"]: int(span["startTimeUnixNano"]) // 10**6 % 100_000
        for resource in spans
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    }
    assert times["serve"] - times["look up"] == 40_200
