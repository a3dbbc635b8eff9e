"""`POST /api/dify/events?app=NAME` as a client meets it."""

import contextlib
import gzip
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any
from unittest import mock

import pytest
from django.db import OperationalError, connection
from django.test import Client

from runs.models import App, IngestKey, ReceivedRequest, RefusedRecord, Run
from runs.recording.decoding.dify_stream.stream_event import RunRequest
from runs.recording.decoding.dify_stream.stream_reader import StreamReader
from runs.recording.storing import ingest
from runs.recording.storing.inbox import Sender
from tests.cases.test_cases import FOLDER
from tests.runs.recording.decoding.dify_stream.streams import (
    MESSAGE,
    chat_event,
    finished,
    ndjson,
    node,
    recorded,
    sse,
    started,
    workflow_event,
)
from tests.runs.recording.snapshot import snapshot
from tests.runs.test_serve import START_SECONDS, Console, database_url, free_port, serve

__all__ = ["database_url", "free_port", "serve"]  # fixtures

EVENTS_PATH = "/api/dify/events?app=shop"
STREAM = "text/event-stream"
# The events are stored on a thread of their own.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def post(ingest_key: str) -> Callable[..., Any]:
    def send(
        body: bytes, path: str = EVENTS_PATH, content_type: str = STREAM, **headers: str
    ) -> Any:
        sent_headers = {"x-api-key": ingest_key} | {
            k.replace("_", "-"): v for k, v in headers.items()
        }
        return Client().post(path, body, content_type=content_type, headers=sent_headers)

    return send


def test_a_whole_stream(post: Callable[..., Any]) -> None:
    answer = post(recorded(), "/api/dify/events?app=My+App")
    run = Run.objects.get()
    assert (answer.status_code, answer.json()) == (
        200, {"runs": [str(run.id)], "events": 17, "refused": []},
    )  # fmt: skip
    assert (run.app.name, run.status, run.steps, run.source_kind) == (
        "My App", "failed", 7, "dify-events",
    )  # fmt: skip
    request = ReceivedRequest.objects.get()
    assert (request.status, request.run_count, request.door) == (
        200, 1, "/api/dify/events?app=My+App",
    )  # fmt: skip
    assert post(recorded(), "/api/dify/events?app=My+App").json() == answer.json()
    assert Run.objects.count() == 1


def test_a_chat_that_is_piped_live_is_one_run_from_its_first_event() -> None:
    """The entries of an agent's log name the message alone."""
    stream = (FOLDER / "dify-real" / "agent-v2" / "request-01.sse").read_bytes()
    for event in stream.split(b"\n\n"):
        ingest.store_decoded(StreamReader(RunRequest("shop")).feed(event + b"\n\n"), Sender("/"))
        assert Run.objects.count() <= 1
    assert Run.objects.get().status == "partial-succeeded"


def test_a_stream_that_two_processes_post_at_once_is_one_run(
    post: Callable[..., Any], ingest_key: str
) -> None:
    def send() -> None:
        answers.append(post(recorded()).status_code)
        connection.close()

    answers: list[int] = []
    threads = [threading.Thread(target=send) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200, 200, 200]
    at_once = snapshot()
    assert len(at_once["runs"]) == 1
    Run.objects.all().delete()
    post(recorded())
    assert snapshot() == at_once


@pytest.mark.parametrize("content_type", ["application/x-ndjson", "application/json"])
def test_ndjson(post: Callable[..., Any], content_type: str) -> None:
    answer = post(ndjson(started(), finished()), content_type=content_type)
    assert (answer.status_code, answer.json()["events"]) == (200, 2)
    assert Run.objects.get().status == "succeeded"


def test_compressed(post: Callable[..., Any]) -> None:
    answer = post(gzip.compress(sse(started(), finished())), content_encoding="gzip")
    assert answer.status_code == 200 and Run.objects.get().status == "succeeded"


def test_a_blocking_reply(post: Callable[..., Any]) -> None:
    reply = chat_event("message", id=MESSAGE, mode="chat", answer="Hello", metadata={})
    body = json.dumps(reply, indent=2).encode()
    assert post(body, content_type="application/json").status_code == 200
    assert Run.objects.get().outputs_preview == "Hello"


