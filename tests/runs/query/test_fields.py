"""Every declared field works: in the language, as a condition, as a facet."""

import inspect
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from runs.models import Note
from runs.query.conditions import NoteCondition, RunCondition, StepCondition, TextCondition
from runs.query.fields import FACETS, FIELDS, LANGUAGE, FilterField
from runs.query.values import TimestampParser, WordParser
from tests.factories import make_app, make_conversation, make_execution, make_run, make_version
from tests.pages import check_page


def test_names_lead_to_one_field_each():
    names = [name for field in FIELDS for name in (field.name, *field.aliases, *field.synonyms)]
    assert len(names) == len(set(names))
    for field in FIELDS:
        assert all(LANGUAGE.field(name) is field for name in (field.name, *field.aliases))
        assert all(LANGUAGE.suggestion(word) == field.name for word in field.synonyms)
        assert field.help


def test_a_field_cannot_be_declared_without_a_condition():
    parameter = inspect.signature(FilterField).parameters["condition"]
    assert parameter.default is inspect.Parameter.empty
    with pytest.raises(TypeError, match="condition"):
        FilterField("colour", "Its colour", "colour:red", WordParser())
    assert all(
        isinstance(field.condition, RunCondition | StepCondition | NoteCondition | TextCondition)
        for field in FIELDS
    )


def test_facets_are_counted_in_a_column_of_runs_or_in_steps():
    for field in FIELDS:
        if field.facet:
            assert bool(field.facet.column) == isinstance(field.condition, RunCondition)
    places = [facet.place for facet in FACETS.values()]
    assert places == list(range(1, len(places) + 1))


# Where the run that matches the other examples does not match.
FACTS_BY_FIELD = {
    "until": {"started_at": datetime(2026, 11, 1, tzinfo=UTC)},
    "is": {"status": "running"},
}


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_the_example_of_each_field_is_a_filter_on_the_page(console, field):
    app = make_app("support-chat")
    facts = {
        "status": "failed", "version": make_version(app, 3), "started_at": timezone.now(),
        "duration_us": 3_000_000, "total_tokens": 20_000, "cost": Decimal("0.06"),
        "cost_currency": "USD", "steps": 120, "retries": 1, "user": "u-1", "name": "checkout",
        "conversation": make_conversation(app, "thread-9"), "source_kind": "otlp",
        "source_ids": {"otel-trace": "4bf92f3577b34da6"}, "trigger": "webhook",
        "environment": "production", "failed_node_id": "classify", "error": "Timeout",
        "tags": ["vip"],
    }  # fmt: skip
    match = make_run(app, **(facts | FACTS_BY_FIELD.get(field.name, {})))
    make_execution(
        match, "Classify", node_id="classify", kind="llm", model="gpt-4o",
        inputs={"order": "A-17"}, outputs={"said": "It was not found."}, outputs_preview="It was",
    )  # fmt: skip
    make_execution(match, "Search", node_id="search", outputs={"hits": []})
    Note.objects.create(run=match, name="correctness", number=0.25, label="wrong-tone")
    Note.objects.create(run=match, name="thumbs", number=-1)
    other = make_run("other", started_at=datetime(2026, 11, 22, 12, tzinfo=UTC), duration_us=1)
    match_id, other_id = f"run-{match.pk}", f"run-{other.pk}"

    def listed(text):
        response = console.get("/runs/?" + urlencode({"q": text}))
        assert response.status_code == 200
        page = check_page(response.content.decode())
        assert page.find(".//*[@role='alert']") is None
        return {link.get("id") for link in page.findall(".//a[@class='summary']")}

    if field.name == "errorgroup":  # the example leaves digits of the id out
        assert listed(field.example) == set()
        assert listed(f"-{field.example}") == {match_id, other_id}
    else:
        assert listed(field.example) == {match_id}
        if not isinstance(field.parser, TimestampParser):  # since and until are opposites
            assert listed(f"-{field.example}") == {other_id}
