"""How versions are named."""

import pytest

from runs.models import Version


@pytest.mark.parametrize(
    ("label", "short"),
    [
        ("", "version 3"),
        ("1.4.0", "1.4.0"),
        ("2026-11-19 05:32:10.482113", "2026-11-19 05:32"),
        ("4105d6df-78e5-43e4-ad05-d2f5a86693e6", "version 3"),
    ],
)
def test_the_name_in_narrow_places(label: str, short: str) -> None:
    assert Version(number=3, label=label).short == short
