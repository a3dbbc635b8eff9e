"""Apps are run again: through a Dify API and through a webhook that the test plays."""

import json
import logging
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from unittest import mock
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from nodes.models import NodeExecution, Payload
from runs.models import App, IngestKey, ReceivedRequest, RefusedRecord, Rerun, Run
from runs.pages.rerun import outcome, webhook
from runs.recording.receiving.replay import replay
from tests.conftest import CAPTURES
from tests.factories import make_app, make_conversation, make_execution, make_payload, make_run
from tests.pages import FRAGMENT, check_page, check_view, text_of
from tests.runs.recording.decoding.dify_stream.streams import (
    TASK,
    chatflow,
    finished,
    node,
    sse,
    started,
)
from tests.runs.recording.receiving.background import settled
from tests.runs.recording.receiving.dify_upstream import Upstream

# Inputs that do not fit are reported within the stream, without the id of a run.
NO_INPUT = {"event": "error", "code": "invalid_param", "status": 400, "message": "q is required"}
# Runs are stored on threads of their own.
pytestmark = pytest.mark.django_db(transaction=True)
KEY = "app-a-key-of-dify"
TALK = "1c8a2f0e-7d3b-4c55-9a0f-2b6f0c1d9e44"


@pytest.fixture
def app(dify_api: Upstream) -> App:
    dify_api.strict = True
    return make_app("My App", slug="my-app", upstream_url=dify_api.url, upstream_key=KEY)


@pytest.fixture
def original(app: App) -> Run:
    inputs = {"q": "hi", "limit": 3, "sys.user_id": "u1", "sys.workflow_id": "w1"}
    return make_run(app, inputs=inputs, user="u1", status="failed", source_ids={"dify-run": "r0"})


@pytest.fixture
def hook(app: App, dify_api: Upstream) -> Upstream:
    """The app's upstream as a webhook."""
    App.objects.update(upstream_kind="webhook")
    return dify_api


@pytest.fixture
def bound_key() -> Callable[[App], str]:
    """The secret of a key that reads one app alone."""
    return lambda app: IngestKey.create("bound", can_ingest=False, can_read=True, app=app)[1]


def fields(console: Client, url: str) -> dict[str, str]:
    """What the form of the page would send unedited."""
    tree = check_page(console.get(url).content.decode())
    form = next(form for form in tree.iter("form") if "again-form" in form.get("class", ""))
    values = {}
    for field in form.iter():
        name = field.get("name")
        if field.tag == "textarea":
            values[name] = "".join(field.itertext())
        elif field.tag == "input" and field.get("type") not in ("radio", "checkbox"):
            values[name] = field.get("value", "")
        elif field.tag == "input" and field.get("checked") is not None:
            values[name] = field.get("value", "on")
    return values


def wait_until_it_runs() -> None:
    """Wait until a rerun has a run."""
    for _ in range(3000):
        if Rerun.objects.exclude(run=None).exists():
            return
        threading.Event().wait(0.01)
    pytest.fail("No run began.")


def run_again(console: Client, run: Run, path_query: str = "", **edited: str) -> Rerun:
    """Fill in the form, send it, and wait until all is recorded."""
    url = f"/runs/{run.id}/again/{path_query}"
    response = console.post(url, {**fields(console, url), **edited})
    assert response.status_code == 302, response.content.decode()
    settled()
    return Rerun.objects.get(pk=response["Location"].split("/")[2])


# -- through Dify ----------------------------------------------------------------------------------


