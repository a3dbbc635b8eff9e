"""Links between spans, in both directions, on pages and in JSON."""

import pytest

from runs.models import App, IngestKey, Run, SpanLink
from tests.otlp_spans import otlp_span, post_spans, span_id, trace_id
from tests.pages import check_view, text_of

pytestmark = pytest.mark.django_db
CALLER, SERVER, NOWHERE = 1, 2, 3


def caller():
    return [
        otlp_span(CALLER, 10, "ask", gen_ai__operation__name="invoke_agent"),
        otlp_span(CALLER, 11, "look up", 10, (0.2, 0.8), links=((NOWHERE, 30),),
                  gen_ai__operation__name="execute_tool"),
    ]  # fmt: skip


def server():
    return [
        otlp_span(SERVER, 20, "serve", at=(0.3, 0.7), gen_ai__operation__name="invoke_agent"),
        otlp_span(SERVER, 21, "answer", 20, (0.4, 0.6), links=((CALLER, 11), (CALLER, 10)),
                  gen_ai__operation__name="execute_tool"),
    ]  # fmt: skip


def run_of(trace: int) -> Run:
    return Run.objects.get(sources__source_id=trace_id(trace), sources__kind="trace")


@pytest.mark.parametrize("parts", [[caller, server], [server, caller, server]])
def test_links_lead_both_ways_whatever_came_first(console, ingest_key, parts):
    for part in parts:
        post_spans(ingest_key, part(), part.__name__)
    asking, serving = run_of(CALLER), run_of(SERVER)
    answer = serving.executions.get(source_id=span_id(21))
    look_up = asking.executions.get(source_id=span_id(11))

    page = console.get(f"/runs/{serving.id}/tracing/{answer.id}/").content.decode()
    assert f"/runs/{asking.id}/tracing/{look_up.id}/" in page
    tree = check_view(console, f"/runs/{asking.id}/tracing/{look_up.id}/")
    (section,) = tree.findall(".//section[@aria-label='Linked steps']")
    assert [link.get("href") for link in section.iter("a")] == [
        f"/runs/{serving.id}/tracing/{answer.id}/", f"/runs/{serving.id}/",
    ]  # fmt: skip
    assert f"span {span_id(30)} of trace {trace_id(NOWHERE)}" in text_of(section)

    links = console.get(f"/runs/{asking.id}.json").json()["linked_runs"]
    seen = [(link["direction"], link["step"], link["run"], link["execution"]) for link in links]
    step, other = str(look_up.id), (str(serving.id), str(answer.id))
    assert seen == [("to", step, None, None), ("from", step, *other), ("from", None, *other)]
    linked = console.get(f"/runs/{serving.id}/tracing/{answer.id}.json").json()["linked_steps"]
    assert [link["execution"] for link in linked] == [str(look_up.id), None]
    assert "Linked runs" in console.get(f"/runs/{asking.id}/detail/").content.decode()


def test_another_apps_key_neither_reads_nor_makes_links(client, ingest_key):
    post_spans(ingest_key, caller(), "caller")
    app = App.objects.get_or_create(name="other", slug="other")[0]
    bound = IngestKey.create("bound", app=app, can_ingest=True, can_read=True)[1]
    post_spans(bound, server())
    asking, serving = run_of(CALLER), run_of(SERVER)
    read = IngestKey.create("all", can_read=True)[1]
    answer = client.get(f"/runs/{asking.id}.json", headers={"x-api-key": read}).json()
    assert [link["direction"] for link in answer["linked_runs"]] == ["to"]
    answer = client.get(f"/runs/{serving.id}.json", headers={"x-api-key": bound}).json()
    assert {link["run"] for link in answer["linked_runs"]} == {None}


def test_the_number_of_queries_is_constant(console, ingest_key, django_assert_max_num_queries):
    many = tuple((trace, 1) for trace in range(100, 220))
    chat = {"gen_ai__operation__name": "chat"}
    post_spans(ingest_key, [otlp_span(trace, 1, "other", **chat) for trace in range(100, 140)])
    post_spans(ingest_key, [otlp_span(1, 1, "many", links=many, gen_ai__operation__name="chat")])
    run = run_of(1)
    assert SpanLink.objects.filter(run=run).count() == 120
    step = run.executions.get()
    for path in ("detail/", f"tracing/{step.id}/"):
        with django_assert_max_num_queries(27):
            console.get(f"/runs/{run.id}/{path}")
    run_id = run.id
    Run.objects.filter(pk=run_id).remove()
    assert not SpanLink.objects.filter(run_id=run_id).exists()
