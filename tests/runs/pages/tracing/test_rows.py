"""The words of lines that stand for several."""

from nodes.trace.tree import build_trace_tree
from runs.pages.tracing.rows import elided_title
from tests.nodes.trace.test_tree import loop, step


def test_elided_iterations_say_how_many_failed() -> None:
    passes = loop(8, failed=(5,)).top[0].children
    assert elided_title(passes[:4]) == "Iterations 1–4: none failed"
    assert elided_title(passes[2:]) == "Iterations 3–8: 1 failed"


def test_what_ran_in_no_iteration_is_no_iteration() -> None:
    steps = [step(n + 2, 1, iteration=str(n)) for n in range(3)]
    entries = build_trace_tree([step(1, kind="iteration"), *steps, step(9, 1)]).top[0].children
    assert elided_title(entries) == "4 more steps, none failed"
