"""Values on their way into payloads: equal content has equal digests, nothing is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.compression import pack, unpack
from runs.recording.records.payload_values import PayloadBatch, canonical, clean, payload_location

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


def test_equal_values_of_a_trace_and_day_are_one_payload():
    batch, day = PayloadBatch(), 86_400_000_000
    here = payload_location(1, 5, "t")
    first = batch.add(here, {"a": 1, "b": 2})
    assert batch.add(payload_location(1, 6, "t"), {"b": 2, "a": 1}) == first
    places = [
        payload_location(1, day + 5, "t"),
        payload_location(2, 5, "t"),
        payload_location(1, 5, "u"),
    ]
    others = [batch.add(place, {"a": 1, "b": 2}) for place in places]
    assert len({first, *others}) == 4 == len(batch.rows)
    # The digest is the same everywhere: that is how equal content is seen across runs and days.
    assert first and {other[14:] for other in others if other} == {first[14:]}
    assert batch.add(here, '{"a":1,"b":2}') != first
    assert batch.add(here, {"a": 1, "b": 2}, cut_of=99) != first


def test_a_shared_value_is_one_payload_for_all_traces_of_a_day():
    batch, resource = PayloadBatch(), {"service.name": "s"}
    assert batch.add_shared(1, 5, resource) == batch.add_shared(1, 7, dict(resource))
    assert len(batch.rows) == 1


@pytest.mark.parametrize("nothing", [None, ""])
def test_no_value_no_payload(nothing):
    batch = PayloadBatch()
    assert batch.add(payload_location(1, 0, "t"), nothing) is None and not batch.rows


@given(st.text(alphabet=st.characters(codec=None), max_size=50))
def test_cleaned_text_can_be_stored(text):
    cleaned = clean(text, 20)
    assert "\0" not in cleaned and len(cleaned) <= 20
    cleaned.encode()
