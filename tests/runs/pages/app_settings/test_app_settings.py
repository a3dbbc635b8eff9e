"""An app is added, given its upstream, tried, and attached to: in the console and at a shell."""

import json
import threading
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from runs.models import App, Run
from tests.pages import check_page, text_of
from tests.runs.recording.decoding.dify_stream.streams import RUN, finished, node, sse, started
from tests.runs.recording.receiving.background import settled
from tests.runs.recording.receiving.dify_upstream import Upstream

pytestmark = pytest.mark.django_db(transaction=True)

SETTINGS = "/apps/order-desk/settings/"
KEY = "app-a-key-of-dify"


@pytest.fixture
def desk(dify_api: Upstream) -> App:
    return App.objects.create(name="Order desk", slug="order-desk", upstream_url=dify_api.url)


def page_of(answer: Any) -> str:
    return text_of(check_page(answer.content.decode()))


def post(console: Client, address: str, status: int = 400, **fields: str) -> str:
    answer = console.post(address, fields)
    assert answer.status_code == status, answer.content
    return page_of(answer) if status != 302 else answer["Location"]


# -- adding ----------------------------------------------------------------------------------------


def test_an_app_is_added_with_its_upstream(console: Client) -> None:
    assert "Add an app" in page_of(console.get("/"))
    fields = {"name": "Order desk", "mode": "chatflow", "upstream_kind": "dify",
              "upstream_url": "http://dify:5001/v1", "new_key": KEY}  # fmt: skip
    assert post(console, "/apps/new/", 302, **fields) == SETTINGS
    app = App.objects.get()
    assert (app.name, app.mode, app.upstream_url) == (
        "Order desk",
        "chatflow",
        fields["upstream_url"],
    )
    assert app.upstream_key == KEY
    page = page_of(console.get(SETTINGS))
    assert "http://testserver/dify/order-desk/v1" in page and "chat-messages" in page
    assert KEY not in console.get(SETTINGS).content.decode()
    assert "Order desk" in page_of(console.get("/"))
    assert "There is an app of this name already." in post(console, "/apps/new/", **fields)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"name": " "}, "This field is required."),
        ({"name": "x" * 201}, "at most 200 characters"),
        ({"upstream_url": ""}, "This field is required."),
        ({"upstream_url": "dify.example.com/v1"}, "must begin with http:// or https://"),
        ({"upstream_url": "ftp://dify/v1"}, "must begin with http:// or https://"),
        ({"upstream_url": "https://me:pass@dify/v1"}, "no user, query or fragment"),
        ({"upstream_url": "http://testserver/dify/desk/v1"}, "the address of Waylog itself"),
        ({"new_key": "schlüssel"}, "only ASCII characters"),
        ({"mode": "agent"}, "Select a valid choice"),
    ],
)
def test_what_cannot_be_added(console: Client, fields: dict[str, str], sentence: str) -> None:
    valid = {"name": "Desk", "mode": "workflow", "upstream_kind": "dify",
             "upstream_url": "https://dify.example.com/v1"}  # fmt: skip
    assert sentence in post(console, "/apps/new/", **valid | fields)
    assert not App.objects.exists()


def test_no_app_takes_the_address_of_the_form(console: Client) -> None:
    fields = {"name": "new", "mode": "workflow", "upstream_kind": "dify",
              "upstream_url": "https://dify.example.com/v1"}  # fmt: skip
    assert post(console, "/apps/new/", 302, **fields) == "/apps/new-2/settings/"


def test_readers_see_the_address_and_change_nothing(desk: App) -> None:
    reader = Client()
    reader.force_login(User.objects.create_user("reader"))
    page = page_of(reader.get(SETTINGS))
    assert "/dify/order-desk/v1" in page and "Save" not in page and "Attach" not in page
    assert "Add an app" not in page_of(reader.get("/"))
    assert reader.get("/apps/new/").status_code == 403
    for path in ("", "test/", "attach/"):
        assert reader.post(f"{SETTINGS}{path}", {"upstream_url": ""}).status_code == 403
    desk.refresh_from_db()
    assert desk.upstream_url


