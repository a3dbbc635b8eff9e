"""The page of API keys, and the removal of the sample apps."""

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from runs.models import IngestKey
from tests.factories import make_app, make_run
from tests.pages import check_page, text_of


@pytest.fixture
def colleague(db):
    """Return a client signed in as a user who is not staff."""
    client = Client()
    client.force_login(get_user_model().objects.create_user("colleague"))
    return client


def test_a_secret_is_displayed_once_and_stored_hashed(console):
    response = console.post("/settings/keys/", {"name": "exporter", "can_ingest": "on"})
    secret = check_page(response.content.decode()).find(".//code[@id='secret']").text
    key = IngestKey.find(secret)
    assert key.name == "exporter" and key.can_ingest and not key.can_read and key.app is None
    assert secret not in str(IngestKey.objects.values())
    assert "no-store" in response["Cache-Control"]
    page = console.get("/settings/keys/").content.decode()
    check_page(page)
    assert secret not in page and "exporter" in page


def test_a_key_may_be_bound_to_an_app(console):
    app = make_app("desk")
    console.post("/settings/keys/", {"name": "reader", "can_read": "on", "app": app.pk})
    key = IngestKey.objects.get()
    assert key.app == app and key.can_read and not key.can_ingest


@pytest.mark.parametrize(
    "form", [{"name": "idle"}, {"can_read": "on"}, {"name": "x" * 101, "can_read": "on"}]
)
def test_an_incomplete_form_is_a_sentence(console, form):
    response = console.post("/settings/keys/", form)
    assert response.status_code == 400
    assert check_page(response.content.decode()).find(".//p[@role='alert']") is not None
    assert not IngestKey.objects.exists()


def test_revoke(console):
    key, secret = IngestKey.create("old", can_read=True)
    response = console.post(f"/settings/keys/{key.pk}/revoke/", follow=True)
    text = text_of(check_page(response.content.decode()))
    assert "“old” was revoked" in text and "Revoked just now" in text
    assert IngestKey.find(secret) is None


def test_revoke_takes_a_post_and_a_key(console):
    key, _ = IngestKey.create("k")
    assert console.get(f"/settings/keys/{key.pk}/revoke/").status_code == 405
    assert console.post("/settings/keys/999/revoke/").status_code == 404


def test_staff_only(colleague):
    key, _ = IngestKey.create("k")
    refused = colleague.get("/settings/keys/")
    assert refused.status_code == 403
    check_page(refused.content.decode())
    assert colleague.post("/settings/keys/", {"name": "n", "can_read": "on"}).status_code == 403
    assert colleague.post(f"/settings/keys/{key.pk}/revoke/").status_code == 403
    assert colleague.post("/settings/samples/remove/").status_code == 403
    assert IngestKey.objects.active().count() == 1
    home = check_page(colleague.get("/").content.decode())
    assert not [link for link in home.iter("a") if link.get("href") == "/settings/keys/"]


def test_hostile_names_are_escaped(console):
    IngestKey.create("<script>alert(1)</script>")
    check_page(console.get("/settings/keys/").content.decode())


def test_forms_need_their_token(admin):
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin)
    assert client.post("/settings/keys/", {"name": "n", "can_read": "on"}).status_code == 403


def test_samples_can_be_removed(console):
    make_app("sample", is_sample=True)
    make_run(make_app("mine"))
    response = console.post("/settings/samples/remove/", follow=True)
    text = text_of(check_page(response.content.decode()))
    assert "were removed" in text and "mine" in text and "Remove the samples" not in text
