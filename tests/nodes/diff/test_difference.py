"""What differs between two values: which places count, how it is written, how it is bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.diff.difference import MAX_CHANGES, MAX_VALUES, value_difference
from nodes.diff.ignored import equivalent, without_volatile
from nodes.diff.text_diff import MAX_CHARS, diff_words
from nodes.formats import blanks

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)
UUID_A, UUID_B = "485dcc26-3d1e-461d-a19f-44bb756d25e5", "5a3a1126-ec2a-4be5-8424-312ad5945655"


def told(before, after):
    return [(one.path, one.form) for one in value_difference(before, after).changes]


# -- what counts ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"sys.workflow_run_id": UUID_A, "q": "x"}, {"sys.workflow_run_id": UUID_B, "q": "x"}),
        ("at 2026-11-18T14:22:43.737Z", "at 2026-11-21 15:08:04+01:00"),
        ({"text": "a", "usage": {"latency": 0.3}}, {"text": "a", "usage": {"latency": 0.9}}),
        ({"text": "a"}, {"text": "a", "usage": {"total_tokens": 3}}),
        ("call_ee31c7e1-acb", "call_1df0e2c9-c61"),
        ("trace 4bf92f3577b34da6a3ce929d0e0e4736", "trace 00f067aa0ba902b7a3ce929d0e0e4736"),
        (f'{{"id": "{UUID_A}"}}', f'{{ "id":"{UUID_B}"}}'),
        ([{"id": UUID_A}], [{"id": UUID_B}]),
        ({"n": 1}, {"n": 1.0}),
    ],
)
def test_ids_moments_and_meters_tell_no_runs_apart(before, after):
    assert equivalent(before, after)
    found = value_difference(before, after)
    assert found.total == 0 and found.aside_total


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("refund order A-17", "refund order A-18"),
        ("due 2026-11-18", "due 2026-11-19"),
        (1, 2),
        (1, "1"),
        (1, True),
        (0.0, False),
        (1, 1.5),
        (None, ""),
        ({"a": 1}, {"b": 1}),
        (["x"], ["x", "x"]),
        ("4111111111111111", "4111111111111112"),
        (f"order A-17 {UUID_A}", f"order A-18 {UUID_B}"),
        ('{"order": "A-17"}', '{"order": "A-18"}'),
    ],
)
def test_everything_else_counts(before, after):
    assert not equivalent(before, after)
    assert value_difference(before, after).total == 1 or isinstance(before, dict)
    assert value_difference(before, after).total


@given(JSON)
def test_a_value_does_not_differ_from_itself(value):
    found = value_difference(value, value)
    assert equivalent(value, value) and not found.total and not found.aside_total


@given(JSON, JSON)
def test_both_ways_tell_the_same_values_apart(before, after):
    assert equivalent(before, after) == equivalent(after, before)
    assert bool(value_difference(before, after).total) == bool(
        value_difference(after, before).total
    )


TOKENS = st.lists(
    st.sampled_from([UUID_A, UUID_B, "call_ee31c7e1-acb", "call_ee31c7e1", "2026-11-18 14:22:43Z",
                     "2026-11-18 14:22", "2026-11-18", "a", "4bf92f3577b34da6a3", " ", "-", "1"]),
    max_size=8,
).map("".join)  # fmt: skip


@given(TOKENS, TOKENS)
def test_texts_are_alike_when_nothing_but_ids_and_moments_differs(before, after):
    assert equivalent(before, after) == (without_volatile(before) == without_volatile(after))


@given(JSON, JSON)
def test_whatever_is_not_alike_has_a_place_that_counts(before, after):
    assert bool(value_difference(before, after).total) == (not equivalent(before, after))


# -- where it is told ----------------------------------------------------------------------------


def test_changes_are_told_by_path():
    before = {"a": 1, "gone": 2, "deep": {"list": [1, 2, 3]}}
    after = {"a": 1, "come": 2, "deep": {"list": [1, 5, 3]}, "odd key": 0}
    assert told(before, after) == [
        ("come", "added"),
        ("gone", "removed"),
        ('["odd key"]', "added"),
        ("deep.list[1]", "changed"),
    ]


def test_an_item_put_in_does_not_shift_the_others():
    assert told(["a", "b", "c"], ["a", "x", "b", "c"]) == [("[1]", "added")]


def test_an_item_that_moved_is_neither_gone_nor_come():
    [change] = value_difference(
        [{"n": 1}, {"n": 2}, {"n": 3}], [{"n": 2}, {"n": 3}, {"n": 1}]
    ).changes
    assert (change.path, change.form, change.after) == ("[0]", "moved", "[2]")


def test_json_in_a_text_is_read():
    before, after = '{"order": "A-17", "n": 1}', '{"order": "A-18", "n": 1}'
    assert told({"arguments": before}, {"arguments": after}) == [("arguments.order", "changed")]


# -- texts ---------------------------------------------------------------------------------------


def words(before, after):
    return [(one.form, one.text) for one in diff_words(before, after).pieces]


def test_a_text_is_told_by_word():
    found = words("You can return it within 30 days of delivery.",
                  "You can return it within 14 days of delivery.")  # fmt: skip
    assert found == [
        ("same", "You can return it within "),
        ("removed", "30 "),
        ("added", "14 "),
        ("same", "days of delivery."),
    ]


def test_a_text_without_spaces_is_told_by_sign():
    assert words("三十天之内可以退货", "十四天之内可以退货") == [
        ("removed", "三"),
        ("same", "十"),
        ("added", "四"),
        ("same", "天之内可以退货"),
    ]


def test_what_stayed_is_cut_around_the_change():
    line = "the quick brown fox jumps over the lazy dog. "
    found = diff_words(line * 40 + "red " + line * 40, line * 40 + "blue " + line * 40).pieces
    assert [one.form for one in found] == ["gap", "same", "removed", "added", "same", "gap"]
    assert sum(len(one.text) for one in found) < 300


def test_what_nobody_would_see_is_said():
    for before, after in (("a b", "a  b"), ("end", "end\n"), ("word " * 30, "word " * 29 + "word")):
        [change] = value_difference(before, after).changes
        assert change.unseen == "Only white space differs."
    for before, after in (("ab", "a\u200bb"), ("caf\u00e9", "cafe\u0301")):
        [change] = value_difference(before, after).changes
        assert "cannot be seen" in change.unseen
    assert value_difference("a b", "a c").changes[0].unseen == ""
    assert blanks("a b\t\n\u00a0") == "a·b⇥↵\n⍽"


def test_texts_with_nothing_in_common_are_shown_whole():
    [change] = value_difference("a b c d e f g h " * 8, "1 2 3 4 5 6 7 8 9 " * 8).changes
    assert not change.pieces and change.before.startswith("a b") and change.after.startswith("1 2")


@given(st.text(max_size=300), st.text(max_size=300))
def test_pieces_make_up_both_texts(before, after):
    """Where nothing was left out, with a sign for each character that no page can hold."""
    found = diff_words(before, after).pieces
    if not found or any(one.form == "gap" for one in found):
        return
    old = "".join(one.text for one in found if one.form != "added")
    new = "".join(one.text for one in found if one.form != "removed")
    assert len(old) == len(before) and len(new) == len(after)


# -- bounds --------------------------------------------------------------------------------------


def test_many_changes_are_counted_and_the_first_are_shown():
    found = value_difference(
        {f"k{n:04}": n for n in range(500)}, {f"k{n:04}": -n for n in range(500)}
    )
    assert (
        found.total == 499
        and len(found.changes) == MAX_CHANGES
        and found.hidden == 499 - MAX_CHANGES
    )


def test_a_late_change_in_a_huge_text_is_found():
    text = "word " * 400_000
    [change] = value_difference(text + "apple tail", text + "pear tail").changes
    assert [one.form for one in change.pieces if one.form != "same"] == ["gap", "removed", "added"]


def test_huge_texts_are_compared_from_where_they_part():
    wording = diff_words("same start. " + "old " * 50_000, "same start. " + "new " * 50_000)
    assert f"1 to {MAX_CHARS:,} of 200,012" in wording.note


@pytest.mark.parametrize("count", [20, 2_000, 10_000])
def test_an_item_put_in_or_moved_is_one_change_in_a_list_of_any_length(count):
    items = [{"n": n} for n in range(count)]
    assert told(items, [{"n": -1}, *items]) == [("[0]", "added")]
    assert told(items, [*items[:9], *items[10:]]) == [("[9]", "removed")]
    assert told(items, [*items[1:], items[0]]) == [("[0]", "moved")]
    both = [*items[:5], {"n": -1}, *items[5:-5], {"n": -2}, *items[-4:]]
    assert told(items, both) == [("[5]", "added"), (f"[{count - 5}].n", "changed")]
    alike = [0] * count  # nothing tells them apart but the ends
    assert told(alike, [1, *alike]) == [("[0]", "added")]


def test_of_huge_lists_the_beginning_is_compared():
    found = value_difference([], [0] * 200_000)
    assert found.total == 50_000 and "first 50,000" in found.note


def test_deep_values_are_compared():
    before, after = "x", "y"
    for _ in range(800):
        before, after = [before], [after]
    assert value_difference(before, after).total == 1 and not equivalent(before, after)


def test_what_no_page_can_hold_is_shown_as_a_sign():
    [change] = value_difference({"a\x00": "\x01"}, {"a\x00": "\x02"}).changes
    assert change.path == "a␀" and (change.before, change.after) == ("␁", "␂")


def test_a_word_again_and_again_is_no_id():
    text = "call-" * 200_000  # took minutes when each began a search to the end
    assert without_volatile(text) == text


def test_of_very_long_lists_the_beginning_is_compared():
    for before, after in (([], [1]), ([1], [2]), ([1], [1])):
        found = value_difference(before * (MAX_VALUES + 1), after * (MAX_VALUES + 1))
        assert found.note
