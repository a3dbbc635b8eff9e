"""Where values came from, without a database: what tells, what is equal, who was in force."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.lineage.executions import Visit, Visits, is_before
from nodes.lineage.index import Index
from nodes.lineage.links import Holder, Search, Source
from nodes.lineage.origins import came_from
from nodes.lineage.run_index import Story, Whole
from nodes.lineage.trace import back, forward
from nodes.lineage.uses import used_by
from nodes.lineage.values import (
    MAX_PIECES,
    MISSING,
    at,
    from_pointer,
    key_of,
    pieces,
    pointer,
    spoken,
    tells,
)

TEXT = "The lamp has been shipped to Basel."


def story(*steps: tuple[str, Any, Any], given_: Any = None, answer: Any = None) -> Story:
    """A run of steps (name, inputs, outputs), one after the other."""
    stored: dict[str, Any] = {"run-in": given_, "run-out": answer}
    visits = []
    for number, (name, inputs, outputs) in enumerate(steps):
        stored[f"{name}-in"], stored[f"{name}-out"] = inputs, outputs
        visits.append(
            Visit(name, node_id=name, title=name, index=number, start=number * 10 + 1,
                  end=number * 10 + 9, inputs=f"{name}-in", outputs=f"{name}-out")
        )  # fmt: skip

    def load(digests: list[str], add: Any) -> None:
        for digest in digests:
            if stored.get(digest) is not None:
                add(digest, stored[digest])

    return Story(visits, Whole("run-in", "run-out"), None, load)


def links(found: Story, name: str) -> list[tuple[str, str, str]]:
    told = []
    for link in came_from(found, found.visits.by_id[name]):
        source = link.source
        giver = source.visit.id if source.visit else source.form
        told.append((spoken(link.path or ()), f"{giver}.{spoken(source.path)}", link.change))
    return told


# -- what tells --


@pytest.mark.parametrize(
    "text", [TEXT, "order-A17-refund", "订单已经发货了", "9f8b1c2d-0000-4000-8000-1"]
)
def test_texts_that_tell(text: str) -> None:
    assert tells(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yes",
        "refund",
        "hello world",
        "aaaaaaaaaaaaaaaaaaaaaa",
        " " * 40,
        "1010101010101",
        "是的",
        "123456789",
    ],
)
def test_texts_that_do_not(text: str) -> None:
    assert not tells(text)


small = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.floats(allow_nan=False)
    | st.text(max_size=4, alphabet=st.characters(max_codepoint=0x2E7F)),
    lambda inner: st.lists(inner, max_size=5)
    | st.dictionaries(st.text(max_size=20), inner, max_size=5),
)  # fmt: skip


@given(small, small)
def test_small_values_never_give_a_link(one: Any, other: Any) -> None:
    """Whatever is equal in them: nobody can tell where a 7 came from."""
    steps = [("a", {"x": one}, {"x": one, "y": other}), ("b", {"x": one, "z": [other]}, one)]
    found = story(*steps, given_={"x": one}, answer=one)
    for visit in found.visits.by_id.values():
        assert came_from(found, visit) == [] and used_by(found, visit) == []


@given(small)
def test_pieces_and_places(value: Any) -> None:
    for piece in pieces(value):
        if not piece.decoded:
            assert at(value, piece.path) == piece.value
            assert at(value, from_pointer(pointer(piece.path))) == piece.value
    assert at(value, ("no such", "place")) is MISSING


def test_pieces_are_bounded() -> None:
    assert len(pieces(list(range(100_000)))) == MAX_PIECES
    deep: Any = TEXT
    for _ in range(500):
        deep = {"x": [deep]}
    assert len(pieces(deep)) < 100
    assert key_of([*range(MAX_PIECES + 1), TEXT]) is None  # not all of it was looked at


# -- how values change on the way --


@pytest.mark.parametrize(
    "gave, had, expected",
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
def test_changes(gave: Any, had: Any, expected: tuple[str, str]) -> None:
    [(path, source, change)] = links(story(("a", None, gave), ("b", had, None)), "b")
    assert (path, change) == expected and source.startswith("a.")


def test_what_came_as_a_whole_is_not_taken_apart() -> None:
    message = {"role": "user", "content": TEXT}
    found = story(("a", None, {"m": message, "text": TEXT}), ("b", {"messages": [message]}, None))
    assert links(found, "b") == [("messages[0]", "a.m", "same")]


def test_a_text_of_several_sources() -> None:
    steps = [("a", None, "The lamp is on its way."), ("b", None, "The chair is sold out."),
             ("c", "Write: The chair is sold out. The lamp is on its way.", None)]  # fmt: skip
    assert links(story(*steps), "c") == [("", "b.", "inserted"), ("", "a.", "inserted")]


def test_words_about_values_are_no_values() -> None:
    gave = {"model": "large-model-2026-06", "text": TEXT}
    had = {"model": "large-model-2026-06", "finish_reason": "content-filtered-out"}
    assert links(story(("a", None, gave), ("b", had, None)), "b") == []


def test_the_same_name_is_nearer_than_the_newest() -> None:
    steps = [("a", None, {"question": TEXT}), ("b", None, {"messages": [{"content": TEXT}]}),
             ("c", {"question": TEXT, "n": 1}, None)]  # fmt: skip
    assert links(story(*steps), "c") == [("question", "a.question", "same")]


# -- who was in force --


def test_only_what_had_ended_before() -> None:
    one, other = Visit("a", start=10, end=30, index=0), Visit("b", start=20, end=40, index=1)
    assert not is_before(one, other) and not is_before(other, one)
    assert is_before(one, Visit("c", start=30, end=30, index=2))
    assert not is_before(Visit("r", start=1, end=2, status="retry"), other)
    second = 1_000_000
    told_in_seconds = Visit("d", start=5 * second, end=6 * second, index=2)
    assert is_before(Visit("e", start=5 * second, end=5 * second + 400, index=1), told_in_seconds)
    assert not is_before(Visit("f", end=3), other) or other.start is not None


def test_of_several_visits_the_last_of_the_own_pass() -> None:
    passes = [
        Visit(f"w{number}", "loop", "write", iteration=(number,), index=number + 1,
              start=10 + number, end=20 + number)
        for number in range(3)
    ]  # fmt: skip
    reader = Visit("r", "loop", "read", iteration=(1,), index=9, start=40, end=41)
    outside = Visit("o", "", "read", index=10, start=50, end=51)
    loop = Visit("loop", "", "loop", start=1, end=45)
    visits = Visits([*passes, reader, outside, loop])
    found = visits.in_force(["write"], reader)
    assert found is not None and found.id == "w1"
    last = visits.in_force(["write"], outside)
    assert last is not None and last.id == "w2"
    assert visits.in_force(["loop"], reader) is loop
    assert visits.in_force(["never"], reader) is None


def test_a_tree_that_bites_its_tail() -> None:
    one, other = Visit("a", "b", start=1, end=2), Visit("b", "a", start=1, end=2)
    visits = Visits([one, other])
    assert [v.id for v in visits.above(one)] == ["b"]
    assert [v.id for v in visits.below(one)] == ["b"]


def test_the_nearest_wins_and_common_texts_tell_nothing() -> None:
    steps = [(f"s{number}", None, {"n": number, "text": TEXT}) for number in range(3)]
    assert links(story(*steps, ("u", [TEXT], None)), "u") == [("[0]", "s2.text", "same")]
    steps.append(("s3", None, {"n": 3, "text": TEXT}))
    assert links(story(*steps, ("u", [TEXT], None)), "u") == []
    long = TEXT * 3
    many = [(f"s{number}", None, {"n": number, "text": long}) for number in range(9)]
    assert links(story(*many, ("u", [long], None)), "u") == [("[0]", "s8.text", "same")]


# -- following --


def chain() -> Story:
    return story(
        ("start", {"q": TEXT}, {"q": TEXT}),
        ("prompt", {"q": TEXT}, {"prompt": f"Answer this: {TEXT}"}),
        ("model", {"messages": [{"role": "user", "content": f"Answer this: {TEXT}"}]},
         {"text": '{"answer": "It will arrive on Tuesday."}'}),
        ("read", {"raw": '{"answer": "It will arrive on Tuesday."}'},
         {"answer": "It will arrive on Tuesday."}),
        given_={"q": TEXT},
        answer={"reply": "It will arrive on Tuesday."},
    )  # fmt: skip


def test_back_to_the_first_origin() -> None:
    found = chain()
    hops = back(found, found.visits.by_id["model"], "inputs", ("messages", "0", "content"))
    way = [(hop.source.visit.id if hop.source.visit else hop.source.form, hop.source.part)
           for hop in hops]  # fmt: skip
    assert way == [
        ("model", "inputs"), ("prompt", "outputs"), ("prompt", "inputs"), ("start", "outputs"),
        ("start", "inputs"), ("input", ""),
    ]  # fmt: skip
    assert hops[-1].value == TEXT or hops[-1].value == {"q": TEXT}
    [first] = back(found, found.visits.by_id["model"], "outputs", ("text",))
    assert first.source.visit is not None and first.link is None


def test_forwards_to_the_answer() -> None:
    found = chain()
    went = forward(found, found.visits.by_id["model"], "outputs", ("text",))
    assert [(hop.source.visit.id if hop.source.visit else hop.source.form, hop.level)
            for hop in went] == [("read", 0), ("answer", 1)]  # fmt: skip
    assert went[-1].value == "It will arrive on Tuesday."


def test_a_search_has_an_end() -> None:
    index = Index()
    index.add("a", [f"The {number}th text, long enough to be looked for." for number in range(500)])
    held = Holder((0, 0), Source("step"))
    search = Search(index, lambda payload: held, left=10_000)
    search.links(["Nothing of this is there, whatever is looked for. " * 20] * 50)
    assert search.stopped
