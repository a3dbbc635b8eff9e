"""Measurements, run by hand: `make bench`. No test asserts a time."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory


@contextmanager
def throwaway(on_postgres: bool) -> Iterator[tuple[Path, str]]:
    """A folder and the DATABASE_URL of an empty database; both are gone afterwards."""
    from tests.postgres import postgres

    os.environ["WAYLOG_INDEXING"] = "false"  # beside what is measured
    server = postgres() if on_postgres else nullcontext("")
    with TemporaryDirectory() as folder, server as url:
        yield Path(folder), url or f"sqlite:///{folder}/bench.sqlite3"