def test_a_workflow_with_the_same_inputs(
    console: Client, dify_api: Upstream, original: Run
) -> None:
    dify_api.will_answer((CAPTURES / "dify-events-01.sse").read_bytes())
    rerun = run_again(console, original)
    [request] = dify_api.seen
    assert (request.method, request.path) == ("POST", "/v1/workflows/run")
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert request.json == {
        "inputs": {"q": "hi", "limit": 3}, "response_mode": "streaming", "user": "u1",
    }  # fmt: skip
    assert (rerun.state, rerun.error, rerun.requested_by.username) == ("done", "", "admin")
    run = rerun.run
    assert run and run != original
    assert (run.app, run.status, run.steps, run.source_kind, run.trigger, run.user) == (
        original.app, "failed", 7, "dify-rerun", "rerun", "u1",
    )  # fmt: skip
    assert rerun.source_id == run.sources.get(kind="dify-run").source_id

    tree = check_view(console, f"/reruns/{rerun.pk}/")
    links = {a.get("href") for a in tree.iter("a")}
    assert {f"/runs/{run.id}/", f"/runs/{original.id}/"} <= links
    assert f"/runs/{original.id}/" in console.get(f"/runs/{run.id}/").content.decode()
    assert "Run again 1 time" in text_of(check_view(console, f"/runs/{original.id}/"))


def test_edited_inputs(console: Client, dify_api: Upstream, original: Run) -> None:
    dify_api.will_answer(sse(started(), finished()))
    edited = {
        "input:q": "二度目\r\nもう一度",
        "input:limit": "",
        "more": '{"tags": ["a"], "n": null}',
    }
    run_again(console, original, **edited, user="someone else")
    sent = dify_api.seen[0].json
    assert sent["inputs"] == {"q": "二度目\nもう一度", "tags": ["a"], "n": None}
    assert sent["user"] == "someone else"


def test_what_is_not_edited_is_sent_as_recorded(
    console: Client, dify_api: Upstream, original: Run
) -> None:
    """Browsers end lines with CR LF, and drop a text's first line end."""
    inputs = {"text": "\n one \r\n two\n", "float": 1.10, "none": None, "deep": {"é": [1, {}]}}
    original.inputs = make_payload(original.app, inputs)
    original.save()
    sent = fields(console, f"/runs/{original.id}/again/")
    dify_api.will_answer(sse(started(), finished()))
    run_again(console, original, **{"input:text": "\r\n one \r\n two\r\n"})
    assert dify_api.seen[0].json["inputs"] == inputs
    assert "input:deep" in sent


def test_a_query_that_is_not_edited(console: Client, dify_api: Upstream, app: App) -> None:
    for query in ("one\n\ntwo", "long " * 20_000):
        turn = make_run(app, mode="chatflow", inputs={"sys.query": query}, user="u1")
        dify_api.will_answer(sse(*chatflow()))
        run_again(console, turn)
        assert dify_api.seen[-1].json["query"] == query


def test_long_values_are_sent_but_not_shown(
    console: Client, dify_api: Upstream, original: Run
) -> None:
    inputs = {"document": "x" * 200_000, "q": "hi"} | {f"n{i:03}": i for i in range(150)}
    original.inputs = make_payload(original.app, inputs)
    original.save()
    page = console.get(f"/runs/{original.id}/again/")
    assert len(page.content) < 60_000 and "sent as recorded" in page.content.decode()
    dify_api.will_answer(sse(started(), finished()))
    run_again(console, original)
    assert dify_api.seen[0].json["inputs"] == inputs


def test_inputs_without_end(console: Client, dify_api: Upstream, original: Run) -> None:
    original.inputs = make_payload(original.app, {"document": "x" * 6_000_000})
    original.save()
    url = f"/runs/{original.id}/again/"
    assert "6.0 MB" in text_of(check_page(console.get(url).content.decode()))
    assert console.post(url, {"token": str(uuid4())}).status_code == 409
    assert not dify_api.seen


@pytest.mark.parametrize("choice", ["continue", "new"])
def test_a_turn_of_a_conversation(
    console: Client, dify_api: Upstream, app: App, choice: str
) -> None:
    talk = make_conversation(app, TALK)
    inputs = {"sys.query": "Who?", "channel": "web", "sys.files": [], "sys.workflow_id": "w1"}
    turn = make_run(app, mode="chatflow", conversation=talk, inputs=inputs, user="u1")
    dify_api.will_answer(sse(*chatflow()))
    rerun = run_again(console, turn, conversation=choice, query="Who are you?")
    assert dify_api.seen[0].path == "/v1/chat-messages"
    assert dify_api.seen[0].json == {
        "inputs": {"channel": "web"}, "query": "Who are you?", "response_mode": "streaming",
        "user": "u1", "conversation_id": TALK if choice == "continue" else "",
    }  # fmt: skip
    assert rerun.run and rerun.run.mode == "chatflow" and rerun.run.outputs_preview == "Hello there"


