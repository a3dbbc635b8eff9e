"""What a loop tells of its passes."""

import json

from nodes.loops.told import values_of
from nodes.models import NodeExecution
from nodes.packing import pack


def test_passes_are_named_by_numbers_and_nothing_else() -> None:
    told = {"0": {"n": 1}, "1": {"n": 2}, "9" * 5_000: {"n": 3}, "x": {"n": 4}, "2": "?"}
    received = {"attributes": {"metadata": {"loop_variable_map": told}}}
    loop = NodeExecution(kind="loop", received_body=pack(json.dumps(received).encode())[1])
    assert values_of(loop, [0, 1, 2, None]).rows == [("n", ["1", "2", "", ""])]
