"""Laminar by hand: types of span, values, facts about the whole trace."""

from tests.runs.recording.captured import as_read, read_record


def test_kinds_and_values() -> None:
    attributes = {
        "lmnr.span.type": "TOOL", "lmnr.span.input": '{"city": "Oslo"}',
        "lmnr.span.output": '"rain"', "lmnr.span.path": ["handle", "get_weather"],
    }  # fmt: skip
    tool = read_record(attributes, name="get_weather")
    assert (tool.kind, tool.title) == ("tool", "get_weather")
    assert (tool.inputs, tool.outputs) == ({"city": "Oslo"}, "rain")
    kinds = {"DEFAULT": "task", "EVALUATOR": "evaluator", "EVALUATION": "workflow", "LLM": "llm"}
    assert {name: read_record({"lmnr.span.type": name}).kind for name in kinds} == kinds


def test_a_model_call_by_its_values_or_by_the_conventions() -> None:
    attributes = {
        "lmnr.span.type": "LLM",
        "lmnr.span.input": '[{"role": "user", "content": "why?"}]',
        "lmnr.span.output": '{"choices": [{"message": {"role": "assistant", "content": "so"}}]}',
    }
    call = read_record(attributes)
    assert as_read(call.inputs) == {"messages": [{"role": "user", "content": "why?"}]}
    assert as_read(call.outputs) == {"messages": [{"role": "assistant", "content": "so"}]}
    attributes |= {"gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": "by convention"}
    assert as_read(read_record(attributes).inputs)["messages"][0]["content"] == "by convention"


def test_facts_about_the_whole_trace() -> None:
    about = "lmnr.association.properties."
    attributes = {about + "session_id": "s1", about + "user_id": "u1", about + "tags": ["a", "b"]}
    run = read_record(attributes | {"lmnr.span.type": "DEFAULT"}).run
    assert (run.conversation, run.user, run.tags) == ("s1", "u1", ("a", "b"))
