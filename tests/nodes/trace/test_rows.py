"""What lines that stand for several say."""

from nodes.trace.rows import _left_out
from nodes.trace.timeline import build
from tests.nodes.trace.test_timeline import loop, step


def test_passes_left_out_for_another_s_sake_say_how_many_failed() -> None:
    passes = loop(8, failed=(5,)).top[0].children
    assert _left_out(passes[:4]) == "Passes 1–4: no failure"
    assert _left_out(passes[2:]) == "Passes 3–8: 1 failed"


def test_what_ran_in_no_pass_is_no_pass() -> None:
    steps = [step(n + 2, 1, iteration=str(n)) for n in range(3)]
    found = build([step(1, kind="iteration"), *steps, step(9, 1)]).top[0].children
    assert _left_out(found) == "4 more steps without failure"
