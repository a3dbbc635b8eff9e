"""Who may ask and how: keys of other apps, people who are no staff, forged and odd requests."""

from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client

from config.logs import RedactShareLinks
from nodes.models import NodeExecution, Payload
from runs.models import App, Conversation, IngestKey, Note, Rerun, Run, SavedView, ShareLink
from runs.redaction.secrets import REDACTED
from tests.factories import make_run
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


def test_a_bound_key_hears_nothing_of_what_another_app_ran_for_it(admin):
    """A webhook may name a run of any app as what came of its own."""
    run, foreign = make_run("mine"), make_run("theirs")
    rerun = Rerun.objects.create(original=run, run=foreign, requested_by=admin)
    bound = IngestKey.create("bound", can_read=True, app=run.app)[1]
    free = IngestKey.create("free", can_read=True)[1]
    answer = Client().get(f"/reruns/{rerun.pk}.json", headers={"x-api-key": bound})
    assert answer.status_code == 200 and str(foreign.pk) not in answer.content.decode()
    answer = Client().get(f"/reruns/{rerun.pk}.json", headers={"x-api-key": free}).json()
    assert answer["run"]["id"] == str(foreign.pk) and str(foreign.pk) in answer["compare"]


@pytest.mark.parametrize("twin", ["notes.json", "notes.ndjson", "errors.json", "runs.json"])
def test_a_bound_key_does_not_hear_which_apps_there_are(twin):
    make_run("mine"), make_run("theirs")
    bound = IngestKey.create("bound", can_read=True, app=App.objects.get(slug="mine"))[1]
    answers = [
        Client().get(f"/{twin}?app={slug}", headers={"x-api-key": bound})
        for slug in ("theirs", "nobody", "mine")
    ]
    there, not_there, own = answers
    assert there.status_code == not_there.status_code == 400
    assert there.json()["error"].replace("theirs", "nobody") == not_there.json()["error"]
    assert own.status_code == 200


def test_the_secret_of_a_link_is_in_no_log(admin, caplog):
    _, secret = ShareLink.create(make_run(), timedelta(days=1), [], admin)
    redact = RedactShareLinks()
    client = Client()
    client.get(f"/s/{secret}/steps/{UUID(int=1)}/")
    client.post(f"/s/{secret}/")
    client.get(f"/s/{secret}.json/x")
    written = [record for record in caplog.records if redact.filter(record)]
    assert len(written) >= 3 and any(
        f"/s/{REDACTED}/steps/" in record.getMessage() for record in written
    )
    assert not [record for record in written if secret in record.getMessage()]
    assert settings.LOGGING["handlers"]["console"]["filters"] == ["links"]


def test_a_guest_changes_nothing_of_others(admin, client):
    run = make_run()
    note = Note.objects.create(run=run, name="comment", text="x", source="person", author="admin")
    api_note = Note.objects.create(run=run, name="score", number=1, source="api", author="guest")
    view = SavedView.objects.create(owner=admin, name="x", shared=True)
    hidden = SavedView.objects.create(owner=admin, name="y")
    client.force_login(get_user_model().objects.create_user("guest", password="guest"))
    for address in (
        *(f"/notes/{pk}/{action}" for pk in (note.pk, api_note.pk) for action in ("", "delete/")),
        *(f"/views/{view.pk}/{action}" for action in ("", "delete/")),
        f"/runs/{run.pk}/again/",
    ):
        assert client.post(address, {"name": "z", "text": "z"}).status_code == 403, address
    assert client.post(f"/views/{hidden.pk}/delete/").status_code == 404
    assert "y" not in [view_json["name"] for view_json in client.get("/views.json").json()["views"]]
    assert Note.objects.count() == SavedView.objects.count() == 2 and not Rerun.objects.exists()


@pytest.mark.parametrize("back", ["//evil.example", "https://evil.example", "/\\evil.example", "x",
                                  "javascript:alert(1)", "\0//evil.example", "http://[",
                                  "/" + "é" * 9000])  # fmt: skip
def test_forms_lead_back_to_this_console_only(console, back):
    run = make_run()
    answer = console.post(f"/runs/{run.pk}/notes/", {"comment": "x", "back": back})
    assert answer.status_code == 302 and answer["Location"].startswith(f"/runs/{run.pk}/")
    note = Note.objects.get()
    answer = console.post(f"/notes/{note.pk}/delete/", {"back": back})
    assert answer["Location"].startswith(f"/runs/{run.pk}/")
    page = console.get("/notes/", {"back": back})
    assert page.status_code == 200 and 'href="//evil' not in page.content.decode()


@pytest.mark.parametrize("query", ["//evil.example", "javascript:alert(1)", "q=\0",
                                   "q=" + "語" * 3900, "next=//evil.example", "q=<script>",
                                   "after=x&live=1"])  # fmt: skip
def test_saved_views_lead_to_the_history_only(console, query):
    answer = console.post("/views/", {"name": "<script>alert(1)</script>", "query": query})
    assert answer.status_code in (302, 400)
    assert answer.status_code == 400 or answer["Location"].startswith("/runs/")
    assert SavedView.objects.exists() == (answer.status_code == 302)
    for page in ("/views/", "/runs/", "/views.json"):
        answer = console.get(page)
        assert answer.status_code == 200
        assert page.endswith("json") or "<script>alert" not in answer.content.decode()
