"""Spans that Waylog exported; export and import in one go are tested in tests/runs/exports."""

from typing import Any

import orjson
import pytest

from tests.runs.recording.captured import read_record


def waylog_step(**step: Any) -> str:
    step = {"source_id": "b", "service": "shop", "title": "Answer", "kind": "llm"} | step
    values = {"inputs": ["input.value", "json"], "outputs": ["said", "text"]}
    return orjson.dumps({"step": step, "values": values, "added": ["llm.model_name"]}).decode()


def test_the_step_is_what_was_exported() -> None:
    record = read_record(
        {
            "waylog.step": waylog_step(
                status="retry", attempt=2, ran_after=["a"], run={"version": "7"}
            ),
            "input.value": '{"q": 1}',
            "said": '{"is": "text"}',
            "llm.model_name": "for others",
            "openinference.span.kind": "TOOL",
        },
        name="other words",
    )
    assert (record.title, record.kind, record.status, record.attempt) == (
        "Answer",
        "llm",
        "retry",
        2,
    )
    assert (record.inputs, record.outputs) == ({"q": 1}, '{"is": "text"}')
    assert (record.model, record.ran_after, record.run.version) == (None, ("a",), "7")
    assert record.received == {
        "attributes": {"openinference.span.kind": "TOOL"}, "name": "other words",
    }  # fmt: skip


@pytest.mark.parametrize(
    "step",
    [
        "",
        "{",
        "[]",
        '{"step": {}}',
        waylog_step(status="unheard of"),
        waylog_step(started_us="now"),
        "[" * 9999,
    ],
)
def test_an_unreadable_record_leaves_the_span_to_other_dialects(step: str) -> None:
    record = read_record(
        {"waylog.step": step, "openinference.span.kind": "TOOL", "input.value": "q"}
    )
    assert (record.kind, record.title, record.inputs) == ("tool", "work", "q")
