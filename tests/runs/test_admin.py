"""Admin: each record can be looked at and found, none changed, and no large table is counted."""

import re
import uuid
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from nodes.models import OwnPrice
from runs.models import (
    App,
    ErrorGroup,
    ImportState,
    IngestKey,
    Note,
    ReceivedRequest,
    RefusedRecord,
    Rerun,
    Run,
    SavedView,
    ShareLink,
    SpanLink,
)
from tests.factories import (
    make_conversation,
    make_execution,
    make_payload,
    make_run,
    make_version,
)

MODELS = [model for name in ("runs", "nodes") for model in apps.get_app_config(name).get_models()]
LARGE = (
    "runs_run",
    "runs_runsource",
    "runs_spanlink",
    "runs_conversation",
    "nodes_nodeexecution",
    "nodes_payload",
)


def names(model: Any) -> str:
    return model._meta.model_name


@pytest.fixture
def run(admin: Any) -> Run:
    """A run with one row of everything around it."""
    run = make_run(
        status="failed",
        inputs={"question": "Why?"},
        outputs="Because.",
        source_ids={"trace": "abc1"},
    )
    run.version = make_version(run.app, graph={"nodes": [], "edges": []})
    run.conversation = make_conversation(run.app)
    run.save()
    make_execution(run, inputs={"secret-in-a-body": 1})
    make_payload(run.app, "x" * 1000)
    key, _ = IngestKey.create("ci")
    request = ReceivedRequest.objects.create(door="/v1/traces", key=key, status=200)
    RefusedRecord.objects.create(
        door="/v1/traces", key=key, reason="No span id.", raw="{}", body=b"\0{}", request=request
    )
    Note.objects.create(run=run, name="thumbs", number=1, source="person")
    ImportState.objects.create(source="postgresql://dify")
    ErrorGroup.objects.create(app=run.app, error_type="TimeoutError")
    SavedView.objects.create(owner=admin, name="Refunds", query="q=refund")
    ShareLink.objects.create(run=run, digest="d" * 64, expires_at=timezone.now())
    Rerun.objects.create(original=run)
    OwnPrice.objects.create(model="house-*", input=1, output=2)
    SpanLink.objects.create(run=run, execution=uuid.uuid4(), trace="a" * 32, span="b" * 16)
    return run


def changelist(model: Any, query: str = "") -> str:
    meta = model._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist") + query


def change(row: Any) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def listed(console: Client, model: Any, query: str) -> list[Any]:
    response = console.get(changelist(model, query))
    assert response.status_code == 200, response.get("Location")
    return list(response.context["cl"].result_list)


def test_every_model_is_registered() -> None:
    assert [model for model in MODELS if not admin.site.is_registered(model)] == []


@pytest.mark.parametrize("model", MODELS, ids=names)
def test_list_and_page_without_counting(console: Client, run: Run, model: Any) -> None:
    with CaptureQueriesContext(connection) as queries:
        response = console.get(changelist(model))
        assert response.status_code == 200
        assert console.get(changelist(model, "?q=words")).status_code == 200
        page = console.get(change(model.objects.first()))
    assert page.status_code == 200
    assert ('name="_save"' in page.content.decode()) == (model in (App, OwnPrice))
    counted = re.compile(rf'COUNT\(.*FROM "({"|".join(LARGE)})"', re.IGNORECASE)
    assert [q["sql"] for q in queries if counted.search(q["sql"])] == []
    assert len(queries) < 25


@pytest.mark.parametrize("model", MODELS, ids=names)
def test_nothing_can_be_added_changed_or_deleted(console: Client, run: Run, model: Any) -> None:
    if model is OwnPrice:
        pytest.skip("Prices are set here as well.")
    row = model.objects.first()
    assert console.get(changelist(model).rstrip("/") + "/add/").status_code == 403
    if model is not App:  # of which the address of its Dify API can be changed, see below
        assert console.post(change(row), {}).status_code == 403
    delete = change(row).replace("/change/", "/delete/")
    assert console.post(delete, {"post": "yes"}).status_code == 403
    assert model.objects.filter(pk=row.pk).exists()


