"""What the search box offers for what is typed."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from runs.query.fields import FIELDS, OfferedValues
from tests.factories import make_app, make_execution, make_run
from tests.pages import FRAGMENT, check_fragment

pytestmark = pytest.mark.django_db


def offered(console: Client, text: str, path: str = "/runs/") -> dict[str, str]:
    """Return the labels by the query that they stand for."""
    answer = console.get(path, {"complete": "1", "q": text}, headers=FRAGMENT)
    assert answer.status_code == 200
    page = check_fragment(f"<datalist>{answer.content.decode()}</datalist>")
    return {option.get("value"): option.get("label") for option in page.iter("option")}


@pytest.fixture
def runs(db: None) -> None:
    app = make_app("Invoice intake", slug="invoice-intake")
    for number in range(3):
        run = make_run(app, user="u-7", tags=["vip", "größe"], failed_title="Join")
        make_execution(run, "Ask the user", model="gpt-4o", kind="llm", index=number)
    make_execution(make_run("other", user="u-8"), "Answer", model="claude-3-opus")


@pytest.mark.usefixtures("runs")
def test_fields_come_first_with_their_help_then_values(console: Client) -> None:
    assert list(offered(console, "sta")) == ["status:"]
    assert offered(console, "sta")["status:"] == "How the run ended"
    assert list(offered(console, "app:other -in")) == [
        "app:other -input:", "app:other -app:invoice-intake"
    ]  # fmt: skip
    assert offered(console, "lat") == {"time:": "latency: How long the run took"}
    assert offered(console, "(status:failed OR gpt") == {
        "(status:failed OR model:gpt-4o": "(status:failed OR gpt-4o"
    }
    assert offered(console, "") == {} and offered(console, "status:failed ") == {}


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("status:par", "status:partial-succeeded"),
        ("status:failed,st", "status:failed,stopped"),
        ("status=fail", "status=failed"),
        ("app:inv", "app:invoice-intake"),
        ('app:"Invoice in', "app:invoice-intake"),
        ("-node:ask", '-node:"Ask the user"'),
        ('node:"ask the', 'node:"Ask the user"'),
        ("model:", "model:gpt-4o"),
        ("user:", "user:u-7"),
        ("tag:gr", "tag:größe"),
        ("failed_in:", "failed_in:Join"),
    ],
)
def test_values_of_a_field(console: Client, text: str, first: str) -> None:
    assert next(iter(offered(console, text))) == first


@pytest.mark.usefixtures("runs")
def test_an_app_offers_its_own_values(console: Client) -> None:
    assert list(offered(console, "user:", "/apps/other/")) == ["user:u-8"]
    assert list(offered(console, "app:other user:")) == ["app:other user:u-8"]
    assert offered(console, "app:in", "/apps/other/") == {}


@pytest.mark.usefixtures("runs")
def test_few_queries_whatever_is_typed(console: Client) -> None:
    hostile = ["x\0", '"', "((((", "user:\\", "x" * 5000, "-", "--", "a:b:c,d,", "<b>", ":", "="]
    for text in [*hostile, "as", "node:", "nosuchfield:"]:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            offered(console, text)
        assert len(queries) <= 7, text  # three of them for the session, the user and an app


def test_sources_are_columns() -> None:
    sources: list[Any] = [field.values for field in FIELDS if field.values]
    assert all(isinstance(source, OfferedValues) for source in sources)
    assert len({(source.rows, source.column) for source in sources}) == len(sources)
