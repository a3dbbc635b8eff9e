"""Variable assigners of Dify: which variables they write, and what they report that they wrote."""

from typing import Any

import pytest

from nodes.lineage.engines.dify.assigners import assigner_targets, written_variables
from nodes.lineage.values import MISSING


def test_what_an_assigner_writes() -> None:
    items = [{"variable_selector": ["conversation", name]} for name in ("x", "y")]
    assert assigner_targets(
        "assigner", {"items": [*items, "odd", {"variable_selector": ["x"]}]}
    ) == {
        ("conversation", "x"): ["items[0].variable_selector", "items[0].value"],
        ("conversation", "y"): ["items[1].variable_selector", "items[1].value"],
    }
    old = {"assigned_variable_selector": ["conversation", "x"]}
    assert list(assigner_targets("assigner", old)) == [("conversation", "x")]
    assert assigner_targets("code", old) == {}


@pytest.mark.parametrize(
    "process, outputs, inputs, expected",
    [
        ({"x": 2, "__updated_variables": [{"selector": ["conversation", "x"], "new_value": 2}]},
         {}, {}, (2, "process_data", ("x",))),
        ({"x": 1, "__updated_variables": [{"selector": ["conversation", "x"], "new_value": 2}]},
         {}, {}, (2, "process_data", ("__updated_variables", 0, "new_value"))),
        (None, {"updated_variables": [{"selector": ["conversation", "x", "y"], "value": 2}]}, {},
         (2, "outputs", ("updated_variables", 0, "value"))),
        ({"x": 2}, {}, {}, (2, "process_data", ("x",))),
        (MISSING, {}, {"value": 2}, (2, "inputs", ("value",))),
        ({}, {}, "odd", (MISSING, "", ())),
        ({"__updated_variables": [{"selector": "x"}, 7]}, None, None, (MISSING, "", ())),
        ({"__updated_variables": [{"selector": []}, {"selector": ["x"]}]}, {}, {},
         (MISSING, "", ())),
    ],
)  # fmt: skip
def test_what_an_assigner_wrote(process: Any, outputs: Any, inputs: Any, expected: Any) -> None:
    values = {"process_data": process, "outputs": outputs, "inputs": inputs}
    assert written_variables(values, [("conversation", "x")]) == [
        (("conversation", "x"), *expected)
    ]
