"""Values taken apart: which texts are distinctive, what the pieces are, how paths are written."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.lineage.values import (
    MAX_PIECES,
    MISSING,
    equality_key,
    from_pointer,
    is_distinctive,
    pieces_of,
    resolve_path,
    to_pointer,
    value_at,
)

TEXT = "The lamp has been shipped to Basel."

SMALL_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.floats(allow_nan=False)
    | st.text(max_size=4, alphabet=st.characters(max_codepoint=0x2E7F)),
    lambda inner: st.lists(inner, max_size=5)
    | st.dictionaries(st.text(max_size=20), inner, max_size=5),
)  # fmt: skip


@pytest.mark.parametrize(
    "text", [TEXT, "order-A17-refund", "订单已经发货了", "9f8b1c2d-0000-4000-8000-1"]
)
def test_distinctive_texts(text: str) -> None:
    assert is_distinctive(text)


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
def test_texts_that_are_not_distinctive(text: str) -> None:
    assert not is_distinctive(text)


@given(SMALL_VALUES)
def test_each_piece_stands_at_its_path(value: Any) -> None:
    for piece in pieces_of(value):
        if not piece.decoded:
            assert value_at(value, piece.path) == piece.value
            assert value_at(value, from_pointer(to_pointer(piece.path))) == piece.value
    assert value_at(value, ("no such", "place")) is MISSING


def test_pieces_are_bounded() -> None:
    assert len(pieces_of(list(range(100_000)))) == MAX_PIECES
    deep: Any = TEXT
    for _ in range(500):
        deep = {"x": [deep]}
    assert len(pieces_of(deep)) < 100
    assert equality_key([*range(MAX_PIECES + 1), TEXT]) is None  # not all of it was looked at


def test_a_number_of_thousands_of_digits_is_no_position() -> None:
    assert value_at([1, 2], ("1",)) == 2
    assert value_at([1, 2], ("9" * 5_000,)) is MISSING
    assert resolve_path([1, 2], ("9" * 5_000,)) == ("9" * 5_000,)
