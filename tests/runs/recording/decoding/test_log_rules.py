"""The rules of the record for logs: order, splitting and repetition do not matter, and no value
costs the logs beside it."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runs.recording.decoding.logs import decode_logs, read_logs
from runs.recording.decoding.otlp.log_requests import LogRecord
from runs.recording.decoding.traces import decode_traces
from runs.recording.records.record import NodeRecord
from runs.recording.records.request_body import UnreadableBody
from runs.recording.storing import notes
from runs.recording.storing.store import save_records
from tests.conftest import PROTOBUF, rolled_back
from tests.runs.recording.decoding.otlp.export_requests import (
    TIME_NS,
    any_value,
    log_message,
    log_request,
)
from tests.runs.recording.decoding.test_logs import CALL, TRACE, events, only_step, span
from tests.runs.recording.snapshot import snapshot
from tests.runs.recording.test_rules import check_every_delivery


def records() -> list[NodeRecord]:
    """Return a call that a span and logs describe, beside one that logs alone describe."""
    alone = [log for log in events(span_id=b"z" * 8)]
    words = log_message(event_name="", body=any_value("Asking"), time_unix_nano=TIME_NS - 5)
    logs = decode_logs(log_request(*events(), *alone, words), PROTOBUF).records
    return [*logs, *decode_traces(span(), PROTOBUF).records]


def stored_and_used(requests: list[list[NodeRecord]]) -> dict[str, Any]:
    """Return what is stored, without payloads that nothing refers to any more: those that were
    made from a part of the messages."""
    with rolled_back():
        for part in requests:
            save_records(part)
        rows = snapshot()
        used = {row[name] for row in [*rows["executions"], *rows["runs"]]
                for name in row if name.endswith("puts_id")}  # fmt: skip
        rows["payloads"] = [row for row in rows["payloads"] if row["id"] in used]
        return rows


@pytest.mark.any_database
@pytest.mark.django_db
def test_order_splitting_and_repetition_do_not_matter():
    executions = check_every_delivery(records(), 15, stored_and_used)["executions"]
    assert len(executions) == 2
    assert all(row["inputs_id"] and row["outputs_id"] for row in executions)


@pytest.mark.django_db
def test_messages_of_the_same_time_keep_the_order_of_a_call():
    same = [log_message(event_name=name, body=any_value(body)) for name, body in CALL]
    logs = decode_logs(log_request(*same), PROTOBUF).records
    with rolled_back():
        save_records(list(reversed(logs)))
        step = only_step()
        roles = [item["role"] for item in step.inputs.value["messages"]]
        assert roles == ["system", "user", "assistant", "tool"]


ANY = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=5),
        st.sampled_from(["chat", "[1]", '[{"role": 1, "parts": {}}]', "ref:a=b", "1e400"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["role", "content", "message", "tool_calls", "parts"]),
                        inner, max_size=3),
    ),
    max_leaves=6,
)  # fmt: skip
EVENTS = [name for name, _ in CALL] + [
    "gen_ai.client.inference.operation.details", "gen_ai.evaluation.result", "",
    "dify.node.execution", "dify.message.run", "dify.feedback.created",
    "claude_code.api_request", "codex.tool_result", "gemini_cli.api_response",
]  # fmt: skip
READ = [
    "gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.operation.name", "session.id",
    "gen_ai.usage.input_tokens", "gen_ai.evaluation.score.value", "exception.message",
    "dify.workflow.run_id", "dify.node.execution_id", "dify.node.inputs", "dify.message.id",
    "dify.message.duration", "duration_ms", "cost_usd", "tool_name", "tool_input", "prompt",
]  # fmt: skip


@st.composite
def odd_logs(draw: st.DrawFn) -> list[LogRecord]:
    """Logs of every event that is known, with any values where they are read."""
    logs = []
    for name in draw(st.lists(st.sampled_from(EVENTS), min_size=1, max_size=4)):
        attributes = draw(st.dictionaries(st.sampled_from(READ), ANY, max_size=6))
        if name.startswith("dify."):
            attributes["dify.event.name"] = name
        trace, time_ns = draw(st.sampled_from(["", TRACE])), draw(st.integers(0, 2**64))
        logs.append(LogRecord(trace, trace[:16], time_ns, name, "", draw(ANY), attributes, {}, ""))
    return logs


@pytest.mark.django_db
def test_no_value_costs_the_logs_beside_it(caplog):
    @settings(max_examples=80)
    @given(odd_logs())
    def check(logs: list[LogRecord]) -> None:
        decoded = read_logs(logs, [])
        with rolled_back():
            assert save_records(decoded.records).refused == decoded.refused == []
            notes.save(decoded.notes)
        assert not [line for line in caplog.messages if "not understood" in line]

    check()


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body):
    for content_type in (PROTOBUF, "application/json"):
        with suppress(UnreadableBody):
            decode_logs(body, content_type)
