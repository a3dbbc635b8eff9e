"""Fixtures of all tests: a signed-in client, keys, and recorded traffic sent to the receivers.

The database is that of DATABASE_URL (PostgreSQL), else SQLite in a temporary directory: in a file,
because threads (the live server, concurrent writers) need connections of their own.
"""

import gc
import math
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.db import connection, transaction
from django.test import Client, TransactionTestCase
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from runs.models import IngestKey
from runs.search import limits
from runs.search.limits import SearchLimits
from tests.runs.recording.receiving.background import settled
from tests.runs.recording.receiving.dify_upstream import Upstream, running

CAPTURES = Path(__file__).parent / "captures"
PROTOBUF = "application/x-protobuf"
# Tables that `migrate` fills, with the same rows for every test.
KEPT_TABLES = {"django_content_type", "auth_permission"}
TEMPORARY = Path(tempfile.mkdtemp(prefix="waylog-tests-"))

hypothesis_settings.register_profile(
    "waylog",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
hypothesis_settings.load_profile("waylog")


DATABASE_FIXTURES = {"db", "transactional_db", "live_server", "database_url"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database-only",
        action="store_true",
        help="leave out tests that come out the same on every database",
    )


@pytest.hookimpl(trylast=True)  # when every folder has marked its tests
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With --database-only, keep the tests that use the database, but for those marked
    `any_database`."""
    if config.getoption("--database-only"):
        left_out = [item for item in items if not depends_on_the_database(item)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]


def pytest_collection_finish() -> None:
    """Leave modules and collected tests, which stay to the end, out of every garbage collection."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)


def depends_on_the_database(item: pytest.Item) -> bool:
    fixtures = set(getattr(item, "fixturenames", ()))
    uses_it = bool(fixtures & DATABASE_FIXTURES) or item.get_closest_marker("django_db") is not None
    return uses_it and item.get_closest_marker("any_database") is None


def pytest_configure() -> None:
    """Change settings for tests: no built static files, cheap passwords, a database file of their
    own."""
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
    settings.WHITENOISE_AUTOREFRESH = True
    # On a slow machine, too, a search must read all that the test expects.
    limits.DEFAULT_LIMITS = SearchLimits(seconds=math.inf)
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    TransactionTestCase._fixture_teardown = delete_all_rows  # type: ignore[attr-defined]
    database = settings.DATABASES["default"]
    if database["ENGINE"] == "django.db.backends.sqlite3":
        database.setdefault("TEST", {})["NAME"] = str(TEMPORARY / "test.sqlite3")


def delete_all_rows(_: TransactionTestCase) -> None:
    """Delete what a test has committed. Django's flush truncates every table and creates all
    permissions again, which takes longer than most tests."""
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    with transaction.atomic(), connection.cursor() as cursor:
        for table in set(tables) - KEPT_TABLES:
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")


def pytest_report_header() -> str:
    engine = settings.DATABASES["default"]["ENGINE"].rpartition(".")[2]
    return f"database: {engine}"


def pytest_unconfigure() -> None:
    shutil.rmtree(TEMPORARY, ignore_errors=True)


@contextmanager
def rolled_back() -> Iterator[None]:
    """Undo at the end what is written inside."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@contextmanager
def shared_rows(django_db_blocker: Any) -> Iterator[None]:
    """Keep what a fixture of a module writes inside, and before its `yield`, for all tests of that
    module; it is undone after the last one. What a test writes beside it is undone after the test,
    as always. The fixture needs `django_db_setup`, and its module no transactional test."""
    with django_db_blocker.unblock(), rolled_back():
        yield


@pytest.fixture
def admin(db: None) -> AbstractBaseUser:
    """Return the superuser `admin`, whose password is `admin`."""
    return get_user_model().objects.create_superuser("admin", password="admin")


@pytest.fixture
def console(admin: AbstractBaseUser) -> Client:
    """Return a client signed in as `admin`. The fixture `client` of pytest-django is anonymous."""
    client = Client()
    client.force_login(admin)
    return client


@pytest.fixture
def ingest_key(db: None) -> str:
    """Return the secret of a key that may record, for any app, and not read."""
    return IngestKey.create("ingest", can_ingest=True, can_read=False)[1]


@pytest.fixture
def read_key(db: None) -> str:
    """Return the secret of a key that may read, and not record."""
    return IngestKey.create("read", can_ingest=False, can_read=True)[1]


@pytest.fixture
def dify_api(transactional_db: None) -> Iterator[Upstream]:
    """Run a fake Dify API. What the proxy receives from it is recorded on threads of their own."""
    with running() as upstream:
        yield upstream
    settled()


def capture(name: str) -> list[bytes]:
    """Return the recorded request bodies tests/captures/<name>-*.bin, in order of sending."""
    bodies = [path.read_bytes() for path in sorted(CAPTURES.glob(f"{name}-[0-9]*.bin"))]
    assert bodies, f"there is no capture {name}"
    return bodies


@pytest.fixture
def bodies() -> Callable[[str], list[bytes]]:
    """Return `capture`: `bodies("dify-phoenix")` returns the request bodies of that capture."""
    return capture


@pytest.fixture
def record(ingest_key: str) -> Callable[..., list[Any]]:
    """Return a function: `record("dify-phoenix")` posts that capture to /v1/traces and returns the
    responses."""
    client = Client()

    def send(name: str, *, key: str = ingest_key, expect: int | None = 200) -> list[Any]:
        responses = [
            client.post("/v1/traces", body, content_type=PROTOBUF, headers={"x-api-key": key})
            for body in capture(name)
        ]
        if expect is not None:
            assert [r.status_code for r in responses] == [expect] * len(responses), [
                r.content[:200] for r in responses if r.status_code != expect
            ]
        return responses

    return send
