"""What a mask takes out, wherever it hides."""

import json

import orjson
import pytest

from runs.redaction.masks import MASKED, Mask, mask_of, masked_texts
from runs.redaction.unescape import unescaped

SECRET = "Ada Lovelace"
NESTED = json.dumps({"a": json.dumps({"b": json.dumps({"email": "e@x.org", "who": SECRET})})})


def sent_and_read(value):
    """Return the JSON that is sent, and what a reader of it would read."""
    text = orjson.dumps(value).decode()
    return text, unescaped(text)


@pytest.mark.parametrize(
    "value",
    [
        SECRET,
        SECRET.upper(),
        "the ada\n  lovelace of it",
        {"x": [{"y": f"by {SECRET}!"}]},
        {SECRET: 1, SECRET.lower(): 2},
        NESTED,
        f"before {NESTED} after",
        json.dumps(SECRET),
        "Ada\\u0020Lovelace",
        "\\\\u0041da Lovelace",
        "https://x/?q=Ada%20Lovelace&y",
        "q=Ada+Lovelace",
        "%2541da%2520Lovelace",
        "&#65;da Lovelace",
        "Ada&nbsp;Lovelace",
        "Ada Love\u200blace",
        "Ada Love\u00adlace",
        "Ａｄａ Lovelace",
        "Written by Ada Lov…",
        "Written by Ada Lovelac...",
        "x" * 200 + " Ada Love",
        [SECRET, SECRET],
    ],
    ids=ascii,
)
def test_a_masked_word_is_sent_in_no_form(value):
    masked = mask_of([f"word:{SECRET}"]).value(value)
    for text in sent_and_read(masked):
        assert "lovel" not in text.casefold() and "ada lov" not in text.casefold()
    assert MASKED in orjson.dumps(masked).decode()


@pytest.mark.parametrize(
    ("value", "stays"),
    [
        ({"email": "e@x.org", "b": 1}, '"b":1'),
        ({"E-Mail": {"all": ["e@x.org"]}}, '"E-Mail"'),
        ({"userEmail": "fine", "email": "e@x.org"}, "fine"),
        ({"name": "email", "value": "e@x.org"}, '"name":"email"'),
        ([["email", "e@x.org"], ["b", "c"]], '["b","c"]'),
        (NESTED, "Lovelace"),
        ("email: e@x.org\nphone: 3", "phone: 3"),
        ("EMAIL = 'e@x.org' and", " and"),
        ("{'email': 'e@x.org', 'b': 1", "'b': 1"),
        ('{"b": 1, "email": {"home": "e@x.org"', '\\"b\\": 1'),
        ('log: \\"email\\": \\"a\\\\\\"e@x.org\\", b', ", b"),
        ("<row><email kind='x'>e@x.org</email><b>2</b></row>", "<b>2</b>"),
        ("email:\n  e@x.org\n  e@x.org\nb", "b"),
    ],
    ids=ascii,
)
def test_the_value_of_a_key_is_masked_and_its_neighbours_stay(value, stays):
    text, _ = sent_and_read(mask_of(["key:email"]).value(value))
    assert "e@x.org" not in text and MASKED in text and stays in text


def test_a_path_is_more_precise_than_a_key():
    value = {"customer": {"name": "Ada"}, "rows": [{"customer": {"name": "Bo"}}], "name": "Desk"}
    assert mask_of(["key:customer.name"]).value(value) == {
        "customer": {"name": MASKED},
        "rows": [{"customer": {"name": MASKED}}],
        "name": "Desk",
    }
    assert mask_of(["key:rows.customer.name"]).value(value)["customer"] == {"name": "Ada"}


def test_numbers_short_words_and_files():
    mask = mask_of(["word:4711", "word:ab"])
    assert mask.value([4711, 47.11, 14711, True, None]) == [MASKED, 47.11, MASKED, True, None]
    assert mask.text("ab, cab, AB") == f"{MASKED}, cab, {MASKED}"
    assert mask.value("data:text/plain;base64,NDcxMQ==").endswith(f"{MASKED})")


def test_fields_bring_their_keys():
    value = {"model": "m-1", "total_price": "0.2", "user_id": "u-7", "messages": ["hi"], "x": 1}
    for field, key in (("models", "model"), ("costs", "total_price"), ("user", "user_id"),
                       ("messages", "messages")):  # fmt: skip
        assert mask_of([field]).value(value) == value | {key: MASKED}
    value = {
        "state": [{"role": "user", "content": "hi"}],
        "last": {"role": "user", "content": "hi"},
    }
    assert mask_of(["messages"]).value(value) == {"state": MASKED, "last": MASKED}


def test_an_empty_mask_changes_nothing():
    value = {"email": "e@x.org", "deep": [NESTED]}
    for mask in (Mask(), mask_of(["inputs", "notes", "word: ", "key:..."])):
        assert not mask.is_active and mask.value(value) is value


def test_depth_and_size_do_not_stop_it():
    deep: object = SECRET
    for _ in range(300):
        deep = [deep]
    mask = mask_of([f"word:{SECRET}", "key:email"])
    assert mask.value(deep) == MASKED
    nested = SECRET
    for _ in range(8):
        nested = json.dumps({"a": nested})
    assert "lovelace" not in unescaped(str(mask.value(nested)))
    assert mask.value("[" * 10_000) == "[" * 10_000
    assert MASKED in mask.value('{"email": "' * 10_000)


def test_a_long_row_of_backslashes_is_read_once():
    """500 KB of them: else the page of a link would never come."""
    row = "\\" * 500_000
    assert unescaped(f"{row}n{row}u0041{row}") == f"a{row}"


def test_masked_texts_and_numbers_become_words_but_not_true_and_false():
    """Else every "true" in an error would be masked."""
    value = {"who": {"id": 4711, "known": True, "short": "Ada"}, "list": [{"who": SECRET}, "kept"]}
    masked = Mask(paths=frozenset({("who",)})).value(value)
    assert sorted(masked_texts(value, masked)) == ["4711", SECRET]


@pytest.mark.parametrize("levels", range(8))
def test_a_tag_that_ends_in_another_item_stops_nothing(levels):
    """JSON in JSON is masked as text from some level on, whatever that leaves of it."""
    text = json.dumps(["<email>a", "b</email>", {"email": "e@x.org"}])
    for _ in range(levels):
        text = json.dumps({"inner": text})
    deep = '{"a":' * 150 + text + "}" * 150
    for value in (text, deep):
        list(masked_texts([value], Mask(paths=frozenset({("email",)})).value([value])))
