"""What every test may use: a signed-in client, keys, and recorded traffic sent through the door.

The database is the one of DATABASE_URL (PostgreSQL), else a SQLite file in a temporary directory:
a file, because threads (the live server, concurrent writers) need connections of their own.
"""

import math
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
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
# Written by `migrate`, and the same for every test.
OF_THE_SCHEMA = {"django_content_type", "auth_permission"}
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


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With --database-only, keep the tests that use the database, but for those marked
    `any_database`."""
    if config.getoption("--database-only"):
        left_out = [item for item in items if not depends_on_the_database(item)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]


def depends_on_the_database(item: pytest.Item) -> bool:
    fixtures = set(getattr(item, "fixturenames", ()))
    uses_it = bool(fixtures & DATABASE_FIXTURES) or item.get_closest_marker("django_db") is not None
    return uses_it and item.get_closest_marker("any_database") is None


def pytest_configure() -> None:
    """Settings that only tests want: no built static files, cheap passwords, own database file."""
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
    settings.WHITENOISE_AUTOREFRESH = True
    # However slow the machine is, a search of a test reads all that it has to.
    limits.DEFAULT_LIMITS = SearchLimits(seconds=math.inf)
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    TransactionTestCase._fixture_teardown = emptied  # type: ignore[attr-defined]
    database = settings.DATABASES["default"]
    if database["ENGINE"] == "django.db.backends.sqlite3":
        database.setdefault("TEST", {})["NAME"] = str(TEMPORARY / "test.sqlite3")


def emptied(_: TransactionTestCase) -> None:
    """Take away what a test has committed. Django's flush makes every table and then every
    permission anew, which takes longer than most tests."""
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    with transaction.atomic(), connection.cursor() as cursor:
        for table in set(tables) - OF_THE_SCHEMA:
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")


def pytest_report_header() -> str:
    engine = settings.DATABASES["default"]["ENGINE"].rpartition(".")[2]
    return f"database: {engine}"


def pytest_unconfigure() -> None:
    shutil.rmtree(TEMPORARY, ignore_errors=True)


@pytest.fixture
def admin(db: None) -> AbstractBaseUser:
    """The superuser `admin`, password `admin`."""
    return get_user_model().objects.create_superuser("admin", password="admin")


@pytest.fixture
def console(admin: AbstractBaseUser) -> Client:
    """A client signed in as `admin`. The fixture `client` of pytest-django is nobody."""
    client = Client()
    client.force_login(admin)
    return client


@pytest.fixture
def ingest_key(db: None) -> str:
    """The secret of a key that may record, for any app, and not read."""
    return IngestKey.create("ingest", can_ingest=True, can_read=False)[1]


@pytest.fixture
def read_key(db: None) -> str:
    """The secret of a key that may read, and not record."""
    return IngestKey.create("read", can_ingest=False, can_read=True)[1]


@pytest.fixture
def dify_api(transactional_db: None) -> Iterator[Upstream]:
    """A Dify API that the test plays; its runs are recorded on threads of their own."""
    with running() as server:
        yield server
    settled()


def capture(name: str) -> list[bytes]:
    """The recorded request bodies of tests/captures/<name>-*.bin, in order of sending."""
    bodies = [path.read_bytes() for path in sorted(CAPTURES.glob(f"{name}-[0-9]*.bin"))]
    assert bodies, f"there is no capture {name}"
    return bodies


@pytest.fixture
def bodies() -> Callable[[str], list[bytes]]:
    """`bodies("dify-phoenix")`: that capture's request bodies in order of sending."""
    return capture


@pytest.fixture
def record(ingest_key: str) -> Callable[..., list[Any]]:
    """`record("dify-phoenix")` posts that capture through the door and returns the responses."""
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
