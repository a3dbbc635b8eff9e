"""The recording proxy between a client and a Dify API that the test plays."""

import http.client
import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.test import Client

from nodes.models import NodeExecution, Payload
from runs.models import App, Note, ReceivedRequest, RefusedRecord, Run
from runs.recording.decoding.dify_stream.stream_event import RunRequest
from runs.recording.decoding.dify_stream.stream_reader import StreamReader
from runs.recording.receiving import live_stream, upstream
from runs.recording.records.moments import moment_from_text
from runs.recording.storing import ingest
from runs.recording.storing.inbox import Sender
from tests.runs.recording.decoding.dify_stream.streams import (
    MESSAGE,
    RUN,
    chat_event,
    chatflow,
    finished,
    node,
    recorded,
    sse,
    started,
)
from tests.runs.recording.receiving.background import settled
from tests.runs.recording.receiving.dify_upstream import Upstream
from tests.runs.test_serve import START_SECONDS, Console, database_url, free_port, serve

__all__ = ["database_url", "free_port", "serve"]  # fixtures

# Runs are stored on threads of their own.
pytestmark = pytest.mark.django_db(transaction=True)
KEY = "app-a-key-of-dify"
RUN_REQUEST = {"inputs": {"q": "hi"}, "response_mode": "streaming", "user": "u1"}


@pytest.fixture
def app(dify_api: Upstream) -> App:
    return App.objects.create(name="My App", slug="my-app", upstream_url=dify_api.url)


