"""Values on their way into payloads: equal content has equal digests, nothing is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.packing import pack, unpack
from runs.recording.values import PayloadBatch, canonical, clean

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=5), json_values, max_size=6))
def test_the_order_of_keys_does_not_matter(value):
    again = dict(reversed(value.items()))
    assert canonical(value) == canonical(again)


@given(st.binary(max_size=5000))
def test_packing_keeps_every_byte(body):
    compressed, stored = pack(body)
    assert (unpack(stored) if compressed else stored) == body


def test_equal_values_of_an_app_and_day_are_one_payload():
    batch, day = PayloadBatch(), 86_400_000_000
    first = batch.add(1, 5, {"a": 1, "b": 2})
    assert batch.add(1, 6, {"b": 2, "a": 1}) == first
    other_day = batch.add(1, day + 5, {"a": 1, "b": 2})
    other_app = batch.add(2, 5, {"a": 1, "b": 2})
    assert len({first, other_day, other_app}) == 3 == len(batch.rows)
    # The digest is the same everywhere: that is how equal content is seen across days.
    assert first and other_day and other_app
    assert first[10:] == other_day[10:] == other_app[10:]
    assert batch.add(1, 5, '{"a":1,"b":2}') != first


@pytest.mark.parametrize("nothing", [None, ""])
def test_no_value_no_payload(nothing):
    batch = PayloadBatch()
    assert batch.add(1, 0, nothing) is None and not batch.rows


@given(st.text(alphabet=st.characters(codec=None), max_size=50))
def test_cleaned_text_can_be_stored(text):
    cleaned = clean(text, 20)
    assert "\0" not in cleaned and len(cleaned) <= 20
    cleaned.encode()
