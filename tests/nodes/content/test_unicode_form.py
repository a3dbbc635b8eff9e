"""Unicode's normal forms, also of more combining marks on a character than any script has."""

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
def test_ordinary_text_is_normalized_as_by_unicodedata(text: str) -> None:
    assert in_normal_form("NFC", text) == normalize("NFC", text)
    assert in_normal_form("NFKC", text) == normalize("NFKC", text)


@pytest.mark.parametrize("marks", ["\u0316\u0301", "\u0f73", "\uff9e\u0316"])
def test_marks_are_put_in_order_thirty_at_a_time(marks: str) -> None:
    normal = in_normal_form("NFKC", "e" + marks * 100_000)
    assert max(map(len, normal.split(JOINER))) <= 61  # some are two, taken apart


def test_a_pile_of_marks_is_searched_masked_and_compared() -> None:
    assert normalized(composed(PILE)) == "e"
    assert JOINER in unescaped(PILE)
    assert invisible_difference(PILE[:20_000], "e" + "\u0301\u0316" * 9_000) == ""
