"""Every endpoint answers a bad body alike: one sentence, the right status, nothing half-written.
The same body is accepted when it is sent again after the fault is gone."""

import gzip
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from unittest import mock

import pytest
from django.db import OperationalError
from django.test import Client

from nodes.compression import zstd
from nodes.models import NodeExecution, Payload
from runs.models import Note, ReceivedRequest, Run
from runs.recording.storing import bulk
from tests.conftest import capture
from tests.hostile import START, attributes, body, span
from tests.runs.recording.decoding.dify_stream.streams import (
    finished,
    node,
    sse,
    started,
    workflow_event,
)
from tests.runs.recording.decoding.langfuse_events import CHAT_EVENTS, langfuse_event

# The events of Dify are stored on a thread of their own.
pytestmark = pytest.mark.django_db(transaction=True)
JSON, PROTOBUF, STREAM = "application/json", "application/x-protobuf", "text/event-stream"
Send = Callable[..., Any]


@dataclass(frozen=True)
class EndpointCase:
    path: str
    content_type: str
    good: bytes  # a body that gives one run or note


def logs(**fields: Any) -> bytes:
    log = {"traceId": "a" * 32, "spanId": "b" * 16, "timeUnixNano": str(START), **fields}
    return json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [log]}]}]}).encode()


def batch(*events: Any) -> bytes:
    return json.dumps({"batch": events}).encode()


RUN_STREAM = sse(started(), node("node_started", "a"), node("node_finished", "a"), finished())
SCORE = json.dumps(CHAT_EVENTS[-1]["body"]).encode()
ENDPOINT_CASES = [
    EndpointCase("/v1/traces", PROTOBUF, capture("openai-agents-openinference")[0]),
    EndpointCase("/v1/traces", JSON, body(span(1), span(2, parent=1)).encode()),
    EndpointCase("/api/public/otel/v1/traces", PROTOBUF, capture("google-adk")[0]),
    EndpointCase("/v1/logs", JSON, logs(body={"stringValue": "hello"})),
    EndpointCase("/api/public/ingestion", JSON, batch(*CHAT_EVENTS)),
    EndpointCase("/api/public/scores", JSON, SCORE),
    EndpointCase("/api/dify/events?app=shop", STREAM, RUN_STREAM),
]
BOMBS = {"gzip": gzip.compress(b" " * (30 << 20), 1), "zstd": zstd.compress(b" " * (30 << 20))}
every_endpoint = pytest.mark.parametrize(
    "endpoint", ENDPOINT_CASES, ids=lambda d: f"{d.path} {d.content_type}"
)


@pytest.fixture
def send(ingest_key: str) -> Send:
    def post(endpoint: EndpointCase, content: bytes, **headers: str) -> Any:
        sent_headers = {"x-api-key": ingest_key} | {
            k.replace("_", "-"): v for k, v in headers.items()
        }
        return Client().post(
            endpoint.path, content, content_type=endpoint.content_type, headers=sent_headers,
            CONTENT_TYPE=endpoint.content_type,
        )  # fmt: skip

    return post


def check_refused(endpoint: EndpointCase, answer: Any, status: int) -> None:
    assert answer.status_code == status, answer.content
    sentence = (
        answer.content if endpoint.content_type == PROTOBUF else answer.json()["message"].encode()
    )
    assert sentence.endswith(b".") and b"Traceback" not in sentence
    entry = ReceivedRequest.objects.latest("pk")
    assert entry.status == status and entry.error and entry.error.encode() in sentence


def is_empty() -> bool:
    return not any(model.objects.exists() for model in (Run, NodeExecution, Payload, Note))


@every_endpoint
def test_empty(send: Send, endpoint: EndpointCase) -> None:
    answer = send(endpoint, b"")
    if endpoint.content_type == PROTOBUF:  # an export of nothing
        assert answer.status_code == 200
    else:
        check_refused(endpoint, answer, 400)
    assert is_empty()


