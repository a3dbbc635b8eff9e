"""What is told to be secret is in no value that is shown."""

from typing import Any

import pytest

from runs.redaction.values import hidden

DOTS = "••••••"


@pytest.mark.parametrize(("value", "shown"), [
    ({"name": "Authorization", "value": "abc"}, {"name": "Authorization", "value": DOTS}),
    ([{"key": "api_key", "value": ["abc", {"a": "b"}]}],
     [{"key": DOTS, "value": [DOTS, {"a": DOTS}]}]),
    ({"value_type": "secret", "default": "abc"}, {"value_type": "secret", "default": DOTS}),
    ({"name": "city", "value": "Ulm"}, {"name": "city", "value": "Ulm"}),
    ({"token_usage": {"prompt_tokens": 7}}, {"token_usage": {"prompt_tokens": 7}}),
])  # fmt: skip
def test_pairs_of_a_name_and_a_value(value: Any, shown: Any) -> None:
    assert hidden(value) == shown
