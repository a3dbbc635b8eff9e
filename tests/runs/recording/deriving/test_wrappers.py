"""A model call that is reported several times is shown as one call, and nothing of it is lost."""

import pytest

from tests.runs.recording.deriving.test_derive import root, row, run

VALUES = {"inputs_id": "i" * 32, "outputs_id": "o" * 32}
TOKENS = {"total_tokens": 15, "input_tokens": 10, "output_tokens": 5}


def call(source, parent="root", at=(1, 90), **columns):
    return row(source, parent, at, **{"kind": "llm", "model": "gpt-4o", **columns})


def visible(*calls):
    tree, _ = run(root(), *calls)
    return [(step.source_id, step.depth) for step in tree.order], tree


def test_spans_that_say_no_more_are_wrappers_of_what_the_developer_called():
    order, tree = visible(
        call("achat", **VALUES, **TOKENS),
        call("chat", "achat", (2, 80), **VALUES, **TOKENS),
        call("complete", "chat", (3, 70), **VALUES),
    )
    assert order == [("achat", 0)]
    assert [step.source_id for step in tree.rows if step.counted] == ["achat"]


def test_tokens_on_the_inner_call():
    order, tree = visible(
        call("outer", model="openai/gpt-4o", **VALUES),
        call("inner", "outer", (2, 80), model="gpt-4o-2024-08-06", **VALUES, **TOKENS),
        row("http", "inner", (3, 70), kind="http-request"),
    )
    assert order == [("inner", 0), ("http", 1)]
    assert [step.source_id for step in tree.rows if step.counted] == ["inner"]


@pytest.mark.parametrize(
    ("outer", "inner"),
    [
        (VALUES, TOKENS),  # each has what the other lacks
        ({**VALUES, **TOKENS, "model": "gpt-4o-mini"}, {**VALUES, **TOKENS}),
        ({**VALUES, **TOKENS}, {**VALUES, **TOKENS, "total_tokens": 14}),
        ({**VALUES}, {**VALUES, "kind": "embedding"}),
        ({**VALUES}, {**VALUES, "hints": {"chained": True}}),  # Dify: the node after
        ({**VALUES}, {**VALUES, "at": (95, 120)}),  # went on after it
        ({**VALUES}, {"error": "the first try failed"}),
    ],
)
def test_both_stay_where_one_may_be_missed(outer, inner):
    order, _ = visible(call("outer", **outer), call("inner", "outer", **{"at": (2, 80), **inner}))
    assert {source for source, _ in order} == {"outer", "inner"}


def test_two_calls_below_one_are_no_repetition():
    order, _ = visible(
        call("outer", **VALUES),
        call("first", "outer", (2, 40), **VALUES),
        call("second", "outer", (41, 80), **VALUES),
    )
    assert len(order) == 3
