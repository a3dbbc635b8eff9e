"""The JSON of a run: every field there, in its form."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from runs.json.run import run_json
from runs.json.values import decimal_text
from tests.factories import make_app, make_conversation, make_run, make_version

FIELDS = {
    "id", "url", "app", "version", "name", "environment", "status", "stalled", "started_at",
    "finished_at", "duration_us", "input_preview", "output_preview", "error", "failed_node",
    "tokens", "cost", "api_calls", "steps", "iterations", "retries", "conversation", "user",
    "trigger", "tags", "turns", "source", "reported",
}  # fmt: skip
FAILED = UUID("0af76519-16cd-43dd-8448-eb211c80319c")


@pytest.mark.django_db
def test_a_bare_run_has_every_field_absent_ones_null():
    data = run_json(make_run(status="running"))
    assert set(data) == FIELDS
    for name in ("version", "name", "finished_at", "duration_us", "input_preview", "error",
                 "failed_node", "conversation", "user", "trigger", "reported"):  # fmt: skip
        assert data[name] is None, name
    assert data["tags"] == [] and data["stalled"] is False
    assert data["cost"] == {"amount": None, "currency": None, "state": "free"}


@pytest.mark.django_db
def test_a_full_run(settings):
    settings.TIME_ZONE = "UTC"
    app = make_app("desk", mode="chatflow")
    conversation = make_conversation(app, "thread-1")
    run = make_run(
        app, version=make_version(app, 3), conversation=conversation, status="failed",
        started_at=datetime(2026, 11, 22, 9, 0, 0, 123456, tzinfo=UTC), duration_us=1_000_000,
        error="quota", failed_execution=FAILED, failed_node_id="llm-1", failed_title="Ask",
        input_tokens=10, output_tokens=5, cached_tokens=2, reasoning_tokens=1, total_tokens=15,
        cost=Decimal("0.0012300000"), cost_currency="USD", cost_state="priced",
        model_calls=2, tool_calls=1, http_calls=3, steps=7, tags=["vip"], user="u-1",
        source_kind="dify-otlp", source_ids={"dify-run": "r-1", "otel-trace": "t-1"},
        reported_tokens=16,
    )  # fmt: skip
    data = run_json(run, "http://localhost")
    assert data["url"] == f"http://localhost/runs/{run.pk}/"
    assert data["app"] == {"slug": "desk", "name": "desk", "mode": "chatflow"}
    assert data["version"] == {"number": 3, "label": "v3"}
    assert data["started_at"] == "2026-11-22T09:00:00.123456+00:00"
    assert data["finished_at"] == "2026-11-22T09:00:01.123456+00:00"
    assert data["duration_us"] == 1_000_000
    assert data["failed_node"] == {"execution": str(FAILED), "node_id": "llm-1", "title": "Ask"}
    assert data["tokens"] == {
        "input": 10, "output": 5, "cached": 2, "reasoning": 1, "total": 15,
    }  # fmt: skip
    assert data["cost"] == {"amount": "0.00123", "currency": "USD", "state": "priced"}
    assert data["api_calls"] == {"model": 2, "tool": 1, "http": 3}
    assert data["conversation"] == {"id": str(conversation.pk), "source_id": "thread-1"}
    assert data["source"] == {"kind": "dify-otlp", "ids": {"dify-run": "r-1", "otel-trace": "t-1"}}
    assert data["reported"] == {"tokens": 16, "cost": None, "duration_us": None}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0E-10", "0"),
        ("100", "100"),
        ("1E+3", "1000"),
        ("0.0000000001", "0.0000000001"),
        ("1.50", "1.5"),
    ],
)
def test_money_is_a_plain_decimal_string(value, text):
    assert decimal_text(Decimal(value)) == text