@pytest.fixture
def ask(app: App) -> Callable[..., Any]:
    """`ask("workflows/run", body)`, as a client of Dify does."""

    def send(path: str, body: Any = None, method: str = "POST", **headers: str) -> Any:
        sent_headers = {"Authorization": f"Bearer {KEY}"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        data = b"" if body is None else json.dumps(body).encode()
        return Client().generic(
            method, f"/dify/my-app/v1/{path}", data, "application/json", headers=sent_headers
        )

    return send


def body_of(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


def now_us() -> int:
    return time.time_ns() // 1000


def test_a_stream_goes_through_unchanged_and_is_recorded(
    ask: Callable[..., Any], dify_api: Upstream
) -> None:
    stream = recorded()
    dify_api.will_answer(stream[:100], stream[100:5000], stream[5000:])
    answer = ask("workflows/run", RUN_REQUEST)
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/event-stream")
    assert body_of(answer) == stream
    [seen] = dify_api.seen
    assert (seen.method, seen.path, seen.json) == ("POST", "/v1/workflows/run", RUN_REQUEST)
    assert seen.headers["Authorization"] == f"Bearer {KEY}"
    settled()
    run = Run.objects.get()
    assert (run.app.name, run.status, run.steps, run.source_kind) == (
        "My App", "failed", 7, "dify-proxy",
    )  # fmt: skip
    assert (run.user, run.trigger, run.inputs_preview) == ("u1", "app-run", "hi")
    received = ReceivedRequest.objects.get()
    assert (received.door, received.status, received.run_count) == (
        "/dify/my-app/v1/workflows/run",
        200,
        1,
    )


def test_nobody_waits(ask: Callable[..., Any], dify_api: Upstream) -> None:
    """Each part is there before the next one is sent, whether or not the database is."""
    parts = [sse(event) for event in (started(), node("node_started", "a"), finished())]
    go = threading.Semaphore(0)
    dify_api.will_answer(*parts, go=go)
    let_in = threading.Event()

    def slow(*args: Any, **kwargs: Any) -> Any:
        assert let_in.wait(30)
        return store_decoded(*args, **kwargs)

    store_decoded = ingest.store_decoded
    with mock.patch.object(ingest, "store_decoded", slow):
        answer = ask("workflows/run", RUN_REQUEST)
        stream = iter(answer.streaming_content)
        for part in parts:
            go.release()
            assert next(stream) == part
        assert next(stream, None) is None
        let_in.set()
        settled()
    assert Run.objects.get().status == "succeeded"


def test_a_run_is_seen_while_it_streams(ask: Callable[..., Any], dify_api: Upstream) -> None:
    go = threading.Semaphore(1)
    dify_api.will_answer(sse(started()), sse(finished()), go=go)
    stream = iter(ask("workflows/run", RUN_REQUEST).streaming_content)
    next(stream)
    until = time.monotonic() + 30
    while not Run.objects.filter(status="running").exists():
        assert time.monotonic() < until
        time.sleep(0.02)
    go.release()
    list(stream)
    settled()
    assert Run.objects.get().status == "succeeded"


@pytest.mark.parametrize("heard", [0, 1])
def test_a_client_that_hangs_up_does_not_stop_the_run(
    ask: Callable[..., Any], dify_api: Upstream, heard: int
) -> None:
    go = threading.Semaphore(heard)
    dify_api.will_answer(sse(started()), sse(node("node_started", "a")), sse(finished()), go=go)
    answer = ask("workflows/run", RUN_REQUEST)
    for _ in range(heard):
        next(iter(answer.streaming_content))
    answer.close()
    go.release(3)
    assert dify_api.done.acquire(timeout=30)
    settled()
    run = Run.objects.get()
    assert (run.status, run.steps) == ("succeeded", 1)


def test_a_stream_that_breaks_off(ask: Callable[..., Any], dify_api: Upstream) -> None:
    part = sse(started(), node("node_started", "a"))
    dify_api.will_answer(part, breaks_off=True)
    assert body_of(ask("workflows/run", RUN_REQUEST)) == part
    settled()
    run = Run.objects.get()
    assert (run.status, run.error) == ("running", "")  # nobody knows whether it goes on
    own = NodeExecution.objects.get(source_id=RUN)
    assert "ended early" in own.error
    ingest.store_decoded(StreamReader(RunRequest("My App")).feed(sse(finished())), Sender("later"))
    assert Run.objects.get().status == "succeeded"


def test_a_stream_that_ends_before_its_run(ask: Callable[..., Any], dify_api: Upstream) -> None:
    dify_api.will_answer(sse(started()))
    body_of(ask("workflows/run", RUN_REQUEST))
    settled()
    assert Run.objects.get().status == "running"
    assert "ended before the run" in NodeExecution.objects.get().error


def test_a_stream_without_an_event(ask: Callable[..., Any], dify_api: Upstream) -> None:
    dify_api.will_answer(b"event: ping\n\n", breaks_off=True)
    body_of(ask("workflows/run", RUN_REQUEST))
    settled()
    run = Run.objects.get()
    assert (run.status, run.user) == ("failed", "u1")
    assert "ended early" in run.error


def test_inputs_that_are_refused_within_the_stream(
    ask: Callable[..., Any], dify_api: Upstream
) -> None:
    event = {"event": "error", "status": 400, "code": "invalid_param", "message": "q is required"}
    dify_api.will_answer(b"event: ping\n\n", sse(event))
    body_of(ask("workflows/run", RUN_REQUEST))
    settled()
    run = Run.objects.get()
    assert (run.status, run.user) == ("failed", "u1")
    assert run.error == "Dify answered with 400: q is required"
    assert not RefusedRecord.objects.exists()


def test_a_blocking_run(ask: Callable[..., Any], dify_api: Upstream) -> None:
    reply = {"task_id": "t", "workflow_run_id": RUN, "data": finished()["data"]}
    body = json.dumps(reply, indent=1).encode()
    dify_api.will_answer(body, content_type="application/json")
    answer = ask("workflows/run", RUN_REQUEST | {"response_mode": "blocking"})
    assert body_of(answer) == body
    settled()
    run = Run.objects.get()
    assert (run.status, run.inputs_preview, run.outputs_preview) == ("succeeded", "hi", "yes")
    assert run.duration_us == 3_500_000


def test_a_chatflow(ask: Callable[..., Any], dify_api: Upstream) -> None:
    dify_api.will_answer(sse(*chatflow()))
    body_of(ask("chat-messages", RUN_REQUEST | {"query": "Who?", "conversation_id": ""}))
    settled()
    run = Run.objects.get()
    assert (run.mode, run.outputs_preview, run.status) == ("chatflow", "Hello there", "succeeded")
    assert run.conversation and run.conversation.source_id == "talk-1"


def test_a_blocking_chatflow_lasts_from_its_request_to_its_answer(
    ask: Callable[..., Any], dify_api: Upstream
) -> None:
    """Dify tells how long its last model call took, and nothing of the steps."""
    usage = {"prompt_tokens": 30, "completion_tokens": 5, "total_tokens": 35, "latency": 0.001,
             "total_price": "0.5", "currency": "USD"}  # fmt: skip
    reply = chat_event("message", id=MESSAGE, mode="advanced-chat", answer="Hello",
                       metadata={"usage": usage})  # fmt: skip
    answer = dify_api.will_answer(
        json.dumps(reply).encode(), content_type="application/json", go=threading.Semaphore(0)
    )
    before = now_us()
    sent = ask("chat-messages", RUN_REQUEST | {"query": "Who?", "response_mode": "blocking"})
    between = now_us()
    assert answer.go
    answer.go.release()
    body_of(sent)
    after = now_us()
    settled()
    run = Run.objects.get()
    assert (run.mode, run.status, run.outputs_preview) == ("chatflow", "succeeded", "Hello")
    assert (run.steps, run.model_calls) == (0, 0)
    assert (run.total_tokens, run.reported_tokens, str(run.reported_cost)) == (
        35, 35, "0.5000000000",
    )  # fmt: skip
    assert run.started_at and run.ended_at and run.duration_us
    assert before <= run.started_at.timestamp() * 1_000_000 + 1 <= between + 2
    assert run.ended_at.timestamp() * 1_000_000 - 1 <= after
    assert run.ended_at.timestamp() * 1_000_000 + 1 >= between


def test_it_is_noted_when_each_event_arrived(ask: Callable[..., Any], dify_api: Upstream) -> None:
    dify_api.will_answer(sse(started()), sse(node("node_started", "a")))
    before = now_us()
    body_of(ask("workflows/run", RUN_REQUEST))
    after = now_us()
    settled()
    hints = json.loads(NodeExecution.objects.get(title="a").hints)
    moment = moment_from_text(hints["moments"][0])
    assert moment and moment.arrived_us and before <= moment.arrived_us <= after


def test_a_completion(ask: Callable[..., Any], dify_api: Upstream) -> None:
    reply = {"event": "message", "task_id": "t", "id": MESSAGE, "message_id": MESSAGE,
            "mode": "completion", "answer": "Done", "metadata": {}}  # fmt: skip
    dify_api.will_answer(json.dumps(reply).encode(), content_type="application/json")
    body_of(ask("completion-messages", RUN_REQUEST))
    settled()
    run = Run.objects.get()
    assert (run.mode, run.outputs_preview) == ("workflow", "Done")


def test_following_a_run_that_was_started_before(
    ask: Callable[..., Any], dify_api: Upstream
) -> None:
    dify_api.will_answer(sse(started(), finished()))
    body_of(ask(f"workflow/{RUN}/events?user=u1", method="GET"))
    settled()
    assert Run.objects.get().status == "succeeded"
    assert dify_api.seen[0].path == f"/v1/workflow/{RUN}/events?user=u1"


# -- when Dify says no -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code", "recorded_as"),
    [
        (400, "invalid_param", "failed"),
        (404, "app_unavailable", "failed"),
        (500, "internal_server_error", "failed"),
        (401, "unauthorized", None),
        (403, "forbidden", None),
    ],
)
def test_an_error_of_dify(
    ask: Callable[..., Any], dify_api: Upstream, status: int, code: str, recorded_as: str | None
) -> None:
    body = json.dumps({"code": code, "message": "So it is.", "status": status}).encode()
    dify_api.will_answer(body, status=status, content_type="application/json")
    answer = ask("chat-messages", RUN_REQUEST | {"query": "Who?"})
    assert (answer.status_code, body_of(answer)) == (status, body)
    settled()
    run = Run.objects.first()
    assert (run.status if run else None) == recorded_as
    if run:
        assert run.error == f"Dify answered with {status}: So it is."
        assert (run.user, run.inputs_preview) == ("u1", "Who?")


def test_dify_is_not_there(ask: Callable[..., Any], app: App) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        app.upstream_url = f"http://127.0.0.1:{probe.getsockname()[1]}/v1"
    app.save()
    answer = ask("workflows/run", RUN_REQUEST)
    assert answer.status_code == 502
    assert set(answer.json()) == {"code", "message", "status"}
    settled()
    run = Run.objects.get()
    assert (run.status, run.mode) == ("failed", "workflow")
    assert "could not be reached" in run.error
    assert ask("parameters", method="GET").status_code == 502
    assert Run.objects.count() == 1


def test_dify_does_not_answer_in_time(ask: Callable[..., Any], dify_api: Upstream) -> None:
    dify_api.will_answer(b"late", go=threading.Semaphore(0))
    with mock.patch.dict(upstream.SECONDS, {"read": 0.2}):
        answer = ask("workflows/run", RUN_REQUEST)
        body_of(answer)  # the head came, the body did not
    settled()
    with mock.patch.object(
        upstream, "send_request", side_effect=upstream.UpstreamUnreachable(504, "Too late.")
    ):
        answer = ask("workflows/run", RUN_REQUEST)
    assert (answer.status_code, answer.json()["message"]) == (504, "Too late.")
    settled()
    assert sorted(Run.objects.values_list("status", flat=True)) == ["failed", "failed"]


# -- recording never harms -------------------------------------------------------------------------


def test_a_database_that_is_away(ask: Callable[..., Any], dify_api: Upstream) -> None:
    stream = sse(started(), finished())
    dify_api.will_answer(stream)
    calls = [0]

    def failing(*args: Any) -> Any:
        calls[0] += 1
        if calls[0] < 3:
            raise OperationalError("gone")
        return save(*args)

    save = ingest.save_records
    with (
        mock.patch.object(ingest, "save_records", failing),
        mock.patch.object(live_stream, "PATIENCE", (0,) * 5),
    ):
        assert body_of(ask("workflows/run", RUN_REQUEST)) == stream
        settled()
    assert Run.objects.get().status == "succeeded"


def test_an_error_of_ours(
    ask: Callable[..., Any], dify_api: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    stream = sse(started(), finished())
    dify_api.will_answer(stream)
    with mock.patch.object(ingest, "save_records", side_effect=ValueError("ours")):
        assert body_of(ask("workflows/run", RUN_REQUEST)) == stream
        settled()
    assert "could not be recorded" in caplog.text


def test_a_stream_that_is_too_fast(ask: Callable[..., Any], dify_api: Upstream) -> None:
    parts = [sse(started()), *(sse(node("node_started", str(i))) for i in range(50))]
    dify_api.will_answer(*parts)
    with mock.patch.object(live_stream, "PENDING", 100):
        assert body_of(ask("workflows/run", RUN_REQUEST)) == b"".join(parts)
        settled()
    assert Run.objects.count() <= 1


def test_a_compressed_answer_goes_through_unread(
    ask: Callable[..., Any], dify_api: Upstream
) -> None:
    dify_api.will_answer(b"\x1f\x8bwhatever", headers={"Content-Encoding": "gzip"})
    answer = ask("workflows/run", RUN_REQUEST, Accept_Encoding="gzip, br")
    assert body_of(answer) == b"\x1f\x8bwhatever" and answer["Content-Encoding"] == "gzip"
    assert dify_api.seen[0].headers["Accept-Encoding"] == "identity"


# -- what goes through, and what does not ----------------------------------------------------------


def test_the_rest_of_the_api_goes_through(ask: Callable[..., Any], dify_api: Upstream) -> None:
    dify_api.will_answer(b'{"data": []}', content_type="application/json", headers={"X-Trace": "7"})
    answer = ask("messages?user=u1&limit=2", method="GET", Accept_Encoding="br", X_Trace_Id="t1")
    assert body_of(answer) == b'{"data": []}' and answer["X-Trace"] == "7"
    [seen] = dify_api.seen
    assert (seen.method, seen.path) == ("GET", "/v1/messages?user=u1&limit=2")
    assert (seen.headers["Accept-Encoding"], seen.headers["X-Trace-Id"]) == ("br", "t1")
    dify_api.will_answer(b"", status=204)
    assert ask("conversations/c1", {"user": "u1"}, method="DELETE").status_code == 204
    settled()
    assert not Run.objects.exists() and not ReceivedRequest.objects.exists()


def test_an_upload_of_a_file(app: App, dify_api: Upstream) -> None:
    dify_api.will_answer(b'{"id": "f1"}', status=201, content_type="application/json")
    file = SimpleUploadedFile("a.bin", bytes(range(256)) * 1000)
    answer = Client().post("/dify/my-app/v1/files/upload", {"file": file, "user": "u1"})
    assert (answer.status_code, body_of(answer)) == (201, b'{"id": "f1"}')
    [seen] = dify_api.seen
    assert bytes(range(256)) * 1000 in seen.body
    assert seen.headers["Content-Type"].startswith("multipart/form-data; boundary=")


def test_headers_that_stay_here(ask: Callable[..., Any], dify_api: Upstream) -> None:
    dify_api.will_answer(
        sse(started()),
        headers={"Set-Cookie": "sessionid=evil", "Strict-Transport-Security": "max-age=1",
                 "Content-Security-Policy": "script-src *", "Connection": "X-Hop", "X-Hop": "1"},
    )  # fmt: skip
    answer = ask(
        "workflows/run", RUN_REQUEST, Cookie="sessionid=1", X_Api_Key="wl_secret",
        Connection="X-Own", X_Own="1", X_Forwarded_Host="elsewhere", TE="trailers",
    )  # fmt: skip
    body_of(answer)
    [seen] = dify_api.seen
    names = {name.lower() for name in seen.headers}
    assert not names & {"cookie", "x-api-key", "x-own", "x-forwarded-host", "te"}
    assert seen.headers["Host"] == dify_api.url.split("/")[2]
    assert "evil" not in str(answer.cookies) and "X-Hop" not in answer
    assert "Strict-Transport-Security" not in answer
    assert answer["Content-Security-Policy"].startswith("sandbox")
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_redirects_are_not_followed(ask: Callable[..., Any], dify_api: Upstream) -> None:
    dify_api.will_answer(b"", status=302, headers={"Location": "http://169.254.169.254/"})
    answer = ask("parameters", method="GET")
    assert (answer.status_code, answer["Location"]) == (302, "http://169.254.169.254/")
    assert len(dify_api.seen) == 1


@pytest.mark.parametrize(
    "path",
    ["../console/api/x", "a/../../b", "./a", "a//b", "%2e%2e/x", "a/%2E%2E/b", "a%2f..%2fb",
     "/evil.example.com/x", "a%00b", "a%0d%0ab", ""],
)  # fmt: skip
def test_no_other_path_is_proxied(ask: Callable[..., Any], dify_api: Upstream, path: str) -> None:
    assert ask(path, method="GET").status_code == 404
    assert not dify_api.seen


@pytest.mark.parametrize(
    "path", ["http:%2f%2fevil.example.com", "@evil.example.com", "x%3fy=1", "x%23y", "\\evil", "é"]
)
def test_strange_names_stay_below_the_address(
    ask: Callable[..., Any], dify_api: Upstream, path: str
) -> None:
    dify_api.will_answer(b"{}")
    answer = ask(path, method="GET")
    if answer.status_code != 404:
        body_of(answer)
        assert dify_api.seen[0].path.startswith("/v1/") and dify_api.seen[0].path.isascii()
        assert "?" not in dify_api.seen[0].path and "#" not in dify_api.seen[0].path


@pytest.mark.parametrize("url", ["", "ftp://127.0.0.1/v1", "file:///etc", "not a url", "http://"])
def test_only_where_an_admin_has_set_an_address(
    ask: Callable[..., Any], app: App, dify_api: Upstream, url: str
) -> None:
    App.objects.update(upstream_url=url)
    answer = ask("workflows/run", RUN_REQUEST)
    assert answer.status_code == 404
    assert answer.json() == {
        "code": "not_found", "message": "No Dify API is set for this address.", "status": 404,
    }  # fmt: skip
    assert Client().get("/dify/unknown/v1/info").status_code == 404
    assert not dify_api.seen and not Run.objects.exists()


def test_too_large(ask: Callable[..., Any], dify_api: Upstream) -> None:
    with mock.patch.object(settings, "WAYLOG_MAX_BODY", 10):
        answer = ask("workflows/run", RUN_REQUEST)
    assert (answer.status_code, answer.json()["status"]) == (413, 413)
    assert not dify_api.seen


def test_the_key_is_nowhere(
    ask: Callable[..., Any], dify_api: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    dify_api.will_answer(recorded(), breaks_off=True)
    dify_api.will_answer(b'{"message": "no"}', status=500)
    for _ in range(2):
        body_of(ask("workflows/run", RUN_REQUEST))
    settled()
    stored = [*NodeExecution.objects.values(), *ReceivedRequest.objects.values()]
    bodies = [str(payload.value) for payload in Payload.objects.all()]
    assert stored and bodies
    assert KEY not in repr(stored) + repr(bodies) + caplog.text


def test_a_thumb_becomes_a_note(ask: Callable[..., Any], dify_api: Upstream) -> None:
    dify_api.will_answer(sse(*chatflow()))
    body_of(ask("chat-messages", RUN_REQUEST | {"query": "Who?"}))
    settled()
    for rating in ("like", "dislike"):
        dify_api.will_answer(b'{"result": "success"}', content_type="application/json")
        body_of(ask(f"messages/{MESSAGE}/feedbacks", {"rating": rating, "user": "u1"}))
        settled()
    note = Note.objects.get()
    assert (note.run, note.number, note.author, note.source) == (
        Run.objects.get(), -1.0, "u1", "dify-feedback",
    )  # fmt: skip
    dify_api.will_answer(b'{"result": "success"}', content_type="application/json")
    body_of(ask(f"messages/{MESSAGE}/feedbacks", {"rating": None, "user": "u1"}))
    settled()
    note.refresh_from_db()
    assert (note.number, note.label) == (None, "taken back")
    dify_api.will_answer(b"{}", status=404)
    body_of(ask("messages/other/feedbacks", {"rating": "like", "user": "u1"}))
    settled()
    assert Note.objects.count() == 1
    assert json.loads(dify_api.seen[-1].body) == {"rating": "like", "user": "u1"}


def test_a_message_without_a_workflow(ask: Callable[..., Any], dify_api: Upstream) -> None:
    dify_api.will_answer(
        sse(chat_event("message", id=MESSAGE, answer="Hel"), chat_event("message", answer="lo"),
            chat_event("message_end", metadata={}))
    )  # fmt: skip
    body_of(ask("chat-messages", RUN_REQUEST | {"inputs": {}, "query": "Who?"}))
    settled()
    run = Run.objects.get()
    assert (run.inputs_preview, run.outputs_preview, run.status) == ("Who?", "Hello", "succeeded")


# -- a real server ---------------------------------------------------------------------------------


def test_through_a_real_server(
    serve: Callable[..., Console], dify_api: Upstream, tmp_path: Path, database_url: str
) -> None:
    secret = "a-key-for-everything"
    console = serve(WAYLOG_INGEST_KEY=secret)
    make = (
        "from runs.models import App;"
        f"App.objects.create(name='My App', slug='my-app', upstream_url='{dify_api.url}')"
    )
    subprocess.run(
        [sys.executable, "manage.py", "shell", "-c", make], cwd=settings.BASE_DIR, check=True,
        env=os.environ | {"DATABASE_URL": database_url, "WAYLOG_VAR": str(tmp_path / "var")},
        capture_output=True,
    )  # fmt: skip
    parts = [sse(event) for event in (started(), node("node_started", "a"), finished())]
    for hangs_up in (False, True):
        go = threading.Semaphore(0)
        dify_api.will_answer(*parts, go=go)
        connection = http.client.HTTPConnection("127.0.0.1", console.port, timeout=START_SECONDS)
        connection.request("POST", "/dify/my-app/v1/workflows/run", json.dumps(RUN_REQUEST))
        answer = connection.getresponse()
        for part in parts[: 1 if hangs_up else 3]:
            go.release()
            assert answer.read1(10_000) == part
        assert hangs_up or answer.read() == b""
        answer.close()
        connection.close()
        go.release(3)
        assert dify_api.done.acquire(timeout=START_SECONDS)
        until = time.monotonic() + START_SECONDS
        while '"status": "succeeded"' not in (listing := _runs(console, secret)):
            assert time.monotonic() < until, listing
            time.sleep(0.05)


def _runs(console: Console, secret: str) -> str:
    return console.get("/runs.json", **{"x-api-key": secret})[1]
