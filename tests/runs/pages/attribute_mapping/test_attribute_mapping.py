"""How a step was read: which attribute and which dialect gave each field."""

import pytest
from django.test import Client
from django.urls import reverse

from nodes.models import NodeExecution
from runs.models import Run
from tests.factories import make_execution, make_run
from tests.pages import check_view, text_of

HOSTILE = "<script>alert(1)</script>"


def url(execution: NodeExecution, twin: bool = False) -> str:
    name = "run-execution-read-json" if twin else "run-execution-read"
    return reverse(name, args=[execution.run_id, execution.id])


def mapped_fields(
    client: Client, execution: NodeExecution, part: str = "step"
) -> dict[str, dict[str, str]]:
    mapping = client.get(url(execution, twin=True)).json()
    return {field["field"]: field for field in mapping[part]}


def test_a_model_call_of_openinference(console, record):
    record("langgraph-openinference")
    call = NodeExecution.objects.filter(kind="llm").exclude(cost=None).order_by("started_at")[0]
    fields = mapped_fields(console, call)
    kind = fields["kind"]
    assert (kind["dialect"], kind["attribute"], kind["told"]) == (
        "openinference",
        "openinference.span.kind",
        "LLM",
    )
    assert fields["model"]["attribute"] == "llm.model_name"
    assert fields["usage"]["attribute"] == "llm.token_count"
    assert fields["inputs"]["attribute"].startswith("llm.input_messages")  # it moved there
    assert fields["cost"]["note"] == "tokens at the list price of the model"
    assert fields["started_us"]["attribute"] == "startTimeUnixNano"
    assert fields["service"]["attribute"] in ("openinference.project.name", "service.name")


def test_facts_about_the_run_and_what_was_not_used(console, record):
    record("langgraph-openinference")
    node = NodeExecution.objects.filter(hints__contains="conversation")[0]
    assert mapped_fields(console, node, "run")["run.conversation"]["dialect"] == "openinference"
    mapping = console.get(url(node, twin=True)).json()
    assert mapping["unused_count"] == len(mapping["unused"])
    assert "llm.model_name" not in {field["attribute"] for field in mapping["unused"]}


@pytest.mark.parametrize("name", ["google-adk", "pydantic-ai", "haystack-native", "langfuse"])
def test_every_field_is_explained(console, record, name):
    record(name)
    for step in NodeExecution.objects.order_by("id")[:20]:
        fields = mapped_fields(console, step)
        assert {"kind", "title", "service", "started_us"} <= fields.keys()
        unexplained = [
            field for field in fields.values() if "another message" in (field["note"] or "")
        ]
        assert unexplained == []


def test_a_span_whose_title_is_another_than_its_name(record):
    """The name as sent is kept, so that it can be read again."""
    record("google-adk")
    tool = NodeExecution.objects.filter(kind="tool")[0]
    assert tool.received["name"] == f"execute_tool {tool.title}"


def test_a_step_that_came_as_no_span(console):
    run = make_run(source_kind="dify-database")
    step = make_execution(
        run, "Answer", inputs={"question": "Where?"},
        received={"attributes": {"index": 3},
                  "read_from": {"inputs": ["dify-database", "workflow_node_executions.inputs"]}},
    )  # fmt: skip
    fields = mapped_fields(console, step)
    assert fields["inputs"]["attribute"] == "workflow_node_executions.inputs"
    assert fields["title"]["note"] == "set by the decoder of its endpoint"
    tree = check_view(console, url(step))
    assert "Dify's database" in text_of(tree)
    assert "Also stored (1)" in text_of(tree)


def test_a_step_from_another_source_than_its_run(console):
    step = make_execution(
        make_run(source_kind="dify-otlp"),
        "Answer",
        inputs={},
        received={"read_from": {"inputs": ["dify-database", "workflow_node_executions.inputs"]}},
    )
    mapping = console.get(url(step, twin=True)).json()
    assert mapping["door"] == "Dify's event stream or database"
    assert (
        next(field["value"] for field in mapping["step"] if field["field"] == "inputs") == "empty"
    )


def test_ids_of_the_run_are_words(console, record):
    record("dify-phoenix")
    run_fields = [mapped_fields(console, step, "run") for step in NodeExecution.objects.all()]
    ids = [fields["run.source_ids"]["value"] for fields in run_fields if "run.source_ids" in fields]
    assert ids
    assert not any("(" in text for text in ids)


def test_the_panel_leads_there(console, record):
    record("pydantic-ai")
    run = Run.objects.first()
    step = NodeExecution.objects.in_run(run.id).visible()[0]
    page = console.get(reverse("run-execution", args=[run.id, step.id]))
    assert f'hx-get="{url(step)}"' in page.content.decode()
    check_view(console, url(step))


def test_hostile_values_are_text(console):
    run = make_run()
    step = make_execution(
        run, HOSTILE, source_id="ab" * 8, error=HOSTILE, told_status="failed", status="failed",
        received={"attributes": {HOSTILE: HOSTILE, "gen_ai.tool.name": HOSTILE, "metadata": "[" * 9,
                                 "gen_ai.input.messages": "[" * 9999}, "name": HOSTILE},
    )  # fmt: skip
    tree = check_view(console, url(step))
    assert HOSTILE in text_of(tree)


def test_who_may_not_read_learns_nothing(client, console, ingest_key):
    step = make_execution(make_run())
    assert client.get(url(step)).status_code == 302
    assert client.get(url(step, twin=True)).status_code == 401
    key = {"x-api-key": ingest_key}
    assert client.get(url(step, twin=True), headers=key).status_code == 403
    missing = url(step).replace(str(step.id), "0" * 8 + str(step.id)[8:])
    assert console.get(missing).status_code == 404