def test_bodies_of_payloads_are_not_read(console: Client, run: Run) -> None:
    execution = run.executions.select_related("inputs").get()
    with CaptureQueriesContext(connection) as queries:
        pages = [
            console.get(changelist(type(execution.inputs))),
            console.get(change(execution.inputs)),
            console.get(change(execution)),
            console.get(change(run)),
        ]
    assert not [q["sql"] for q in queries if '"nodes_payload"."body"' in q["sql"]]
    assert f'href="/payloads/{execution.inputs_id}/"' in pages[2].content.decode()
    assert f'href="/payloads/{run.outputs_id}/"' in pages[3].content.decode()


def test_records_lead_to_the_console(console: Client, run: Run) -> None:
    execution = run.executions.get()
    for row, url in [
        (run, f"/runs/{run.pk}/"),
        (execution, f"/runs/{run.pk}/tracing/{execution.pk}/"),
        (run.app, f"/apps/{run.app.slug}/"),
        (run.version, f"/apps/{run.app.slug}/graph/?version=1"),
        (run.conversation, f"/conversations/{run.conversation_id}/"),
    ]:
        assert f'href="{url}"' in console.get(change(row)).content.decode()
        assert f'href="{url}"' in console.get(changelist(type(row))).content.decode()


def test_runs_are_found_by_any_id(console: Client, run: Run) -> None:
    make_run(status="succeeded")
    assert listed(console, Run, "?q=abc1") == [run]
    assert listed(console, Run, f"?q={run.pk}") == [run]
    assert listed(console, Run, f"?q={run.pk.hex}") == [run]
    for nothing in ("abc", "not-a-uuid", str(uuid.uuid4()), "%25", "'"):
        assert listed(console, Run, f"?q={nothing}") == []


def test_executions_are_found_by_any_id(console: Client, run: Run) -> None:
    execution = run.executions.get()
    other = make_execution(make_run(), source_id="span-2")
    for term in (execution.pk, run.pk, "abc1", execution.source_id):
        assert listed(console, type(execution), f"?q={term}") == [execution]
    assert listed(console, type(execution), "?q=span-2") == [other]


def test_filters(console: Client, run: Run) -> None:
    other = make_run("billing", status="succeeded")
    assert listed(console, Run, f"?app__id__exact={run.app_id}") == [run]
    assert listed(console, Run, "?status__exact=succeeded") == [other]
    today = f"{run.started_at:%Y-%m-%d}"
    assert set(listed(console, Run, f"?day={today}")) == {run, other}
    assert listed(console, Run, "?day=2001-01-01") == []
    assert len(listed(console, type(run.inputs), f"?day={run.inputs.day}")) > 0
    assert console.get(changelist(Run, "?day=yesterday")).status_code == 302


def test_a_key_is_revoked_and_never_shown(console: Client, run: Run) -> None:
    key, secret = IngestKey.create("laptop")
    page = console.get(change(key)).content.decode()
    assert secret not in page and key.digest not in page
    console.post(changelist(IngestKey), {"action": "revoke", "_selected_action": [key.pk]})
    key.refresh_from_db()
    assert key.revoked_at and IngestKey.find(secret) is None


def test_nobody_else_gets_in(client: Client, run: Run) -> None:
    assert client.get(changelist(Run)).status_code == 302


@pytest.mark.parametrize(
    ("address", "is_taken"),
    [
        ("https://dify.example.com/v1", True),
        ("http://nginx:5001/v1", True),
        ("", True),
        ("ftp://dify.example.com/v1", False),
        ("https:///v1", False),
        ("https://user:word@dify.example.com/v1", False),
        ("https://dify.example.com/v1?x=1", False),
        ("dify", False),
        ("http://[", False),
    ],
)
def test_the_address_of_a_dify_api(console: Client, run: Run, address: str, is_taken: bool) -> None:
    app = run.app
    page = console.get(change(app)).content.decode()
    assert 'name="upstream_url"' in page and 'name="name"' not in page
    values = {"upstream_kind": "dify", "upstream_url": address, "name": "other"}
    answer = console.post(change(app), values)
    assert (answer.status_code == 302) == is_taken
    kept = App.objects.get(pk=app.pk)
    assert (kept.upstream_url, kept.name) == (address if is_taken else "", app.name)