def test_the_version_that_ran_then(console: Client, dify_api: Upstream, original: Run) -> None:
    dify_api.will_answer(sse(started(), finished()))
    url = f"/runs/{original.id}/again/"
    form = fields(console, url)
    pages = {console.post(url, form | {"then": "on"})["Location"]}
    assert dify_api.done.acquire(timeout=30)
    assert dify_api.seen[0].path == "/v1/workflows/w1/run"
    dify_api.will_answer(sse(started(), finished()))
    assert console.post(url, form)["Location"] not in pages  # something else is to run
    settled()
    assert dify_api.seen[1].path == "/v1/workflows/run"


def test_the_new_run_is_shown_while_it_runs(
    console: Client, dify_api: Upstream, original: Run
) -> None:
    go = threading.Semaphore(1)
    dify_api.will_answer(sse(started()), sse(node("node_started", "a"), finished()), go=go)
    url = f"/runs/{original.id}/again/"
    page = console.post(url, fields(console, url))["Location"]
    wait_until_it_runs()
    response = console.get(page, headers=FRAGMENT)
    assert response.status_code == 200 and "every 2s" in response.content.decode()
    assert "Watch it" in text_of(check_view(console, page))
    assert console.get(f"{page[:-1]}.json").json()["state"] == "running"
    go.release(3)
    settled()
    response = console.get(page, headers=FRAGMENT)
    assert response.status_code == 286 and "every 2s" not in response.content.decode()


def test_dify_is_not_asked_to_stop_what_a_webhook_runs(console: Client, original: Run) -> None:
    run = make_run(original.app, status="running", source_ids={"dify-run": "r", "dify-task": "t"})
    rerun = Rerun.objects.create(original=original, run=run, sent={"inputs": {}, "query": None})
    page = console.post(f"/reruns/{rerun.pk}/stop/", follow=True).content.decode()
    assert "There is nothing to stop" in page


def test_it_is_stopped_while_it_runs(
    console: Client, client: Client, dify_api: Upstream, original: Run
) -> None:
    go = threading.Semaphore(1)
    dify_api.will_answer(sse(started()), sse(finished("stopped")), go=go)
    dify_api.will_answer(b'{"result": "success"}', content_type="application/json")
    url = f"/runs/{original.id}/again/"
    page = console.post(url, fields(console, url))["Location"]
    wait_until_it_runs()
    assert "Stop JSON" in text_of(check_view(console, page))
    client.force_login(get_user_model().objects.create_user("reader"))
    assert client.post(f"{page}stop/").status_code == 403
    assert ">Stop</button>" not in client.get(page).content.decode()
    assert "was asked to stop" in console.post(f"{page}stop/", follow=True).content.decode()
    assert dify_api.done.acquire(timeout=30)
    [_, request] = dify_api.seen
    assert (request.method, request.path) == ("POST", f"/v1/workflows/tasks/{TASK}/stop")
    assert request.json == {"user": "u1"} and request.headers["Authorization"] == f"Bearer {KEY}"
    go.release(3)
    settled()
    rerun = Rerun.objects.get()
    assert rerun.run and (rerun.state, rerun.run.status) == ("done", "stopped")
    assert "nothing to stop" in console.post(f"{page}stop/", follow=True).content.decode()
    assert len(dify_api.seen) == 2 and ">Stop</button>" not in console.get(page).content.decode()


def test_two_clicks_are_one_run(
    console: Client, dify_api: Upstream, original: Run, admin: Any
) -> None:
    url = f"/runs/{original.id}/again/"
    form = fields(console, url)
    for _ in range(2):
        dify_api.will_answer(sse(started(), finished()))

    def click(_: int) -> str:
        client = Client()
        client.force_login(admin)
        return str(client.post(url, form)["Location"])

    with ThreadPoolExecutor(2) as pool:
        pages = set(pool.map(click, range(2)))
    settled()
    assert len(pages) == 1 and len(dify_api.seen) == 1 and Rerun.objects.count() == 1
    page = console.post(url, form, follow=True).content.decode()
    assert "was already submitted" in page and len(dify_api.seen) == 1
    # Going back and asking for something else is no second click.
    assert console.post(url, form | {"input:q": "other"})["Location"] not in pages
    settled()
    assert len(dify_api.seen) == 2


