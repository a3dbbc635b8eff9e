from collections.abc import Callable

import pytest

from tests.runs.search.searching import index_all


@pytest.fixture(params=["read", "indexed"])
def ready(request: pytest.FixtureRequest) -> Callable[[], None]:
    """To be called when the runs are made: each test runs on runs that are not indexed yet and on
    indexed ones."""
    return index_all if request.param == "indexed" else lambda: None
