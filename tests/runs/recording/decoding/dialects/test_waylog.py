"""Spans that Waylog exported; the way back and forth is tested in tests/runs/exports."""

from typing import Any

import orjson
import pytest

from tests.runs.recording.captured import record


def told(**step: Any) -> str:
    step = {"source_id": "b", "service": "shop", "title": "Answer", "kind": "llm"} | step
    values = {"inputs": ["input.value", "json"], "outputs": ["said", "text"]}
    return orjson.dumps({"step": step, "values": values, "added": ["llm.model_name"]}).decode()


def test_the_step_is_what_was_exported() -> None:
    found = record(
        {
            "waylog.step": told(status="retry", attempt=2, ran_after=["a"], run={"version": "7"}),
            "input.value": '{"q": 1}',
            "said": '{"is": "text"}',
            "llm.model_name": "for others",
            "openinference.span.kind": "TOOL",
        },
        name="other words",
    )
    assert (found.title, found.kind, found.status, found.attempt) == ("Answer", "llm", "retry", 2)
    assert (found.inputs, found.outputs) == ({"q": 1}, '{"is": "text"}')
    assert (found.model, found.ran_after, found.run.version) == (None, ("a",), "7")
    assert found.received == {
        "attributes": {"openinference.span.kind": "TOOL"}, "name": "other words",
    }  # fmt: skip


@pytest.mark.parametrize(
    "step",
    ["", "{", "[]", '{"step": {}}', told(status="unheard of"), told(started_us="now"), "[" * 9999],
)
def test_what_cannot_be_read_leaves_the_span_to_the_others(step: str) -> None:
    found = record({"waylog.step": step, "openinference.span.kind": "TOOL", "input.value": "q"})
    assert (found.kind, found.title, found.inputs) == ("tool", "work", "q")