def test_the_version_of_a_chatflow_that_ran_then(
    console: Client, dify_api: Upstream, app: App
) -> None:
    inputs = {"sys.query": "Who?", "sys.workflow_id": "w1"}
    turn = make_run(app, mode="chatflow", inputs=inputs, user="u1")
    dify_api.will_answer(sse(*chatflow()))
    run_again(console, turn, then="on")
    assert dify_api.seen[0].path == "/v1/chat-messages"
    assert dify_api.seen[0].json["workflow_id"] == "w1"


# -- when it goes wrong ----------------------------------------------------------------------------


def test_dify_says_no(
    console: Client, dify_api: Upstream, original: Run, caplog: pytest.LogCaptureFixture
) -> None:
    """In its own words, without the key that it repeats, which is nowhere else either."""
    caplog.set_level(logging.DEBUG)
    body = {"code": "unauthorized", "message": f"Access token {KEY} is\ninvalid <b>", "status": 401}
    dify_api.will_answer(json.dumps(body).encode(), status=401, content_type="application/json")
    rerun = run_again(console, original)
    assert (rerun.state, rerun.run) == ("failed", None)
    assert rerun.error == "Dify refused the request with 401: Access token •••••• is invalid <b>"
    run, admin_app = f"/runs/{original.id}", f"/admin/runs/app/{original.app_id}"
    pages = [
        *(f"/reruns/{rerun.pk}/", f"/reruns/{rerun.pk}.json", f"{run}.json", f"{run}/again/"),
        *(f"{admin_app}/change/", f"{admin_app}/history/", "/inbox/", "/apps.json"),
        f"/admin/runs/rerun/{rerun.pk}/change/",
    ]
    texts = "".join(console.get(page).content.decode() for page in pages)
    assert "The app was not run" in texts
    tables = (NodeExecution, ReceivedRequest, Rerun)
    stored = [row for table in tables for row in table.objects.values()]
    stored += [payload.text for payload in Payload.objects.all()]
    assert KEY not in texts + repr(stored) + caplog.text
    assert Run.objects.count() == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"parts": [b'{"message": "Workflow not published"}'], "status": 400}, "not published"),
        (
            {"parts": [b"<html>Bad gateway</html>"], "status": 502},
            "Dify refused the request with 502.",
        ),
        ({"parts": [b""], "status": 302, "headers": {"Location": "http://x.example/"}}, "redirect"),
        ({"parts": [b"event: ping\n\n"]}, "named no run"),
        (
            {"parts": [b"event: ping\n\n", sse(NO_INPUT)]},
            "refused the request with 400: q is required",
        ),
        ({"parts": [b"event: ping\n\n"], "breaks_off": True}, "ended early"),
        ({"parts": [b"x" * 100_000], "status": 500}, "Dify refused the request with 500: xxx"),
    ],
)
def test_answers_that_are_no_run(
    console: Client, dify_api: Upstream, original: Run, answer: dict[str, Any], error: str
) -> None:
    dify_api.will_answer(*answer.pop("parts"), **answer)
    rerun = run_again(console, original)
    assert (rerun.state, rerun.run) == ("failed", None)
    assert error in rerun.error and len(rerun.error) < 600
    assert len(dify_api.seen) == 1 and Run.objects.count() == 1


def test_a_stream_that_breaks_off(console: Client, dify_api: Upstream, original: Run) -> None:
    dify_api.will_answer(sse(started()), breaks_off=True)
    rerun = run_again(console, original)
    assert rerun.run and (rerun.state, rerun.run.status) == ("failed", "running")
    assert "The rerun was interrupted" in text_of(check_view(console, f"/reruns/{rerun.pk}/"))


