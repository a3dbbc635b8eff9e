"""Whether the fields of a step still hold all of an attribute."""

from typing import Any

import orjson
import pytest

from runs.recording.decoding.dialects.kept_values import KeptValues
from tests.runs.recording.captured import read_record

PART = {"type": "result", "is_error": True, "of": None, "text": "no", "n": 3}


@pytest.mark.parametrize("name", PART)
def test_each_value_counts(name: str) -> None:
    without = {key: value for key, value in PART.items() if key != name}
    assert KeptValues({"outputs": PART}).take(PART)
    assert not KeptValues({"outputs": without}).take(PART)


def test_a_value_that_was_sent_twice_is_kept_twice() -> None:
    kept = KeptValues({"inputs": {"a": "x", "b": '["x", "y"]'}})
    assert not kept.take(["x", "x", "x"])
    assert kept.take('["x"]') and kept.take("x")
    assert not kept.take("x")


def test_what_stands_under_other_names_is_kept() -> None:
    assert KeptValues({"inputs": [{"query": "q"}, True]}).take({"text": "q", "strict": True})


def test_part_of_a_tool_message_that_is_not_shown_stays_as_received() -> None:
    def tool(**kwargs: Any) -> dict[str, Any]:
        message = {"content": "found", "type": "tool", **kwargs}
        message = {"lc": 1, "type": "constructor", "id": ["ToolMessage"], "kwargs": message}
        name = "traceloop.entity.output"
        value = orjson.dumps({"output": message}).decode()
        record = read_record({"traceloop.span.kind": "tool", name: value})
        assert record.outputs == "found"
        return record.received["attributes"]  # type: ignore[index,no-any-return]

    assert "artifact" in str(tool(artifact={"rows": 3}))
