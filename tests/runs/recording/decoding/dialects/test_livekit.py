"""LiveKit by hand: a turn of a voice agent, in both spellings of its attributes."""

import pytest

from tests.runs.recording.captured import exception_event, make_event, read_record

BELOW = {"parent_span_id": "c" * 16}


def test_a_session_is_the_run() -> None:
    attributes = {"lk.job_id": "j1", "lk.agent_name": "front desk", "lk.pii.room_name": "room-1"}
    run = read_record(attributes, name="job_entrypoint")
    assert (run.kind, run.is_run) == ("workflow", True)
    assert (run.run.name, run.run.conversation) == ("front desk", "room-1")


@pytest.mark.parametrize("pii", ["", "pii."])
def test_turns_and_tools(pii: str) -> None:
    attributes = {
        f"lk.{pii}user_input": "hi",
        f"lk.{pii}response.text": "hello",
        "lk.speech_id": "s",
    }
    turn = read_record(attributes, name="agent_turn", **BELOW)
    assert (turn.kind, turn.inputs, turn.outputs) == ("agent", "hi", "hello")
    attributes = {f"lk.{pii}user_transcript": "hi", "gen_ai.request.model": "nova-3"}
    user = read_record(attributes, name="user_turn", **BELOW)
    assert (user.kind, user.outputs, user.model) == ("human-input", "hi", "nova-3")
    attributes = {
        "lk.function_tool.name": "look", f"lk.{pii}function_tool.arguments": '{"x": 1}',
        f"lk.{pii}function_tool.output": "no such room", "lk.function_tool.is_error": True,
    }  # fmt: skip
    tool = read_record(attributes, name="function_tool", **BELOW)
    assert (tool.kind, tool.title, tool.inputs) == ("tool", "look", {"x": 1})
    assert (tool.status, tool.error) == ("failed", "no such room")


def test_a_request_to_a_model_and_its_attempts() -> None:
    node = read_record(
        {"gen_ai.request.model": "gpt-4o", "lk.chat_ctx": "{}"}, name="llm_node", **BELOW
    )
    assert node.kind == "chain"
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-4o",
        "lk.llm_metrics": "",
    }
    events = [
        make_event("gen_ai.user.message", content="hi", role="user"),
        make_event("gen_ai.choice", content="hello", role="assistant"),
    ]
    call = read_record(attributes, name="llm_request", events=events, **BELOW)
    assert (call.kind, call.inputs["messages"][0]["content"]) == ("llm", "hi")
    went_well = read_record({"lk.retry_count": 1}, name="llm_request_run", **BELOW)
    assert (went_well.folded, went_well.attempt) == (True, 2)
    events = [exception_event("APIError", "overloaded")]
    failed = read_record(
        {"lk.retry_count": 0}, name="llm_request_run", status="error", events=events, **BELOW
    )
    assert (failed.folded, failed.error, failed.attempt) == (False, "overloaded", 1)


def test_work_between_turns_is_a_wrapper() -> None:
    assert read_record({"lk.agent_label": "a"}, name="drain_agent_activity", **BELOW).folded
