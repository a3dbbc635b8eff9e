"""What differs between two values: what is ignored, how it is written, how it is bounded."""

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


def paths_and_forms(before, after):
    return [(change.path, change.form) for change in value_difference(before, after).changes]


# -- what is ignored -----------------------------------------------------------------------------


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
        ({"sys": {"timestamp": 1, "query": "x"}}, {"sys": {"timestamp": 2, "query": "x"}}),
        ({"#sys.conversation_id#": "c1"}, {"#sys.conversation_id#": "c2"}),
        ({"metadata": {"started_at": 1.5}}, {"metadata": {"started_at": 2.5, "finished_at": 3.5}}),
        ({"created_at": 1, "elapsed_time": 0.1}, {"created_at": 2, "elapsed_time": 0.2}),
        ({"object": "r", "model": "m", "created": 1}, {"object": "r", "model": "m", "created": 2}),
        ("date: Mon, 30 Nov 2026 19:57:45 +0000", "date: Tue, 1 Dec 2026 04:00:01 GMT"),
        ("built Mon Nov 30 19:57:45 2026", "built Tue Dec  1 04:00:01 UTC 2026"),
        ("at 2026/11/30 19:57:45+0000", "at 2026-12-01T04:00Z"),
        (
            "https://x/f.png?timestamp=17&nonce=a1&sign=Zm9v%3D",
            "https://x/f.png?timestamp=18&nonce=b2&sign=YmFy",
        ),
    ],
)
def test_ids_times_and_measurements_are_ignored(before, after):
    assert equivalent(before, after)
    difference = value_difference(before, after)
    assert difference.total == 0 and difference.ignored_total


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
        ({"order": {"created_at": 1}}, {"order": {"created_at": 2}}),
        ({"metadata": {"created_at": 1, "page": 3}}, {"metadata": {"created_at": 2, "page": 3}}),
        ({"timestamp": 1}, {"timestamp": 2}),
        ({"started_at": "in May"}, {"started_at": "in June"}),
        ({"request_id": "R-17"}, {"request_id": "R-18"}),
        ({"age": 41}, {"age": 42}),
        ({"sys": {"query": "x"}}, {"sys": {"query": "y"}}),
        ({"sys.query": "x", "sys.user_id": "u1"}, {"sys.query": "x", "sys.user_id": "u2"}),
        ({"headers": {"x-tenant-id": "a"}}, {"headers": {"x-tenant-id": "b"}}),
        ({"headers": {"content-type": "text/html"}}, {"headers": {"content-type": "text/plain"}}),
        ("https://x/f.png?page=1", "https://x/f.png?page=2"),
    ],
)
def test_everything_else_is_a_change(before, after):
    assert not equivalent(before, after)
    assert value_difference(before, after).total == 1 or isinstance(before, dict)
    assert value_difference(before, after).total


@pytest.mark.parametrize(
    "header",
    [
        "X-Request-Id", "x-amzn-RequestId", "X-Correlation-ID", "x-amzn-trace-id", "x-b3-traceid",
        "cf-ray", "CF-RAY", "Date", "Set-Cookie", "age", "ETag", "last-modified", "traceparent",
        "x-ratelimit-remaining-tokens", "anthropic-ratelimit-requests-reset", "server-timing",
        "x-ms-request-id", "apim-request-id", "mcp-session-id", "content-length",
    ],
)  # fmt: skip
@pytest.mark.parametrize("under", ["headers", "responseHeaders", "request_headers"])
def test_headers_of_a_single_answer_are_ignored(header, under):
    before, after = ({under: {header: text, "server": "x"}} for text in ("7f01 a", "8c02 b"))
    difference = value_difference(before, after)
    assert equivalent(before, after) and not difference.total and difference.ignored_total == 1
    before, after = {under: {"server": "x"}}, {under: {"server": "x", header: "8c02 b"}}
    assert equivalent(before, after) and not value_difference(before, after).total


def test_items_are_aligned_without_what_is_ignored():
    def entry(label, at):
        return {"label": label, "metadata": {"started_at": at, "elapsed_time": at / 3}}

    before = [entry("round 1", 1.1), entry("round 2", 2.2)]
    after = [entry("thought", 5.5), entry("round 1", 6.1), entry("round 2", 7.2)]
    assert paths_and_forms(before, after) == [("[0]", "added")]


@given(JSON)
def test_a_value_does_not_differ_from_itself(value):
    difference = value_difference(value, value)
    assert equivalent(value, value) and not difference.total and not difference.ignored_total


@given(JSON, JSON)
def test_the_order_of_the_two_values_does_not_matter(before, after):
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
def test_texts_are_equivalent_when_only_ids_and_times_differ(before, after):
    assert equivalent(before, after) == (without_volatile(before) == without_volatile(after))


@given(JSON, JSON)
def test_values_that_are_not_equivalent_have_a_change(before, after):
    assert bool(value_difference(before, after).total) == (not equivalent(before, after))


# -- paths ---------------------------------------------------------------------------------------


def test_changes_have_a_path():
    before = {"a": 1, "gone": 2, "deep": {"list": [1, 2, 3]}}
    after = {"a": 1, "come": 2, "deep": {"list": [1, 5, 3]}, "odd key": 0}
    assert paths_and_forms(before, after) == [
        ("come", "added"),
        ("gone", "removed"),
        ('["odd key"]', "added"),
        ("deep.list[1]", "changed"),
    ]


def test_an_inserted_item_does_not_shift_the_others():
    assert paths_and_forms(["a", "b", "c"], ["a", "x", "b", "c"]) == [("[1]", "added")]


def test_a_moved_item_is_neither_removed_nor_added():
    [change] = value_difference(
        [{"n": 1}, {"n": 2}, {"n": 3}], [{"n": 2}, {"n": 3}, {"n": 1}]
    ).changes
    assert (change.path, change.form, change.after) == ("[0]", "moved", "[2]")


