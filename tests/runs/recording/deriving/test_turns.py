"""Several turns in one run, and what goes on after its answer, from bare rows: no database."""

from itertools import count

import pytest

from runs.recording.deriving.summary import summarize
from runs.recording.records.row import ExecutionRow
from tests.runs.recording.deriving.test_derive import root, row, run

IN_CONVERSATION = {"run": {"conversation": "c"}}


MS = 1000


def turn(name: str, at: tuple[int, int], parent: str = "", **columns: object) -> ExecutionRow:
    values = {
        "kind": "agent", "title": "potter", "inputs_id": f"{name}-asked",
        "outputs_id": f"{name}-said", "inputs_preview": "?", "outputs_preview": "!",
        "hints": IN_CONVERSATION if parent else {"is_run": True, **IN_CONVERSATION},
    }  # fmt: skip
    values = {**values, **columns}
    hints = dict(values.pop("hints"))  # type: ignore[call-overload]
    return row(name, parent, (at[0] * MS, at[1] * MS), hints=hints, **values)


def turns(*rows: ExecutionRow) -> list[str]:
    tree, outcome = run(*rows)
    columns = summarize(tree, outcome).columns
    assert columns["turns"] == (len(tree.turns) or 1)
    assert not (tree.turns and columns["iterations"])
    assert [step.hints.get("turn") for step in tree.turns] == [*range(1, len(tree.turns) + 1)]
    return [step.source_id for step in tree.turns]


def three(parent: str = "", **columns: object) -> list[ExecutionRow]:
    return [turn(name, (n * 10, n * 10 + 9), parent, **columns) for n, name in enumerate("abc")]


def test_an_agent_asked_again_and_again_has_turns():
    assert turns(*three()) == ["a", "b", "c"]
    assert turns(root(), *three("root")) == ["a", "b", "c"]
    numbers = count(1)
    assert turns(*[turn(name, (n, n + 1), title=f"turn {next(numbers)}")
                   for n, name in enumerate("abc")]) == ["a", "b", "c"]  # fmt: skip
    assert turns(*three(kind="llm")) == ["a", "b", "c"]


def test_the_run_begins_with_the_first_question_and_ends_with_the_last_answer():
    middle = turn("b", (10, 19), told_status="failed", outputs_id=None, outputs_preview="")
    a, _, c = three()
    tree, outcome = run(a, middle, c)
    columns = summarize(tree, outcome).columns
    assert [step.source_id for step in tree.turns] == ["a", "b", "c"]
    assert (columns["inputs_id"], columns["outputs_id"]) == ("a-asked", "c-said")
    assert (columns["mode"], columns["status"]) == ("chatflow", "partial-succeeded")


@pytest.mark.parametrize(
    "rows",
    [
        [turn("a", (0, 9)), turn("b", (10, 19), title="writer")],  # a pipeline
        [turn("a", (0, 9)), turn("b", (5, 19))],  # beside each other
        [turn("a", (0, 9), outputs_id=None, outputs_preview=""), turn("b", (10, 19))],
        [turn("a", (0, 9))],
        # Steps of an agent that was asked once.
        [root(inputs_id="asked"), *three("root")],
        [root(kind="agent"), *three("root", kind="llm")],
        # A model that is called until its tools have answered.
        [*three(kind="llm"), row("tool", at=(9 * MS, 10 * MS), kind="tool")],
    ],
)
def test_steps_of_one_turn_are_no_turns(rows):
    assert not turns(*rows)


def test_without_a_conversation_there_are_no_turns():
    assert not turns(
        *[turn(name, (n, n + 1), hints={"is_run": True}) for n, name in enumerate("ab")]
    )


def after(*rows: ExecutionRow) -> list[str]:
    tree, _ = run(*rows)
    return [step.source_id for step in tree.order if step.hints.get("after_answer")]


def test_what_begins_after_the_answer_is_marked():
    answered = root((0, 100), outputs_id="said", outputs_preview="!")
    steps = [row("work", "root", (1, 99)), row("save", "root", (100, 150))]
    assert after(answered, *steps, row("log", "save", (101, 102))) == ["save", "log"]
    assert not after(root((0, 100)), *steps)
    assert not after(root((0, None), outputs_id="said", outputs_preview="!"), *steps)


def test_a_span_that_goes_on_after_the_answer_gives_no_answer():
    said = turn("agent", (0, 9))
    saved = row("save memory", "", (10 * MS, 12 * MS), kind="span", outputs_id="saved",
                outputs_preview="ok", hints={"is_run": True})  # fmt: skip
    tree, outcome = run(said, saved)
    assert summarize(tree, outcome).columns["outputs_id"] == "agent-said"
    assert saved.hints["after_answer"]
