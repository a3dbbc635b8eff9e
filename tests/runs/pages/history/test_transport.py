"""Calls over a network without a step of AI: out of the lists, until they are asked for."""

import pytest

from runs.models import Run
from tests.otlp_spans import otlp_span, post_spans, trace_id
from tests.pages import check_view, text_of

pytestmark = pytest.mark.django_db
LONE = {
    1: {"name": "GET /healthz", "kind": "server", "http__request__method": "GET"},
    2: {"name": "SELECT users", "kind": "client", "db__system": "postgresql"},
    3: {"name": "tools/list", "kind": "client", "mcp__method__name": "tools/list"},
    4: {"name": "GET", "kind": "client", "http__method": "GET", "http__url": "http://a/b"},
    5: {"name": "POST /chat http send", "asgi__event__type": "http.response.start"},
}
SHOWN = {
    6: {"name": "my job"},
    7: {"name": "tools/call look_up", "kind": "server", "mcp__method__name": "tools/call",
        "gen_ai__tool__name": "look_up"},
    8: {"name": "chat", "kind": "client", "gen_ai__operation__name": "chat",
        "http__request__method": "POST"},
}  # fmt: skip


def traces(console, query=""):
    runs = console.get(f"/runs.json?{query}").json()["runs"]
    return sorted(int(run["source"]["ids"]["trace"], 16) for run in runs)


def test_lone_calls_are_left_out_and_can_be_shown(console, ingest_key):
    for number, columns in {**LONE, **SHOWN}.items():
        post_spans(ingest_key, [otlp_span(number, number, **columns)])
    assert traces(console) == [6, 7, 8]
    assert traces(console, "is=transport") == [1, 2, 3, 4, 5]
    assert traces(console, f"id={trace_id(1)}") == [1]
    text = text_of(check_view(console, "/runs/"))
    assert "such as health checks, are left out" in text
    text = text_of(check_view(console, "/runs/?q=is:transport"))
    assert "SELECT users" in text and "are left out" not in text
    apps = console.get("/apps.json").json()["apps"]
    assert [app["counts"]["runs_today"] for app in apps] in ([3], [0])  # the spans have a fixed day


@pytest.mark.parametrize("calls_first", [True, False])
def test_calls_of_a_run_belong_to_it_whatever_came_first(console, ingest_key, calls_first):
    calls = [otlp_span(1, number + 10, parent=9, **columns) for number, columns in LONE.items()]
    root = [otlp_span(1, 9, "potter", gen_ai__operation__name="invoke_agent")]
    post_spans(ingest_key, calls if calls_first else root)
    post_spans(ingest_key, root if calls_first else calls)
    assert traces(console) == [1] and not Run.objects.left_out().exists()
    steps = console.get(f"/runs/{Run.objects.get().id}/tracing.json").json()["executions"]
    # An event of a web server's request is no step.
    assert "POST /chat http send" not in [step["title"] for step in steps] and len(steps) == 4
