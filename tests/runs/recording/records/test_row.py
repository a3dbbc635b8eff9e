"""Merging what several messages report of one step: in any order, grouping or repetition."""

from copy import deepcopy
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from runs.recording.records.row import ExecutionRow, merge_row
from tests.runs.recording.deriving.test_derive import row

statuses = st.sampled_from(["", "running", "paused", "succeeded", "failed", "exception", "retry"])
texts = st.sampled_from(["", "a", "b", "ab"])
numbers = st.one_of(st.none(), st.integers(0, 5))
costs = st.one_of(st.none(), st.decimals(0, 3, places=1))


@st.composite
def execution_rows(draw: st.DrawFn) -> ExecutionRow:
    """Any message about the step "s"."""
    cost = draw(costs)
    inputs = draw(st.sampled_from([None, "01", "02"]))
    return row(
        "s",
        draw(texts),
        (draw(numbers), draw(numbers)),
        title=draw(texts),
        kind=draw(st.sampled_from(["span", "llm", "tool"])),
        told_status=draw(statuses),
        input_tokens=draw(numbers),
        cost=cost,
        cost_reported=cost is not None,
        cost_currency=draw(st.sampled_from(["USD", "EUR"])) if cost is not None else "",
        error=draw(texts),
        inputs_id=inputs,
        received_body=draw(st.sampled_from([None, b"{}", b"[]"])),
        inputs_preview={None: "", "01": "one", "02": "two"}[inputs],
        hints=draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "is_run": st.just(True),
                    "pass_index": st.integers(0, 2),
                    "run": st.fixed_dictionaries(
                        {},
                        optional={
                            "user": st.sampled_from(["u", "v"]),
                            "reported_cost": st.tuples(
                                st.sampled_from(["2", "10", "10.0"]),
                                st.sampled_from(["EUR", "USD"]),
                            ).map(list),
                            "tags": st.lists(st.sampled_from(["x", "y"]), unique=True),
                        },
                    ),
                },
            )
        ),
    )


def joined(rows: list[ExecutionRow]) -> dict[str, object]:
    result = deepcopy(rows[0])
    for other in rows[1:]:
        merge_row(result, deepcopy(other))
    return {name: getattr(result, name) for name in ExecutionRow.__slots__}


@given(st.lists(execution_rows(), min_size=1, max_size=4))
def test_any_order_and_repetition(rows):
    expected = joined(rows)
    for order in permutations(rows):
        assert joined(list(order)) == expected
    assert joined([*rows, *rows]) == expected


@given(execution_rows(), execution_rows(), execution_rows())
def test_any_grouping(a, b, c):
    left, right = deepcopy(a), deepcopy(b)
    merge_row(right, deepcopy(c))
    merge_row(left, right)
    assert {name: getattr(left, name) for name in ExecutionRow.__slots__} == joined([a, b, c])


@given(execution_rows(), execution_rows())
def test_a_known_value_is_never_erased(a, b):
    result = joined([a, b])
    for name in ("started_us", "ended_us", "inputs_id", "received_body", "input_tokens", "cost"):
        if getattr(a, name) is not None:
            assert result[name] is not None
    if a.told_status in ("succeeded", "failed"):
        assert result["told_status"] in ("succeeded", "failed", "exception", "retry")