def test_the_upstream_is_changed_and_its_key_kept(console: Client, desk: App) -> None:
    url = "https://other.example.com/v1"
    post(console, SETTINGS, 302, upstream_kind="dify", upstream_url=url, new_key=KEY)
    post(console, SETTINGS, 302, upstream_kind="dify", upstream_url=url)
    desk.refresh_from_db()
    assert (desk.upstream_url, desk.upstream_key) == (url, KEY)
    assert "spaces" in post(console, SETTINGS, upstream_kind="dify", upstream_url="http://a b/v1")
    post(console, SETTINGS, 302, upstream_kind="dify", upstream_url="", forget_key="on")
    desk.refresh_from_db()
    assert (desk.upstream_url, desk.upstream_key) == ("", "")


def test_the_command_adds_and_changes() -> None:
    out = StringIO()
    call_command("add_app", "Order desk", upstream="http://dify/v1", mode="chatflow", stdout=out)
    call_command("add_app", "Order desk", upstream="http://dify:5001/v1", stdout=out)
    app = App.objects.get()
    assert (app.upstream_url, app.mode) == ("http://dify:5001/v1", "chatflow")
    assert out.getvalue() == (
        "Order desk was added. Its clients use /dify/order-desk/v1 here.\n"
        "Order desk was changed. Its clients use /dify/order-desk/v1 here.\n"
    )
    with pytest.raises(CommandError, match="must begin with http"):
        call_command("add_app", "Order desk", upstream="dify/v1")
    with pytest.raises(CommandError, match="This field is required"):
        call_command("add_app", " ", upstream="http://dify/v1")


# -- testing the upstream --------------------------------------------------------------------------

UNAUTHORIZED = {"code": "unauthorized", "message": "Access token is invalid", "status": 401}


@pytest.mark.parametrize(
    ("answer", "status", "key", "level", "sentence"),
    [
        ({"name": "Desk", "mode": "workflow"}, 200, KEY, "success", "its app “Desk”"),
        (UNAUTHORIZED, 401, "", "success", "clients send theirs with each request"),
        (UNAUTHORIZED, 401, KEY, "error", "Dify refused the request with 401: Access token"),
        ("<html>Not found</html>", 404, KEY, "error", "It usually ends in /v1."),
        ("moved", 302, KEY, "error", "a redirect (302)"),
        ({"code": "x", "message": f"bad {KEY}", "status": 400}, 400, KEY, "error", "bad ••••••"),
    ],
)
def test_what_the_upstream_answers_is_said(
    console: Client, desk: App, dify_api: Upstream,
    answer: Any, status: int, key: str, level: str, sentence: str,
) -> None:  # fmt: skip
    App.objects.update(upstream_key=key)
    body = answer if isinstance(answer, str) else json.dumps(answer)
    dify_api.will_answer(body.encode(), status=status, content_type="application/json")
    page = console.post(f"{SETTINGS}test/").content.decode()
    [check] = check_page(page).findall(".//p[@id='upstream-check']")
    assert sentence in text_of(check) and check.get("data-level") == level
    assert dify_api.seen[0].path == "/v1/info"
    assert KEY not in page


def test_an_upstream_that_is_not_there(console: Client, desk: App) -> None:
    for url, cause in (
        ("http://127.0.0.1:9/v1", "nothing listens at its address"),
        ("http://no-such-host.invalid/v1", "its host is not known"),
    ):
        App.objects.update(upstream_url=url)
        fragment = console.post(f"{SETTINGS}test/", headers={"HX-Request": "true"}).content.decode()
        assert f"Dify could not be reached: {cause}." in fragment and "<html" not in fragment