@every_endpoint
def test_truncated(send: Send, endpoint: EndpointCase) -> None:
    cut = send(endpoint, endpoint.good[: len(endpoint.good) * 2 // 3])
    if endpoint.content_type == STREAM:  # what came is kept
        assert cut.status_code == 200 and Run.objects.get().status == "running"
    elif endpoint.content_type == JSON:
        check_refused(endpoint, cut, 400)
        assert is_empty()
    assert send(endpoint, endpoint.good).status_code in (200, 207)
    assert Run.objects.exists() or Note.objects.exists()


@every_endpoint
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd"])
def test_wrong_compression(send: Send, endpoint: EndpointCase, encoding: str) -> None:
    pack = {"gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstd.compress}[encoding]
    packed = pack(endpoint.good)
    check_refused(endpoint, send(endpoint, endpoint.good, content_encoding=encoding), 400)
    check_refused(endpoint, send(endpoint, packed[:-9], content_encoding=encoding), 400)
    check_refused(endpoint, send(endpoint, packed, content_encoding="br"), 415)
    assert is_empty()
    assert send(endpoint, packed, content_encoding=encoding).status_code in (200, 207)


@every_endpoint
def test_a_bomb(send: Send, endpoint: EndpointCase, settings: Any) -> None:
    settings.WAYLOG_MAX_BODY = 2 << 20
    for encoding, bomb in BOMBS.items():
        check_refused(endpoint, send(endpoint, bomb, content_encoding=encoding), 413)
    assert is_empty()


@every_endpoint
def test_text_that_is_no_utf_8(send: Send, endpoint: EndpointCase) -> None:
    """It stands in values: everything else in them is kept."""
    broken = endpoint.good
    for word in (b"hostile", b"hello", b"Where", b"good", b"yes", b"openai", b"warehouse"):
        broken = broken.replace(word, b"\xff" * len(word))
    assert broken != endpoint.good
    answer = send(endpoint, broken)
    assert answer.status_code in (200, 207), answer.content
    assert Run.objects.exists() or Note.objects.exists()


@every_endpoint
@pytest.mark.parametrize("calls", [0, 1, 2, 3])
def test_a_database_that_goes_away_half_way(send: Send, endpoint: EndpointCase, calls: int) -> None:
    left = [calls]

    def leaving(write: Callable[..., Any]) -> Callable[..., Any]:
        def away(*args: Any, **more: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise OperationalError("gone")
            return write(*args, **more)

        return away

    with (
        mock.patch.object(bulk, "insert", leaving(bulk.insert)),
        mock.patch.object(Note.objects, "bulk_create", leaving(Note.objects.bulk_create)),
    ):
        answer = send(endpoint, endpoint.good)
    if left[0] < 0:
        check_refused(endpoint, answer, 503)
        assert answer["Retry-After"]
    for run in Run.objects.all():  # of a stream the part before it is kept
        assert run.steps == NodeExecution.objects.filter(run=run, folded=False).count()
    if endpoint.content_type != STREAM and left[0] < 0:
        assert not Run.objects.exists() and not NodeExecution.objects.exists()
    assert send(endpoint, endpoint.good).status_code in (200, 207)
    assert Run.objects.exists() or Note.objects.exists()


MANY = {f"attribute.{number}": number for number in range(10_000)}
WIDE = {
    "/v1/traces": body(span(1, attributes=MANY), span(2, parent=1)).encode(),
    "/v1/logs": logs(attributes=attributes(MANY)),
    "/api/public/ingestion": batch(langfuse_event("span-create", {
        "id": "o", "traceId": "t", "metadata": MANY, "input": MANY})),
    "/api/dify/events?app=shop": sse(
        started(), node("node_started", "a", inputs=MANY),
        workflow_event("workflow_finished", id="run-1", status="succeeded", outputs=MANY)),
}  # fmt: skip


@pytest.mark.parametrize("path", WIDE)
def test_ten_thousand_attributes(send: Send, console: Client, path: str) -> None:
    endpoint = EndpointCase(path, STREAM if "dify" in path else JSON, b"")
    assert send(endpoint, WIDE[path]).status_code in (200, 207)
    run = Run.objects.get()
    assert run.steps >= 1
    for step in NodeExecution.objects.all():
        page = console.get(f"/runs/{run.id}/tracing/{step.id}/")
        assert page.status_code == 200 and len(page.content) < 3_000_000