def test_an_upload_that_broke_off_is_completed(post: Callable[..., Any]) -> None:
    body = sse(started(), node("node_started", "a"), node("node_finished", "a"), finished())
    for length in (10, len(body) // 2, len(body)):
        post(body[:length])
    assert Run.objects.get().status == "succeeded"
    post(body[: len(body) // 3])
    assert Run.objects.get().status == "succeeded"


def test_a_body_shorter_than_announced_is_recorded_as_far_as_it_came(
    post: Callable[..., Any], ingest_key: str
) -> None:
    class Broken(BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if not (part := super().read(size)):
                raise OSError("gone")
            return part

    body = sse(started(), node("node_started", "a"))
    answer = Client().generic(
        "POST", EVENTS_PATH, b"x", STREAM, headers={"x-api-key": ingest_key},
        **{"wsgi.input": Broken(body), "CONTENT_LENGTH": str(len(body) + 9)},
    )  # fmt: skip
    assert answer.status_code == 400
    assert "ended before its announced length" in answer.json()["message"]
    assert Run.objects.get().status == "running"


def test_a_body_of_unknown_length(ingest_key: str) -> None:
    body = sse(started(), finished()).rstrip()
    answer = Client().generic(
        "POST", EVENTS_PATH, b"x", STREAM,
        headers={"x-api-key": ingest_key, "transfer-encoding": "chunked"},
        **{"wsgi.input": BytesIO(body), "CONTENT_LENGTH": ""},
    )  # fmt: skip
    assert answer.json()["events"] == 2
    assert Run.objects.get().status == "succeeded"


def test_a_bad_event_is_refused_alone(post: Callable[..., Any]) -> None:
    bad = workflow_event("node_started", id="x")
    answer = post(sse(started(), bad, finished()))
    assert answer.status_code == 200
    [reason] = answer.json()["refused"]
    assert "node_id" in reason
    kept = RefusedRecord.objects.get()
    assert kept.reason == reason and "node_started" in kept.raw
    assert Run.objects.get().status == "succeeded"


@pytest.mark.parametrize(
    ("body", "path", "status", "words"),
    [
        (b"", EVENTS_PATH, 400, "no event"),
        (b"<html>\nno stream\n", EVENTS_PATH, 400, "neither"),
        (b"event: ping\n\n", EVENTS_PATH, 400, "no event"),
        (sse(started()), "/api/dify/events", 400, "Name the app"),
        (sse(started()), "/api/dify/events?app=%20", 400, "Name the app"),
    ],
)
def test_what_is_refused(
    post: Callable[..., Any], body: bytes, path: str, status: int, words: str
) -> None:
    answer = post(body, path)
    assert answer.status_code == status
    assert words in answer.json()["message"]
    assert not Run.objects.exists()


def test_closed_without_a_key(client: Client, read_key: str) -> None:
    body = sse(started())
    assert client.post(EVENTS_PATH, body, content_type=STREAM).status_code == 401
    headers = {"x-api-key": read_key}
    assert client.post(EVENTS_PATH, body, content_type=STREAM, headers=headers).status_code == 403
    assert client.get(EVENTS_PATH).status_code == 405
    assert not Run.objects.exists()


def test_a_bound_key_names_the_app(post: Callable[..., Any]) -> None:
    app = App.objects.create(name="bound", slug="bound")
    secret = IngestKey.create("k", app=app)[1]
    post(sse(started()), "/api/dify/events", x_api_key=secret)
    post(sse(started()), EVENTS_PATH, x_api_key=secret)
    assert Run.objects.get().app == app


def test_a_database_that_is_away(post: Callable[..., Any]) -> None:
    with mock.patch.object(ingest, "save_records", side_effect=OperationalError("gone")):
        answer = post(sse(started(), finished()))
    assert answer.status_code == 503 and answer["Retry-After"]
    assert post(sse(started(), finished())).status_code == 200
    assert Run.objects.get().status == "succeeded"


# -- while it is produced --------------------------------------------------------------------------

KEY = "a-key-for-everything"


@contextlib.contextmanager
def upload(port: int) -> Iterator[socket.socket]:
    """A chunked upload that has begun."""
    with socket.create_connection(("127.0.0.1", port), timeout=START_SECONDS) as connection:
        head = (
            f"POST {EVENTS_PATH} HTTP/1.1\r\nHost: localhost:{port}\r\nx-api-key: {KEY}\r\n"
            f"Content-Type: {STREAM}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        )
        connection.sendall(head.encode())
        yield connection


def send(connection: socket.socket, part: bytes) -> None:
    connection.sendall(b"%x\r\n%s\r\n" % (len(part), part))


def run_when(console: Console, is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The only run, as soon as it is so."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        _, body = console.get("/runs.json", **{"x-api-key": KEY})
        runs = json.loads(body)["runs"]
        if runs and is_so(runs[0]):
            return dict(runs[0])
        time.sleep(0.05)
    raise AssertionError(body)


def test_a_run_is_seen_while_it_is_produced(serve: Callable[..., Console]) -> None:
    console = serve(WAYLOG_INGEST_KEY=KEY)
    with upload(console.port) as connection:
        send(connection, sse(started()))
        run = run_when(console, lambda run: run["status"] == "running")
        event = sse(node("node_started", "a", index=1))
        send(connection, event[:30])
        send(connection, event[30:])
        run_when(console, lambda run: run["steps"] == 1)
        send(connection, sse(node("node_finished", "a", index=1, status="succeeded"), finished()))
        run_when(console, lambda run: run["status"] == "succeeded")
        connection.sendall(b"0\r\n\r\n")
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert answer.status == 200
        assert json.loads(answer.read()) == {"runs": [run["id"]], "events": 4, "refused": []}


def test_an_upload_whose_sender_goes_away(serve: Callable[..., Console]) -> None:
    console = serve(WAYLOG_INGEST_KEY=KEY)
    body = sse(started(), node("node_started", "a", index=1))
    with upload(console.port) as connection:
        send(connection, body)
        send(connection, b"data: {")
    run_when(console, lambda run: run["status"] == "running" and run["steps"] == 1)
    with upload(console.port) as connection:
        send(connection, sse(node("node_finished", "a", status="succeeded"), finished()))
        connection.sendall(b"0\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 200")
    run_when(console, lambda run: run["status"] == "succeeded" and run["steps"] == 1)
