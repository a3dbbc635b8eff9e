"""Access to the addresses that machines read."""

import base64

import pytest

from runs.models import IngestKey
from tests.factories import make_app, make_conversation, make_run

URLS = ["/runs.json", "/apps.json", "/apps/desk.json", "/apps/desk/conversations.json"]


def basic(secret):
    return "Basic " + base64.b64encode(f"pk-lf:{secret}".encode()).decode()


@pytest.fixture(autouse=True)
def desk(db):
    return make_run("desk")


@pytest.mark.parametrize("url", URLS)
def test_without_a_key_401_and_how_to_do_better(client, url):
    response = client.get(url)
    assert response.status_code == 401
    assert "read scope" in response.json()["error"]
    assert response["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("url", URLS)
def test_a_session_may_read(console, url):
    assert console.get(url).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        lambda secret: {"Authorization": f"Bearer {secret}"},
        lambda secret: {"Authorization": f"bearer  {secret} "},
        lambda secret: {"x-api-key": secret},
        lambda secret: {"api_key": secret},
        lambda secret: {"Authorization": basic(secret)},
    ],
)
def test_a_read_key_in_each_of_its_places(client, read_key, headers):
    assert client.get("/runs.json", headers=headers(read_key)).status_code == 200


def test_wrong_scope_is_403(client, ingest_key):
    response = client.get("/runs.json", headers={"x-api-key": ingest_key})
    assert response.status_code == 403 and "record" in response.json()["error"]


@pytest.mark.parametrize(
    "value", ["Bearer wrong", "Bearer", "Basic !!!", "Basic /w==", "Digest x", "Bearer \u00e9"]
)
def test_unknown_and_malformed_keys_are_401(client, value):
    assert client.get("/runs.json", headers={"Authorization": value}).status_code == 401


def test_a_wrong_key_is_not_mended_by_a_session(console):
    assert console.get("/runs.json", headers={"x-api-key": "wrong"}).status_code == 401


def test_a_revoked_key_is_401(client):
    key, secret = IngestKey.create("gone", can_read=True)
    key.revoke()
    response = client.get("/runs.json", headers={"x-api-key": secret})
    assert response.status_code == 401 and "revoked" in response.json()["error"]


def test_a_key_bound_to_an_app_sees_that_app_alone(client):
    mine, other = make_app("mine"), make_app("desk")
    run = make_run(mine)
    hidden = make_run(other, source_ids={"otel-trace": "abc"})
    talk = make_conversation(other)
    _, secret = IngestKey.create("bound", can_read=True, app=mine)

    def get(url):
        return client.get(url, headers={"x-api-key": secret})

    assert [item["id"] for item in get("/runs.json").json()["runs"]] == [str(run.pk)]
    assert get("/runs.json?app=desk").status_code == 400  # as if there were no such app
    assert [item["slug"] for item in get("/apps.json").json()["apps"]] == ["mine"]
    assert get("/apps/mine.json").status_code == 200
    for url in (
        "/apps/desk.json",
        "/apps/desk/conversations.json",
        f"/conversations/{talk.pk}.json",
        "/runs/by/abc.json",
        f"/runs/by/{hidden.pk}.json",
    ):
        assert get(url).status_code == 404, url


def test_a_key_does_not_open_pages(client, read_key):
    assert client.get("/runs/", headers={"x-api-key": read_key}).status_code == 302


def test_use_is_noted(client, read_key):
    client.get("/runs.json", headers={"x-api-key": read_key})
    assert IngestKey.find(read_key).last_used_at is not None


def test_only_reading(client, read_key):
    assert client.post("/runs.json", headers={"x-api-key": read_key}).status_code == 405
