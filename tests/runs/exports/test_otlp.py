"""Runs as OTLP: what comes back, and what others see."""

from dataclasses import replace
from typing import Any

import orjson
import pytest
from django.test import Client

from runs.exports import otlp
from runs.models import Run
from runs.recording.records.record import Usage
from runs.recording.storing import store
from tests.runs.recording.importing.run_files.other_waylog import NAMES, STEP, forget, stored

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", NAMES)
def test_otlp_that_comes_back_is_the_same(name: str, record: Any, ingest_key: str) -> None:
    record(name)
    before = stored()
    files = [b"".join(otlp.trace_request(run)) for run in Run.objects.for_list().with_sources()]
    forget()
    for file in files:
        answer = Client().post(
            "/v1/traces", file, content_type="application/json", headers={"x-api-key": ingest_key}
        )
        assert (answer.status_code, answer.content) == (200, b"{}")
    after = stored()
    for rows in (before, after):
        for row in (*rows["runs"], *rows["versions"]):
            for column in ("last_seen_at", "created_at", "number"):  # they follow from arrival
                row.pop(column, None)
    assert after == before


def test_steps_that_were_no_spans_are_spans_for_others() -> None:
    parent = replace(
        STEP, source_id="11111111-2222", title="Flow", kind="workflow", inputs={"q": 1}
    )
    child = replace(
        STEP, source_id="node-2", parent_source_id="11111111-2222", outputs="Yes.", model="gpt-4o",
        usage=Usage(3, 4, total=7), status="failed", error="no", trace="run of ours",
    )  # fmt: skip
    store.save_records([replace(parent, trace="run of ours"), child])
    request = orjson.loads(b"".join(otlp.trace_request(Run.objects.with_sources().get())))
    [resource] = request["resourceSpans"]
    spans = {span["name"]: span for span in resource["scopeSpans"][0]["spans"]}
    flow, answer = spans["Flow"], spans["Answer"]
    assert {len(span["traceId"]) for span in spans.values()} == {32}
    assert {len(span["spanId"]) for span in spans.values()} == {16}
    assert answer["parentSpanId"] == flow["spanId"]
    assert answer["status"] == {"code": 2, "message": "no"}
    attributes = {pair["key"]: pair["value"] for pair in answer["attributes"]}
    assert attributes["openinference.span.kind"] == {"stringValue": "LLM"}
    assert attributes["llm.token_count.total"] == {"intValue": "7"}
    assert attributes["output.value"] == {"stringValue": "Yes."}
    attributes = {pair["key"]: pair["value"] for pair in flow["attributes"]}
    assert attributes["input.value"] == {"stringValue": '{"q":1}'}
    assert attributes["input.mime_type"] == {"stringValue": "application/json"}
