"""Text in a normal form, with as many marks on one sign as no script has."""

from unicodedata import normalize

import pytest

from nodes.content.unicode_form import JOINER, in_normal_form
from nodes.diff.text_diff import invisible_difference
from runs.redaction.unescape import unescaped
from runs.search.normalizing import composed, normalized

PILE = "e" + "\u0316\u0301" * 100_000


@pytest.mark.parametrize("text", [
    "plain", "déjà vu", normalize("NFD", "déjà vu"), "\u1100\u1161\u11a8", "中文，测试", "ﾊﾞ",
    "ǖ" * 90, "a" + "\u0316\u0301" * 15, "",
])  # fmt: skip
def test_what_people_write_is_as_unicode_has_it(text: str) -> None:
    assert in_normal_form("NFC", text) == normalize("NFC", text)
    assert in_normal_form("NFKC", text) == normalize("NFKC", text)


@pytest.mark.parametrize("marks", ["\u0316\u0301", "\u0f73", "\uff9e\u0316"])
def test_marks_are_put_in_order_thirty_at_a_time(marks: str) -> None:
    found = in_normal_form("NFKC", "e" + marks * 100_000)
    assert max(map(len, found.split(JOINER))) <= 61  # some are two, taken apart


def test_a_pile_of_marks_is_searched_masked_and_compared() -> None:
    assert normalized(composed(PILE)) == "e"
    assert JOINER in unescaped(PILE)
    assert invisible_difference(PILE[:20_000], "e" + "\u0301\u0316" * 9_000) == ""