def test_json_in_a_text_is_read():
    before, after = '{"order": "A-17", "n": 1}', '{"order": "A-18", "n": 1}'
    assert paths_and_forms({"arguments": before}, {"arguments": after}) == [
        ("arguments.order", "changed")
    ]


# -- texts ---------------------------------------------------------------------------------------


def words(before, after):
    return [(piece.form, piece.text) for piece in diff_words(before, after).pieces]


def test_a_text_is_compared_by_word():
    pieces = words("You can return it within 30 days of delivery.",
                  "You can return it within 14 days of delivery.")  # fmt: skip
    assert pieces == [
        ("same", "You can return it within "),
        ("removed", "30 "),
        ("added", "14 "),
        ("same", "days of delivery."),
    ]


def test_a_text_without_spaces_is_compared_by_character():
    assert words("三十天之内可以退货", "十四天之内可以退货") == [
        ("removed", "三"),
        ("same", "十"),
        ("added", "四"),
        ("same", "天之内可以退货"),
    ]


def test_what_stayed_is_cut_around_the_change():
    line = "the quick brown fox jumps over the lazy dog. "
    pieces = diff_words(line * 40 + "red " + line * 40, line * 40 + "blue " + line * 40).pieces
    assert [piece.form for piece in pieces] == ["gap", "same", "removed", "added", "same", "gap"]
    assert sum(len(piece.text) for piece in pieces) < 300


def test_an_invisible_difference_has_a_note():
    for before, after in (("a b", "a  b"), ("end", "end\n"), ("word " * 30, "word " * 29 + "word")):
        [change] = value_difference(before, after).changes
        assert change.unseen == "Only whitespace differs."
    for before, after in (("ab", "a\u200bb"), ("caf\u00e9", "cafe\u0301")):
        [change] = value_difference(before, after).changes
        assert "invisible characters" in change.unseen
    assert value_difference("a b", "a c").changes[0].unseen == ""
    assert blanks("a b\t\n\u00a0") == "a·b⇥↵\n⍽"


def test_texts_with_nothing_in_common_stay_whole():
    [change] = value_difference("a b c d e f g h " * 8, "1 2 3 4 5 6 7 8 9 " * 8).changes
    assert not change.pieces and change.before.startswith("a b") and change.after.startswith("1 2")


@given(st.text(max_size=300), st.text(max_size=300))
def test_pieces_make_up_both_texts(before, after):
    """Where nothing was left out, with a replacement for each character that no page can hold."""
    pieces = diff_words(before, after).pieces
    if not pieces or any(piece.form == "gap" for piece in pieces):
        return
    old = "".join(piece.text for piece in pieces if piece.form != "added")
    new = "".join(piece.text for piece in pieces if piece.form != "removed")
    assert len(old) == len(before) and len(new) == len(after)


# -- bounds --------------------------------------------------------------------------------------


def test_all_changes_are_counted_and_the_first_are_kept():
    difference = value_difference(
        {f"k{n:04}": n for n in range(500)}, {f"k{n:04}": -n for n in range(500)}
    )
    assert (
        difference.total == 499
        and len(difference.changes) == MAX_CHANGES
        and difference.hidden == 499 - MAX_CHANGES
    )


def test_a_late_change_in_a_huge_text_is_a_change():
    text = "word " * 400_000
    [change] = value_difference(text + "apple tail", text + "pear tail").changes
    assert [piece.form for piece in change.pieces if piece.form != "same"] == [
        "gap",
        "removed",
        "added",
    ]


def test_huge_texts_are_compared_from_where_they_diverge():
    text_diff = diff_words("same start. " + "old " * 50_000, "same start. " + "new " * 50_000)
    assert f"1 to {MAX_CHARS:,} of 200,012" in text_diff.note


@pytest.mark.parametrize("count", [20, 2_000, 10_000])
def test_an_inserted_or_moved_item_is_a_single_change_in_a_list_of_any_length(count):
    items = [{"n": n} for n in range(count)]
    assert paths_and_forms(items, [{"n": -1}, *items]) == [("[0]", "added")]
    assert paths_and_forms(items, [*items[:9], *items[10:]]) == [("[9]", "removed")]
    assert paths_and_forms(items, [*items[1:], items[0]]) == [("[0]", "moved")]
    both = [*items[:5], {"n": -1}, *items[5:-5], {"n": -2}, *items[-4:]]
    assert paths_and_forms(items, both) == [("[5]", "added"), (f"[{count - 5}].n", "changed")]
    alike = [0] * count  # nothing tells them apart but the ends
    assert paths_and_forms(alike, [1, *alike]) == [("[0]", "added")]


def test_of_huge_lists_the_beginning_is_compared():
    difference = value_difference([], [0] * 200_000)
    assert difference.total == 50_000 and "first 50,000" in difference.note


def test_deep_values_are_compared():
    before, after = "x", "y"
    for _ in range(800):
        before, after = [before], [after]
    assert value_difference(before, after).total == 1 and not equivalent(before, after)


def test_characters_that_no_page_can_hold_are_replaced():
    [change] = value_difference({"a\x00": "\x01"}, {"a\x00": "\x02"}).changes
    assert change.path == "a␀" and (change.before, change.after) == ("␁", "␂")


def test_a_word_again_and_again_is_no_id():
    text = "call-" * 200_000  # took minutes when each began a search to the end
    assert without_volatile(text) == text


def test_of_very_long_lists_the_beginning_is_compared():
    for before, after in (([], [1]), ([1], [2]), ([1], [1])):
        difference = value_difference(before * (MAX_VALUES + 1), after * (MAX_VALUES + 1))
        assert difference.note
