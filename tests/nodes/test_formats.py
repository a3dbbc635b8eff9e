"""How figures are written."""

import pytest

from nodes import formats


@pytest.mark.parametrize(
    ("count", "written"),
    [(None, "–"), (0, "0"), (9_999, "9999"), (12_300, "12.3k"), (1_200_000, "1.20M"),
     (3_400_000_000, "3.40B")],
)  # fmt: skip
def test_tokens(count, written):
    assert formats.tokens(count) == written
