"""Laminar by hand: types of span, values, what is told of the whole trace."""

from tests.runs.recording.captured import record


def test_kinds_and_values() -> None:
    told = {
        "lmnr.span.type": "TOOL", "lmnr.span.input": '{"city": "Oslo"}',
        "lmnr.span.output": '"rain"', "lmnr.span.path": ["handle", "get_weather"],
    }  # fmt: skip
    tool = record(told, name="get_weather")
    assert (tool.kind, tool.title) == ("tool", "get_weather")
    assert (tool.inputs, tool.outputs) == ({"city": "Oslo"}, "rain")
    kinds = {"DEFAULT": "task", "EVALUATOR": "evaluator", "EVALUATION": "workflow", "LLM": "llm"}
    assert {name: record({"lmnr.span.type": name}).kind for name in kinds} == kinds


def test_a_model_call_by_its_values_or_by_the_conventions() -> None:
    told = {
        "lmnr.span.type": "LLM",
        "lmnr.span.input": '[{"role": "user", "content": "why?"}]',
        "lmnr.span.output": '{"choices": [{"message": {"role": "assistant", "content": "so"}}]}',
    }
    call = record(told)
    assert call.inputs == {"messages": [{"role": "user", "content": "why?"}]}
    assert call.outputs == {"messages": [{"role": "assistant", "content": "so"}]}
    told |= {"gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": "by convention"}
    assert record(told).inputs["messages"][0]["content"] == "by convention"


def test_of_the_whole_trace() -> None:
    about = "lmnr.association.properties."
    told = {about + "session_id": "s1", about + "user_id": "u1", about + "tags": ["a", "b"]}
    run = record(told | {"lmnr.span.type": "DEFAULT"}).run
    assert (run.conversation, run.user, run.tags) == ("s1", "u1", ("a", "b"))