def test_what_cannot_be_read_is_in_the_inbox(
    console: Client, dify_api: Upstream, original: Run
) -> None:
    dify_api.will_answer(sse(started(), node("node_started", ""), finished()))
    rerun = run_again(console, original)
    assert rerun.run and rerun.state == "done"
    refused = RefusedRecord.objects.get()
    assert "must be text" in refused.reason
    assert "must be text" in replay(refused)  # the endpoint is there, and says the same


def test_dify_is_not_there(console: Client, app: App, original: Run) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        App.objects.update(upstream_url=f"http://127.0.0.1:{probe.getsockname()[1]}/v1")
    rerun = run_again(console, original)
    assert rerun.state == "failed" and "could not be reached" in rerun.error


@pytest.mark.parametrize(
    ("edited", "sentence"),
    [
        ({"input:limit": "three"}, "This is not JSON"),
        ({"input:limit": "[" * 300 + "]" * 300}, "nested"),
        ({"input:limit": '"\\u0000"'}, "NUL"),
        ({"input:q": "x" * 6_000_000}, "larger than"),
        ({"more": "[1]"}, "JSON object"),
        ({"user": ""}, "required"),
        ({"user": "x" * 300}, "at most 200"),
        ({"token": "mine"}, "Open the page again"),
    ],
)
def test_a_form_that_cannot_be_sent(
    console: Client, dify_api: Upstream, original: Run, edited: dict[str, str], sentence: str
) -> None:
    url = f"/runs/{original.id}/again/"
    response = console.post(url, fields(console, url) | edited)
    assert response.status_code == 400 and sentence in response.content.decode()
    check_page(response.content.decode())
    assert not dify_api.seen and not Rerun.objects.exists()


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [({"upstream_url": ""}, "No upstream is set"), ({"upstream_key": ""}, "No key is set")],
)
def test_an_app_without_an_upstream(
    console: Client, original: Run, columns: dict[str, str], sentence: str
) -> None:
    App.objects.update(**columns)
    url = f"/runs/{original.id}/again/"
    assert sentence in text_of(check_page(console.get(url).content.decode()))
    assert console.post(url, {"token": str(uuid4())}).status_code == 409


def test_who_may_run_again(client: Client, original: Run, read_key: str) -> None:
    url = f"/runs/{original.id}/again/"
    assert client.get(url).status_code == 302
    assert client.post(url, headers={"x-api-key": read_key}).status_code == 302
    user = get_user_model().objects.create_user("reader", password="x")
    client.force_login(user)
    assert client.get(url).status_code == client.post(url).status_code == 403
    assert "Run again" not in client.get(f"/runs/{original.id}/").content.decode()
    user.user_permissions.add(Permission.objects.get(codename="add_rerun"))
    assert client.get(url).status_code == 200
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(user)
    assert strict.post(url, {"token": str(uuid4())}).status_code == 403


# -- through a webhook -----------------------------------------------------------------------------


def spans(trace: str, error: str = "") -> bytes:
    """OTLP JSON of a small run under this trace."""
    now = 1_795_000_000 * 10**9
    span = {"traceId": trace, "spanId": "b7ad6b7169203331", "name": "job", "kind": 1,
            "startTimeUnixNano": str(now), "endTimeUnixNano": str(now + 10**9),
            "status": {"code": 2, "message": error} if error else {}}  # fmt: skip
    service = {"key": "service.name", "value": {"stringValue": "My App"}}
    body = {"resourceSpans": [{"resource": {"attributes": [service]},
                               "scopeSpans": [{"spans": [span]}]}]}  # fmt: skip
    return json.dumps(body).encode()


