"""The machine twin of one execution."""

from decimal import Decimal
from uuid import uuid4

import orjson
import pytest

from nodes.models import NodeExecution
from runs.json.execution import execution_json, stored_execution_json, with_placeholders
from runs.json.values import json_response
from tests.factories import make_execution, make_run

FIELDS = {
    "id", "parent", "depth", "index", "node_id", "kind", "title", "status", "iteration", "attempt",
    "started_at", "duration_us", "self_us", "tokens", "cost", "model", "error", "inputs_preview",
    "outputs_preview", "source_id", "placeholder",
}  # fmt: skip


@pytest.mark.django_db
def test_fields_are_never_missing_and_null_when_absent() -> None:
    bare = execution_json(make_execution(make_run(), started_at=None, duration_us=None))
    assert bare.keys() >= FIELDS
    for name in ("parent", "tokens", "cost", "model", "error", "started_at", "duration_us"):
        assert bare[name] is None
    assert bare["iteration"] == [] and bare["placeholder"] is False


@pytest.mark.django_db
def test_tokens_cost_and_iterations() -> None:
    execution = make_execution(
        make_run(), iteration="3.0", total_tokens=7, input_tokens=5, cost=Decimal("0.0000150000"),
        cost_currency="USD",
    )  # fmt: skip
    payload = execution_json(execution)
    assert payload["iteration"] == [3, 0]
    assert payload["tokens"] == {
        "input": 5, "output": None, "cached": None, "reasoning": None, "total": 7,
    }  # fmt: skip
    assert payload["cost"] == {"amount": "0.000015", "currency": "USD", "state": "priced"}
    execution.cost = None
    assert execution_json(execution)["cost"]["state"] == "unpriced"


@pytest.mark.django_db
def test_a_missing_parent_stands_once_before_its_first_child() -> None:
    run, parent = make_run(), uuid4()
    rows = [make_execution(run, f"step {n}", parent_id=parent, orphan=True) for n in range(2)]
    steps = list(with_placeholders(rows))
    assert [step["placeholder"] for step in steps] == [True, False, False]
    assert steps[0]["id"] == steps[1]["parent"] == str(parent)
    assert steps[0].keys() == steps[1].keys()
    assert len(list(with_placeholders(rows, seen=[parent]))) == 2


@pytest.mark.django_db
def test_details_carry_values_messages_and_what_was_received() -> None:
    execution = make_execution(
        make_run(),
        inputs={"messages": [{"role": "user", "content": "hi"}]},
        outputs="hello",
        received={"attributes": {"a": 1}, "events": [{"name": "e"}], "links": []},
    )
    loaded = NodeExecution.objects.with_payloads().get(pk=execution.pk)
    payload = orjson.loads(json_response(stored_execution_json(loaded)).content)
    assert payload["inputs"] == {"messages": [{"role": "user", "content": "hi"}]}
    assert payload["outputs"] == "hello" and payload["process_data"] is None
    assert payload["attributes"] == {"a": 1} and payload["span_links"] == []
    assert [message["text"] for message in payload["messages"]] == ["hi"]


@pytest.mark.django_db
def test_other_kinds_have_no_messages() -> None:
    execution = make_execution(make_run(), kind="tool", inputs={"messages": []})
    assert stored_execution_json(execution)["messages"] is None
