"""Likely links: equal values, texts inside of texts, and values that are too common to say
anything."""

from typing import Any

import pytest
from hypothesis import given

from nodes.lineage.links import ValueSource
from nodes.lineage.origins import origins_of_inputs
from nodes.lineage.uses import uses_of_outputs
from nodes.lineage.value_search import ValueHolder, ValueIndex, ValueSearch
from tests.nodes.lineage.run_builder import links, run_in_order
from tests.nodes.lineage.test_values import SMALL_VALUES, TEXT


@given(SMALL_VALUES, SMALL_VALUES)
def test_small_values_never_give_a_link(first: Any, second: Any) -> None:
    """However equal they are: no one can say where a 7 came from."""
    steps = [
        ("a", {"x": first}, {"x": first, "y": second}),
        ("b", {"x": first, "z": [second]}, first),
    ]
    run = run_in_order(*steps, inputs={"x": first}, outputs=first)
    for step in run.steps.by_id.values():
        assert origins_of_inputs(run, step) == [] and uses_of_outputs(run, step) == []


@pytest.mark.parametrize(
    "outputs, inputs, expected",
    [
        (TEXT, TEXT, ("", "same")),
        (TEXT, f"  {TEXT}\n", ("", "trimmed")),
        ({"text": TEXT}, [{"q": TEXT}], ("[0].q", "same")),
        (f'{{"text": "{TEXT}", "n": 1}}', {"text": TEXT, "n": 1}, ("", "parsed")),
        (f'```json\n{{"text": "{TEXT}"}}\n```', {"x": TEXT}, ("x", "parsed")),
        ({"text": TEXT}, f'{{"text":"{TEXT}"}}', ("", "as text")),
        (TEXT, f"Say this: {TEXT} Politely.", ("", "inserted")),
        (f"One. {TEXT} Two.", TEXT, ("", "cut out")),
        ({"text": "在巴塞尔的灯已经发货"}, "回答：在巴塞尔的灯已经发货。", ("", "inserted")),
    ],
)  # fmt: skip
def test_how_a_value_is_changed_on_the_way(
    outputs: Any, inputs: Any, expected: tuple[str, str]
) -> None:
    run = run_in_order(("a", None, outputs), ("b", inputs, None))
    [(path, source, change)] = links(run, "b")
    assert (path, change) == expected and source.startswith("a.")


def test_what_came_as_a_whole_is_not_taken_apart() -> None:
    message = {"role": "user", "content": TEXT}
    run = run_in_order(
        ("a", None, {"m": message, "text": TEXT}), ("b", {"messages": [message]}, None)
    )
    assert links(run, "b") == [("messages[0]", "a.m", "same")]


def test_a_text_of_several_sources() -> None:
    steps = [("a", None, "The lamp is on its way."), ("b", None, "The chair is sold out."),
             ("c", "Write: The chair is sold out. The lamp is on its way.", None)]  # fmt: skip
    assert links(run_in_order(*steps), "c") == [("", "b.", "inserted"), ("", "a.", "inserted")]


def test_words_that_describe_values_give_no_link() -> None:
    outputs = {"model": "large-model-2026-06", "text": TEXT}
    inputs = {"model": "large-model-2026-06", "finish_reason": "content-filtered-out"}
    assert links(run_in_order(("a", None, outputs), ("b", inputs, None)), "b") == []


def test_the_same_name_is_nearer_than_the_newest() -> None:
    steps = [("a", None, {"question": TEXT}), ("b", None, {"messages": [{"content": TEXT}]}),
             ("c", {"question": TEXT, "n": 1}, None)]  # fmt: skip
    assert links(run_in_order(*steps), "c") == [("question", "a.question", "same")]


def test_the_nearest_wins_and_common_texts_give_no_link() -> None:
    steps = [(f"s{number}", None, {"n": number, "text": TEXT}) for number in range(3)]
    assert links(run_in_order(*steps, ("u", [TEXT], None)), "u") == [("[0]", "s2.text", "same")]
    steps.append(("s3", None, {"n": 3, "text": TEXT}))
    assert links(run_in_order(*steps, ("u", [TEXT], None)), "u") == []
    long = TEXT * 3
    many = [(f"s{number}", None, {"n": number, "text": long}) for number in range(9)]
    assert links(run_in_order(*many, ("u", [long], None)), "u") == [("[0]", "s8.text", "same")]


def test_a_search_has_an_end() -> None:
    index = ValueIndex()
    index.add("a", [f"The {number}th text, long enough to be looked for." for number in range(500)])
    holder = ValueHolder((0, 0), ValueSource("step"))
    search = ValueSearch(index, lambda digest: holder, characters_left=10_000)
    search.links_of(["Nothing of this is there, whatever is looked for. " * 20] * 50)
    assert search.truncated