def test_a_webhook_and_its_trace(
    console: Client, hook: Upstream, original: Run, ingest_key: str
) -> None:
    hook.will_answer(b'{"accepted": true}', status=202, content_type="application/json")
    url = f"/runs/{original.id}/again/"
    page = console.post(url, fields(console, url) | {"input:q": "again"})["Location"]
    assert hook.done.acquire(timeout=30)
    [request] = hook.seen
    rerun = Rerun.objects.get()
    assert (request.method, request.path) == ("POST", "/v1")
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert request.json == {
        "inputs": {"q": "again", "limit": 3}, "query": None, "original_run": str(original.id),
        "rerun": str(rerun.pk), "scope": "run", "node_id": None,
    }  # fmt: skip
    version, trace, span, flags = request.headers["traceparent"].split("-")
    assert (version, trace, flags) == ("00", rerun.source_id, "01") and len(span) == 16
    assert console.get(page, headers=FRAGMENT).status_code == 200

    sent = Client().post("/v1/traces", spans(trace), "application/json",
                         headers={"x-api-key": ingest_key})  # fmt: skip
    assert sent.status_code == 200
    settled()
    rerun.refresh_from_db()
    assert rerun.run and (rerun.state, rerun.run.status) == ("done", "succeeded")
    assert console.get(page, headers=FRAGMENT).status_code == 286


def test_a_webhook_that_names_its_run(console: Client, hook: Upstream, original: Run) -> None:
    other = make_run(original.app, source_ids={"trace": "abc9"})
    hook.will_answer(b'{"run": "abc9"}', content_type="application/json")
    rerun = run_again(console, original)
    assert (rerun.state, rerun.run) == ("done", other)


def test_a_webhook_that_starts_no_run(
    console: Client, hook: Upstream, original: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcome, "MAX_WAIT", timedelta(seconds=0))
    hook.will_answer(b"ok")
    rerun = run_again(console, original)
    assert rerun.state == "failed" and "No run was recorded" in rerun.error
    # Later it comes all the same.
    new_run = make_run(original.app, source_ids={"trace": rerun.source_id})
    assert f"/runs/{new_run.id}/" in console.get(f"/reruns/{rerun.pk}/").content.decode()


def test_a_webhook_that_is_not_there_or_says_no(
    console: Client, hook: Upstream, original: Run
) -> None:
    hook.will_answer(b'{"error": "no such job"}', status=404, content_type="application/json")
    assert (
        run_again(console, original).error
        == "The webhook refused the request with 404: no such job"
    )
    hook.will_answer(b"", status=307, headers={"Location": "http://169.254.169.254/"})
    assert "redirect" in run_again(console, original).error and len(hook.seen) == 2
    App.objects.update(upstream_url="http://127.0.0.1:1/hook")
    assert "The webhook could not be reached" in run_again(console, original).error
    for address in ("ftp://127.0.0.1/hook", "http://a..b/", "http://[::1"):
        App.objects.update(upstream_url=address)
        rerun = run_again(console, original)
        assert rerun.state == "failed" and rerun.error and len(hook.seen) == 2, address


