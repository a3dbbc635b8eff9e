"""A real PostgreSQL for Dify databases, one for all tests, and a fresh database for each."""

import os
from collections.abc import Callable, Iterator
from itertools import count

import psycopg
import pytest

from tests.postgres import Unavailable, postgres
from tests.runs.recording.importing.dify_database.dify_tables import DifyTables

_database_numbers = count(1)


@pytest.fixture(scope="session")
def dify_server() -> Iterator[str]:
    try:
        with postgres() as url:
            yield url
    except Unavailable as reason:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no PostgreSQL: {reason}")


@pytest.fixture
def dify(dify_server: str) -> Iterator[Callable[..., DifyTables]]:
    """Return a function: `dify("old")` makes an empty Dify database in that shape."""
    opened = []

    def make(shape: str = "new") -> DifyTables:
        name = f"dify_{next(_database_numbers)}"
        with psycopg.connect(dify_server, autocommit=True) as server:
            server.execute(f"CREATE DATABASE {name}")
        opened.append(DifyTables(dify_server.removesuffix("postgres") + name, shape))
        return opened[-1]

    yield make
    for tables in opened:
        tables.close()