def test_an_upstream_without_the_tls_that_its_address_promises(
    console: Client, desk: App, dify_api: Upstream
) -> None:
    App.objects.update(upstream_url=dify_api.url.replace("http:", "https:"))
    assert "there is no secure connection" in page_of(console.post(f"{SETTINGS}test/"))


# -- attaching -------------------------------------------------------------------------------------

RUN_ID = "c3a1f0de-1f2a-4b0c-9a55-0d6a4f1e7b21"


def events(*parts: dict[str, Any]) -> bytes:
    return sse(*parts).replace(RUN.encode(), RUN_ID.encode())


def test_a_running_run_is_followed_to_its_end(
    console: Client, desk: App, dify_api: Upstream
) -> None:
    go = threading.Semaphore(1)
    dify_api.will_answer(events(started(), node("node_started", "a")), events(finished()), go=go)
    address = post(console, f"{SETTINGS}attach/", 302, run_id=RUN_ID, user="u1", key=KEY)
    run = Run.objects.get()
    assert address == f"/runs/{run.pk}/" and run.status == "running" and run.app == desk
    go.release()
    settled()
    run.refresh_from_db()
    assert (run.status, run.user, run.source_kind) == ("succeeded", "u1", "dify-attached")
    [seen] = dify_api.seen
    path, _, query = seen.path.partition("?")
    assert path == f"/v1/workflow/{RUN_ID}/events"
    assert {"user=u1", "include_state_snapshot=true"} <= set(query.split("&"))
    assert seen.headers["Authorization"] == f"Bearer {KEY}"
    desk.refresh_from_db()
    assert desk.upstream_key == ""


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"run_id": "../../etc"}, "The id of a run at Dify is a UUID."),
        ({"user": ""}, "This field is required."),
        ({"key": ""}, "This field is required."),
        ({"key": "a\nb"}, "A key has no line breaks"),
    ],
)
def test_what_cannot_be_attached_to(
    console: Client, desk: App, dify_api: Upstream, fields: dict[str, str], sentence: str
) -> None:
    valid = {"run_id": RUN_ID, "user": "u1", "key": KEY}
    page = post(console, f"{SETTINGS}attach/", **valid | fields)
    assert sentence in page and not dify_api.seen


def test_dify_does_not_know_the_run_or_the_key(
    console: Client, desk: App, dify_api: Upstream
) -> None:
    for status, message in ((404, "Workflow run not found"), (401, "Access token is invalid")):
        error = json.dumps({"code": "x", "message": message, "status": status}).encode()
        dify_api.will_answer(error, status=status, content_type="application/json")
        page = post(console, f"{SETTINGS}attach/", run_id=RUN_ID, user="u1", key=KEY)
        assert f"Dify refused the request with {status}: {message}" in page
    dify_api.will_answer(b"<html>Hello</html>", content_type="text/html")
    page = post(console, f"{SETTINGS}attach/", run_id=RUN_ID, user="u1", key=KEY)
    assert "sent no events of a run" in page
    assert not Run.objects.exists()


def test_the_command_follows_a_run(
    desk: App, dify_api: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = StringIO()
    with pytest.raises(CommandError, match="No key is set for this app: set DIFY_API_KEY"):
        call_command("attach_run", "Order desk", RUN_ID, user="u1")
    monkeypatch.setenv("DIFY_API_KEY", KEY)
    dify_api.will_answer(events(started(), finished()))
    call_command("attach_run", "order-desk", RUN_ID, user="u1", stdout=out)
    run = Run.objects.get()
    assert out.getvalue() == f"Recording as /runs/{run.pk}/\nThe run has ended.\n"
    assert run.status == "succeeded"
    dify_api.will_answer(events(started()), breaks_off=True)
    with pytest.raises(CommandError, match="Dify's answer ended early"):
        call_command("attach_run", "order-desk", RUN_ID, user="u1", stdout=out)
    with pytest.raises(CommandError, match="There is no app 'nobody'"):
        call_command("attach_run", "nobody", RUN_ID, user="u1")
