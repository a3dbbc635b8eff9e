"""Measurements that are run by hand; README.md lists them. No test asserts a time."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

PASSWORD = "only-for-the-benchmark"  # of a database that is thrown away


@contextmanager
def throwaway(on_postgres: bool) -> Iterator[tuple[Path, str]]:
    """A folder, and the DATABASE_URL of a database without rows that this process and the servers
    that it starts use; both are gone afterwards."""
    from tests.postgres import postgres

    server = postgres() if on_postgres else nullcontext("")
    with TemporaryDirectory() as folder, server as url:
        url = url or f"sqlite:///{folder}/bench.sqlite3"
        os.environ |= {
            "DATABASE_URL": url,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "WAYLOG_ADMIN_PASSWORD": PASSWORD,
            "WAYLOG_HTTPS": "false",
            "WAYLOG_INDEXING": "false",  # it would run beside what is measured
            "WAYLOG_SAMPLES": "false",
            "WAYLOG_VAR": folder,
        }
        _start()
        yield Path(folder), url


def _start() -> None:
    """As the server does: settings, apps, garbage collector, tables."""
    from django.core.management import call_command

    import config.wsgi  # noqa: F401

    logging.disable(logging.INFO)
    call_command("migrate", verbosity=0)
