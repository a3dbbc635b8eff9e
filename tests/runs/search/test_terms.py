"""Terms, normalizing and the texts of values: the pure half of a search."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.search.coding import DIGITS, document_text, encoded, spaced_words, trigrams
from runs.search.normalizing import composed, find_term, normalized, original_index
from runs.search.terms import MAX_WORDS, as_phrases, between_escapes, parse_text, unescaped_word
from runs.search.texts import text_of_value, unescaped


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ()),
        ("   ", ()),
        ('""', ()),
        ("refund", ("refund",)),
        ("Refund ORDER", ("refund", "order")),
        ('"order A-17" twice', ("order a-17", "twice")),
        ('"not closed', ("not closed",)),
        ("“typographic  quotes”", ("typographic quotes",)),
        ('a"b c"d', ("b c", "a", "d")),
        ("refund refunds refund", ("refunds",)),
        ("退款 合同", ("退款", "合同")),
        ("a\0b", ("a", "b")),
    ],
)
def test_words_and_phrases(text: str, words: tuple[str, ...]) -> None:
    terms = parse_text(text)
    assert sorted(terms.words) == sorted(words)
    assert bool(terms) == bool(words)


@pytest.mark.parametrize(
    ("text", "words", "without"),
    [
        ("refund -order", ("refund",), ("order",)),
        ('refund -"order A-17" -退款', ("refund",), ("order a-17", "退款")),
        ("-refund", (), ("refund",)),
        ("-5 --verbose -> - x", ("-5", "--verbose", "x"), ()),
        ('"-refund"', ("-refund",), ()),
    ],
)
def test_a_minus_takes_away(text: str, words: tuple[str, ...], without: tuple[str, ...]) -> None:
    terms = parse_text(text)
    assert (sorted(terms.words), terms.without) == (sorted(words), without) and terms


def test_signs_beside_words_are_not_looked_for() -> None:
    words = parse_text("Error code: 400 - {'error': { 'message' : x = 你").words
    assert sorted(words) == ["'message'", "400", "code:", "x", "{'error':", "你"]
    assert parse_text("- =").words == ("-", "=") and parse_text("no 😀").words == ("no", "😀")


def test_a_text_as_it_stands() -> None:
    message = 'model: x\n  File "/app/a.py", line 12 status:\\"500\\"'
    phrases = '"model: x File" "/app/a.py" ", line 12 status:" "500"'
    assert as_phrases(message) == phrases
    assert as_phrases('model: C:\\ "x" D:\\new\\') == '"model: C:" "x" "D:\\new"'
    lines = "\n".join(f'File "/app/{number:03}.py", line {number}' for number in range(50))
    assert 0 < len(parse_text(as_phrases(lines)).words) < MAX_WORDS


def test_a_word_copied_from_json_is_read() -> None:
    assert unescaped_word(r"one\ntwo") == "one two" and unescaped_word(r"\u4f60\u597d") == "你好"
    assert unescaped_word("plain") == "" == unescaped_word(r"c:\qq")
    for word in (r"one\ntwo", r"say \"yes\"", r"x\u4f60y", r"c:\\new"):
        for piece in between_escapes(word):
            assert piece in word and piece in (unescaped_word(word) or word)


@given(st.lists(st.text("ab c\u4f60", min_size=1), min_size=1), st.data())
def test_the_index_has_the_parts_of_every_phrase(texts: list[str], data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(texts))
    start = data.draw(st.integers(0, len(text) - 1))
    phrase = text[start : data.draw(st.integers(start + 1, len(text)))]
    document = document_text({word for source in texts for word in source.split()})
    for part in spaced_words(encoded(phrase)):
        assert part in document


def test_very_many_words_are_bounded() -> None:
    assert len(parse_text(" ".join(f"w{i}x" for i in range(500))).words) == MAX_WORDS


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("Straße", "STRASSE"),
        ("Zürich", "zurich"),
        ("Zu\u0308rich", "Zürich"),
        ("İstanbul", "istanbul"),
        ("ISPARTA", "ısparta"),
        ("Καλημέρα ΚΌΣΜΟΣ", "καλημερα κοσμος"),
        ("Ёлка", "елка"),
        ("ＦＵＬＬ　ｗｉｄｔｈ", "full width"),
        ("ﾊﾞﾅﾅ", "バナナ"),
        ("か\u3099", "が"),
        ("한글", "\u1112\u1161\u11ab\u1100\u1173\u11af"),
        ("ﬁle", "file"),
        ("co\u00adop", "coop"),
        ("❤\ufe0f", "❤"),
        ("e\u0301t\u0301", "et"),
    ],
)
def test_spellings_that_are_equal(text: str, other: str) -> None:
    assert normalized(composed(text)) == normalized(composed(other))


@pytest.mark.parametrize(
    ("text", "other"), [("ハ", "バ"), ("가", "각"), ("क", "कि"), ("不", "丕"), ("😀", "😁")]
)
def test_letters_that_differ(text: str, other: str) -> None:
    assert normalized(composed(text)) != normalized(composed(other))


def test_a_place_in_normalized_text_leads_back() -> None:
    text = composed("Die Straße — ﬁn e\u0301 İ 你好, z\u0335ürich")
    normalized_text = normalized(text)
    for term, original in [("strasse", "Straße"), ("fin", "ﬁn"), ("i 你", "İ 你"), ("好,", "好,"),
                        ("zurich", "z\u0335ürich")]:  # fmt: skip
        start, end = find_term(term, normalized_text) or (0, 0)
        assert text[original_index(text, start) : original_index(text, end - 1) + 1] == original


@given(st.text())
def test_each_character_is_normalized_by_itself(text: str) -> None:
    text = composed(text)
    assert "".join(map(normalized, text)) == normalized(text)
    for place in range(len(normalized(text))):
        where = original_index(text, place)
        assert len(normalized(text[:where])) <= place < len(normalized(text[: where + 1]))


def test_a_phrase_spans_white_space() -> None:
    assert find_term("the refund", "all of the \n\t refund") == (7, 20)
    assert find_term("the refund", "the re fund") is None


def test_no_phrase_spans_two_forms_of_a_text() -> None:
    text = text_of_value(r"hello\nworld", False)
    assert find_term("hello world", text) and find_term("world hello", text) is None


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (r'{"a":"one\ntwo"}', "one\ntwo"),
        (r'{"a":"say \"yes\""}', 'say "yes"'),
        (r'{"a":"\u4f60\u597d"}', "你好"),
        (r'{"a":"\ud83d\ude00"}', "😀"),
        (r'{"a":"C:\\new\\table"}', r"C:\new\table"),
        (r'{"a":"{\"b\":\"x\\ny\"}"}', "x\ny"),
        (r'{"a":"{\"b\":\"{\\\"c\\\":\\\"\\u4f60\\\\ny\\\"}\"}"}', "你\ny"),
        (r'{"a":"\ud83d"}', "{"),
    ],
)
def test_json_is_read_unescaped(body: str, text: str) -> None:
    assert text in text_of_value(body, is_json=True)


def test_text_that_holds_json_is_read_both_ways() -> None:
    text = text_of_value(r'400: {"message": "\u4f59\u989d\n', is_json=False)
    assert "余额\n" in text and r"\u4f59" in text


@given(st.recursive(st.text(), lambda inner: st.lists(inner, max_size=3), max_leaves=5))
def test_every_string_of_a_value_stands_in_its_text(value: object) -> None:
    import orjson

    text = text_of_value(orjson.dumps(value).decode(), is_json=True)

    def strings(inner: object) -> list[str]:
        return [inner] if isinstance(inner, str) else [s for x in inner for s in strings(x)]  # type: ignore[attr-defined]

    for string in strings(value):
        assert composed(string) in text


def test_unescaping_is_left_to_right() -> None:
    assert unescaped(r"\\n \\\n \q \u12 \uZZZZ") == "\\n \\\n \\q \\u12 \\uZZZZ"


def test_the_index_sees_ascii_only() -> None:
    code = encoded(normalized("Ünïcode 你好\0\n ok"))
    assert code.isascii() and code.startswith("unicode ") and code.endswith(" ok")
    pair = encoded("你好")
    assert len(pair) == 6 and set(pair) <= set(DIGITS) and len(trigrams(pair)) == 4
    assert trigrams("ab") == []
