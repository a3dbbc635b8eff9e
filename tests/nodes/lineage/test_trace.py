"""A value traced back to its first origin, and forward to the run's output."""

from nodes.lineage.run_index import RunIndex
from nodes.lineage.trace import trace_back, trace_forward
from tests.nodes.lineage.run_builder import run_in_order, source_id
from tests.nodes.lineage.test_values import TEXT


def question_and_answer() -> RunIndex:
    return run_in_order(
        ("start", {"q": TEXT}, {"q": TEXT}),
        ("prompt", {"q": TEXT}, {"prompt": f"Answer this: {TEXT}"}),
        ("model", {"messages": [{"role": "user", "content": f"Answer this: {TEXT}"}]},
         {"text": '{"answer": "It will arrive on Tuesday."}'}),
        ("read", {"raw": '{"answer": "It will arrive on Tuesday."}'},
         {"answer": "It will arrive on Tuesday."}),
        inputs={"q": TEXT},
        outputs={"reply": "It will arrive on Tuesday."},
    )  # fmt: skip


def test_back_to_the_first_origin() -> None:
    run = question_and_answer()
    hops = trace_back(run, run.steps.by_id["model"], "inputs", ("messages", "0", "content"))
    assert [(source_id(hop.source), hop.source.part) for hop in hops] == [
        ("model", "inputs"), ("prompt", "outputs"), ("prompt", "inputs"), ("start", "outputs"),
        ("start", "inputs"), ("input", ""),
    ]  # fmt: skip
    assert hops[-1].value == TEXT or hops[-1].value == {"q": TEXT}
    [first] = trace_back(run, run.steps.by_id["model"], "outputs", ("text",))
    assert first.source.step is not None and first.link is None


def test_forward_to_the_output_of_the_run() -> None:
    run = question_and_answer()
    hops = trace_forward(run, run.steps.by_id["model"], "outputs", ("text",))
    assert [(source_id(hop.source), hop.level) for hop in hops] == [("read", 0), ("answer", 1)]
    assert hops[-1].value == "It will arrive on Tuesday."