@pytest.mark.parametrize(("answer", "warned"), [(b'{"scope": "from"}', False), (b"{}", True)])
def test_from_a_step_on(
    console: Client, hook: Upstream, original: Run, answer: bytes, warned: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(outcome, "MAX_WAIT", timedelta(days=1))
    step = make_execution(original, "Look up", kind="tool", inputs={"order": "A-17"})
    original.failed_execution = step.id
    original.save()
    page = console.get(f"/runs/{original.id}/again/").content.decode()
    query = f"?execution={step.id}&scope=from"
    assert query.replace("&", "&amp;") in page
    panel = console.get(f"/runs/{original.id}/tracing/{step.id}/").content.decode()
    assert query.replace("&", "&amp;") in panel
    with mock.patch.object(webhook, "update_outcome", return_value=True):
        hook.will_answer(answer, content_type="application/json")
        rerun = run_again(console, original, query)
    sent = hook.seen[0].json
    assert (sent["inputs"], sent["node_id"], sent["scope"]) == (
        {"order": "A-17"},
        "look-up",
        "from",
    )
    assert ("may have run the whole" in rerun.error) == warned and rerun.state == "running"
    assert "from this step on" in text_of(check_view(console, f"/reruns/{rerun.pk}/"))


@pytest.mark.parametrize(
    "query", ["?execution=x", "?execution={step}&scope=all", "?execution={no}"]
)
def test_steps_that_cannot_be_run(
    console: Client, hook: Upstream, original: Run, query: str
) -> None:
    step = make_execution(original)
    url = f"/runs/{original.id}/again/{query.format(step=step.id, no=uuid4())}"
    assert console.get(url).status_code == 404
    App.objects.update(upstream_kind="dify")
    assert console.get(f"/runs/{original.id}/again/?execution={step.id}").status_code == 404


def test_the_proxy_of_dify_forwards_to_no_webhook(
    client: Client, hook: Upstream, original: Run
) -> None:
    assert client.post("/dify/my-app/v1/workflows/run").status_code == 404
    assert not hook.seen


# -- pages and JSON --------------------------------------------------------------------------------


def test_an_attempt_whose_process_ended(console: Client, original: Run) -> None:
    rerun = Rerun.objects.create(original=original)
    Rerun.objects.update(created_at=timezone.now() - timedelta(hours=1))
    assert "No run was recorded" in text_of(check_view(console, f"/reruns/{rerun.pk}/"))
    stalled = make_run(
        original.app, status="running", last_seen_at=timezone.now() - timedelta(hours=1)
    )
    other = Rerun.objects.create(original=original, run=stalled)
    assert "Nothing has been received" in console.get(f"/reruns/{other.pk}/").content.decode()


def test_the_origin_of_a_run_is_known_however_often_it_is_run_again(original: Run) -> None:
    run = make_run(original.app)
    origin = Rerun.objects.create(original=original, run=run)
    Rerun.objects.bulk_create(Rerun(original=run) for _ in range(outcome.MAX_LISTED + 5))
    history = outcome.rerun_history(run)
    assert history.origin == origin and history.more
    assert len(history.attempts) == outcome.MAX_LISTED


def test_the_json_of_an_attempt(
    client: Client, console: Client, original: Run, read_key: str, bound_key: Callable[..., str]
) -> None:
    run = make_run(original.app)
    rerun = Rerun.objects.create(original=original, run=run, state="done", sent={"inputs": {}})
    url = f"/reruns/{rerun.pk}.json"
    data = client.get(url, headers={"x-api-key": read_key}).json()
    assert set(data) == {
        "id", "state", "error", "original", "run", "compare", "node_id", "sent", "requested_by",
        "created_at", "ended_at",
    }  # fmt: skip
    assert data["run"]["id"] == str(run.id) and data["original"]["id"] == str(original.id)
    assert client.get(url).status_code == 401
    own = bound_key(original.app)
    assert client.get(url, headers={"x-api-key": own}).status_code == 200
    other = bound_key(make_app("other"))
    assert client.get(url, headers={"x-api-key": other}).status_code == 404
    assert console.get(f"/reruns/{uuid4()}/").status_code == 404


def test_the_page_makes_few_queries(
    console: Client, original: Run, django_assert_max_num_queries: Any
) -> None:
    rerun = Rerun.objects.create(original=original, run=make_run(original.app), state="done")
    with django_assert_max_num_queries(4):
        console.get(f"/reruns/{rerun.pk}/")
    with django_assert_max_num_queries(5):
        console.get(f"/runs/{original.id}/again/")


def test_the_key_is_written_and_never_shown(console: Client, app: App) -> None:
    url = f"/admin/runs/app/{app.pk}/change/"
    form = {"upstream_kind": "dify", "upstream_url": app.upstream_url}

    def stored_key() -> str:
        assert KEY not in (page := console.get(url).content.decode()) and "Bearer …" in page
        return str(App.objects.get(pk=app.pk).upstream_key)

    for edited, expected in [
        ({}, KEY),
        ({"new_key": "app-another"}, "app-another"),
        ({"forget_key": "on", "upstream_kind": "webhook"}, ""),
    ]:
        assert console.post(url, form | edited).status_code == 302
        assert stored_key() == expected
    assert App.objects.get(pk=app.pk).upstream_kind == "webhook"
    assert console.post(url, form | {"new_key": "a\nb"}).status_code == 200
    assert console.post(url, form | {"new_key": "app-\u00e9"}).status_code == 200
    assert stored_key() == ""
    history = console.get(url.replace("change", "history")).content.decode()
    assert "app-another" not in history
