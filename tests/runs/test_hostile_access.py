"""Who may ask and how: keys of other apps, people who are no staff, forged and odd requests."""

from urllib.parse import urlencode

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from nodes.models import NodeExecution, Payload
from runs.models import App, Conversation, IngestKey, Run
from tests.hostile import body, nasty_run, poster, span

pytestmark = pytest.mark.django_db
post = pytest.fixture(poster)


def addresses() -> list[str]:
    """Everything that a machine may read of the one app there is."""
    run = Run.objects.get()
    app = run.app
    base = f"/runs/{run.id}"
    step = NodeExecution.objects.filter(folded=False).first()
    assert step
    return [
        f"{base}.json", f"{base}.md", f"{base}/tracing.json", f"{base}/tracing/{step.id}.json",
        f"/runs/by/{'a' * 32}.json", f"/apps/{app.slug}.json", f"/apps/{app.slug}/graph.json",
        f"/apps/{app.slug}/conversations.json", f"/apps/{app.slug}/nodes/x/last-run.json",
        f"/conversations/{Conversation.objects.get().id}.json",
    ]  # fmt: skip


def test_a_key_reads_its_own_app_only(post):
    post(nasty_run("x"))
    other = App.objects.create(name="other", slug="other")
    own = IngestKey.create("own", can_read=True, app=App.objects.exclude(pk=other.pk).get())[1]
    stranger = IngestKey.create("stranger", can_read=True, app=other)[1]
    for address in addresses():
        assert Client().get(address, headers={"x-api-key": own}).status_code == 200, address
        assert Client().get(address, headers={"x-api-key": stranger}).status_code == 404, address
        assert Client().get(address).status_code == 401, address
    for address in ("/runs.json", "/runs.json?app=x", "/runs.json?q=x", "/apps.json"):
        answer = Client().get(address, headers={"x-api-key": stranger}).json()
        assert not answer.get("runs") and "x" not in {a["slug"] for a in answer.get("apps", [])}


def test_a_bound_key_writes_its_own_app_only(post):
    post(body(span(1), service="first"))
    other = App.objects.create(name="other", slug="other")
    secret = IngestKey.create("bound", can_ingest=True, app=other)[1]
    Client().post("/v1/traces", body(span(1, name="mine"), span(2, parent=1), service="first"),
                  content_type="application/json", headers={"x-api-key": secret})  # fmt: skip
    assert Run.objects.count() == 2
    assert {run.app.name: run.steps for run in Run.objects.all()} == {"first": 0, "other": 1}


def test_what_only_staff_may(post, client):
    client.force_login(get_user_model().objects.create_user("guest", password="guest"))
    for address in ("/settings/keys/", "/admin/"):
        assert client.get(address).status_code in (302, 403), address
    key = IngestKey.objects.get()
    for path in ("keys/", f"keys/{key.pk}/revoke/", "samples/remove/"):
        address = f"/settings/{path}"
        assert client.post(address, {"name": "x", "can_read": "on"}).status_code == 403, address
    key.refresh_from_db()
    assert key.revoked_at is None and IngestKey.objects.count() == 1


def test_posts_need_a_token(admin):
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin)
    for address in (
        "/settings/keys/",
        "/settings/keys/1/revoke/",
        "/settings/samples/remove/",
        "/logout/",
    ):
        assert client.post(address, {"name": "x"}).status_code == 403, address


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example",
                                    "javascript:alert(1)"])  # fmt: skip
def test_sign_in_leads_nowhere_else(admin, client, target):
    answer = client.post("/login/?" + urlencode({"next": target}),
                         {"username": "admin", "password": "admin", "next": target})  # fmt: skip
    assert answer["Location"] == "/"


def test_values_never_run_in_a_browser(post, console):
    post(nasty_run("<script>alert(1)</script>"))
    for payload in Payload.objects.all():
        raw = console.get(f"/payloads/{payload.id}/raw/")
        assert raw["Content-Disposition"].startswith("attachment")
        assert raw["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in raw["Content-Security-Policy"]
        page = console.get(f"/payloads/{payload.id}/")
        scripts = page["Content-Security-Policy"].partition("script-src")[2].partition(";")[0]
        assert "unsafe" not in scripts and "'self'" in scripts


METHODS = ("HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "BREW")


@pytest.mark.parametrize("method", METHODS)
def test_other_methods(post, console, method):
    post(nasty_run("x"))
    for address in [*addresses(), f"/runs/{Run.objects.get().id}/", "/", "/runs/", "/v1/traces",
                    "/settings/keys/", "/healthz", "/login/", "/runs.json"]:  # fmt: skip
        answer = console.generic(method, address)
        assert answer.status_code in (200, 302, 401, 405), (method, address)
        assert method != "HEAD" or not answer.content
    assert Run.objects.count() == 1
