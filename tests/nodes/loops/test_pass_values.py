"""The values that a loop reports about its iterations."""

import json

from nodes.compression import pack
from nodes.loops.pass_values import pass_values_of
from nodes.models import NodeExecution


def test_iterations_are_named_by_numbers_and_nothing_else() -> None:
    by_pass = {"0": {"n": 1}, "1": {"n": 2}, "9" * 5_000: {"n": 3}, "x": {"n": 4}, "2": "?"}
    received = {"attributes": {"metadata": {"loop_variable_map": by_pass}}}
    loop = NodeExecution(kind="loop", received_body=pack(json.dumps(received).encode())[1])
    assert pass_values_of(loop, [0, 1, 2, None]).rows == [("n", ["1", "2", "", ""])]
