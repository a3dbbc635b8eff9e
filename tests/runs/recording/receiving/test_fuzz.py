"""Every door, with bodies that nobody should send: never an error of ours, one sentence to what
cannot be taken, the good records beside a bad one kept, and pages for what was stored.

A few examples of each here; after a change of a decoder let it run for some minutes with more of
them in `few`.
"""

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from google.protobuf.json_format import ParseDict
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from nodes.models import NodeExecution
from runs.models import App, Note, Run
from tests.hostile import body, span
from tests.runs.recording.decoding.dify_stream.streams import (
    chatflow,
    finished,
    node,
    recorded,
    sse,
    started,
)
from tests.runs.recording.decoding.langfuse_events import CHAT_EVENTS
from tests.runs.recording.importing.run_files.other_waylog import exported
from tests.runs.recording.receiving import odd_bodies
from tests.runs.recording.receiving.background import settled
from tests.runs.recording.receiving.dify_upstream import running

# The events of Dify are stored on threads of their own.
pytestmark = pytest.mark.django_db(transaction=True)
JSON, PROTOBUF, STREAM = "application/json", "application/x-protobuf", "text/event-stream"
GOOD = span(0xF00D, "f" * 32, name="good")
few = settings(max_examples=4)
WORDS = sorted({word for words in odd_bodies.vocabularies() for word in words})


class Doors:
    def __init__(self, console: Client, key: str) -> None:
        self.console, self.key, self.client = console, key, Client()

    def forget(self) -> None:
        App.objects.all().delete()
        Note.objects.all().delete()

    def send(self, path: str, content: bytes, content_type: str, allowed: Any = (200, 400)) -> Any:
        """Posts it; the answer is one of those allowed, a refusal one sentence."""
        headers = {"x-api-key": self.key}
        answer = self.client.post(path, content, content_type=content_type, headers=headers)
        assert answer.status_code in allowed, (answer.status_code, answer.content[:300])
        if answer.status_code >= 400:
            told = answer.content if content_type == PROTOBUF else answer.json()["message"].encode()
            assert told.endswith(b".") and b"Traceback" not in told
        return answer

    def look(self, at_most: int = 1) -> None:
        """The pages of what was stored."""
        for run in Run.objects.order_by("-steps")[:at_most]:
            base = f"/runs/{run.id}"
            step = NodeExecution.objects.filter(run=run).order_by("folded", "index").last()
            assert step
            told = f"{base}/tracing/{step.id}"
            for page in (
                f"{base}/", f"{base}/detail/", f"{base}/tracing/?all=1",
                f"{base}.json", f"{base}.md", f"{base}/tracing.json", f"{told}/", f"{told}.json",
                f"{told}/read/", f"{base}.html", f"{base}.ndjson",
                f"{base}.otlp.json", f"/apps/{run.app.slug}/graph/?run={run.id}", "/", "/runs/",
                f"/apps/{run.app.slug}/conversations/", "/inbox/", "/inbox/refused/",
            ):  # fmt: skip
                answer = self.console.get(page)
                assert answer.status_code in (200, 302), page
                b"".join(answer)


@pytest.fixture
def doors(console: Client, ingest_key: str) -> Doors:
    return Doors(console, ingest_key)


def as_json(told: Any) -> bytes:
    return json.dumps(told, ensure_ascii=True).encode()


def good_is_kept() -> bool:
    return NodeExecution.objects.filter(source_id=GOOD["spanId"], title="good").exists()


OTHERS = json.loads(body(GOOD))["resourceSpans"]


@few
@given(st.lists(odd_bodies.bent(odd_bodies.spans()), min_size=1, max_size=3))
def test_traces_in_json(doors: Doors, told: list[Any]) -> None:
    doors.forget()
    for one in told:
        both = [*one, *OTHERS] if isinstance(one, list) else OTHERS
        doors.send("/v1/traces", as_json({"resourceSpans": both}), JSON, [200])
    assert good_is_kept()
    doors.look()


@few
@given(st.lists(odd_bodies.spans(), min_size=1, max_size=3))
def test_traces_in_protobuf(doors: Doors, told: list[Any]) -> None:
    doors.forget()
    for one in told:
        request = odd_bodies.in_protobuf({"resourceSpans": one + OTHERS})
        content = ParseDict(request, ExportTraceServiceRequest()).SerializeToString()
        broken = content.replace("\ufffd".encode(), b"\xff\xfe\xfd")  # no UTF-8, as long
        doors.send("/v1/traces", broken, PROTOBUF, [200])
    assert good_is_kept()
    doors.look()


@few
@given(odd_bodies.changed(st.sampled_from(odd_bodies.captures("*.bin"))),
       odd_bodies.changed(st.sampled_from(odd_bodies.captures("*.body.json"))))  # fmt: skip
def test_recorded_traces_with_changed_bytes(doors: Doors, packed: bytes, text: bytes) -> None:
    doors.forget()
    doors.send("/v1/traces", packed, PROTOBUF)
    doors.send("/v1/traces", text, JSON)
    doors.look()


@few
@given(
    odd_bodies.bent(odd_bodies.logs()), odd_bodies.logs(), odd_bodies.spans(), st.binary(max_size=3)
)
def test_logs(doors: Doors, in_json: Any, told: Any, spans: Any, tail: bytes) -> None:
    doors.forget()
    doors.send("/v1/logs", as_json({"resourceLogs": in_json}), JSON, [200])
    request = ParseDict(odd_bodies.in_protobuf({"resourceLogs": told}), ExportLogsServiceRequest())
    packed = request.SerializeToString()
    doors.send("/v1/logs", packed.replace("\ufffd".encode(), b"\xff\xfe\xfd"), PROTOBUF)
    doors.send("/v1/logs", packed + tail, PROTOBUF)
    doors.send("/v1/traces", as_json({"resourceSpans": spans + OTHERS}), JSON, [200])
    doors.send("/v1/logs", as_json({"resourceLogs": told}), JSON, [200])
    assert good_is_kept()
    doors.look()


@few
@given(odd_bodies.scrambled(CHAT_EVENTS, odd_bodies.words_of("langfuse")), st.booleans())
def test_langfuse_events(doors: Doors, events: list[Any], bare: bool) -> None:
    doors.forget()
    told = events if bare else {"batch": events}
    answer = doors.send("/api/public/ingestion", as_json(told), JSON, [207]).json()
    assert len(answer["successes"]) + len(answer["errors"]) == len(events)
    doors.look()


@few
@given(
    odd_bodies.scrambled([CHAT_EVENTS[-1]["body"]], odd_bodies.words_of("langfuse")), st.booleans()
)
def test_langfuse_scores(doors: Doors, scores: list[Any], single: bool) -> None:
    doors.forget()
    doors.send("/api/public/ingestion", as_json(CHAT_EVENTS[:5]), JSON, [207])
    doors.send("/api/public/scores", as_json(scores[0] if single else scores), JSON)
    doors.look()


EVENTS = [
    *chatflow(),
    started(),
    node("node_started", "a"),
    node("node_finished", "a"),
    finished(),
    *(json.loads(line[6:]) for line in recorded().splitlines() if b"data: {" in line),
]
events = odd_bodies.scrambled(EVENTS, odd_bodies.words_of("dify"))


@few
@given(events, odd_bodies.changed(st.just(recorded())), st.booleans())
def test_dify_events(doors: Doors, told: list[Any], stream: bytes, lines: bool) -> None:
    doors.forget()
    door = "/api/dify/events?app=shop"
    content = b"".join(as_json(one) + b"\n" for one in told) if lines else sse(*told)
    doors.send(door, content, "application/x-ndjson" if lines else STREAM)
    doors.send(door, stream, STREAM)
    answer = doors.send(door, sse(started(), finished()), STREAM, [200])
    assert answer.json()["runs"] and not answer.json()["refused"]
    doors.look()


ASKED = {"inputs": {"q": "hi"}, "query": "hi", "response_mode": "streaming", "user": "u1",
         "conversation_id": "c"}  # fmt: skip


@few
@given(events, odd_bodies.scrambled([ASKED], odd_bodies.words_of("dify")),
       st.sampled_from(["workflows/run", "chat-messages", "messages/m/feedbacks", "parameters"]),
       st.sampled_from([200, 204, 400, 401, 500, 599]),
       st.sampled_from([STREAM, JSON, "", "text/html; charset=nonsense"]))  # fmt: skip
def test_the_proxy(
    doors: Doors, told: list[Any], asked: list[Any], path: str, status: int, kind: str
) -> None:
    """Whatever Dify answers and the client asks goes through, byte for byte."""
    doors.forget()
    content = as_json(told[0]) if kind == JSON else sse(*told)
    with running() as dify:
        App.objects.create(name="shop", slug="shop", upstream_url=dify.url)
        parts = [content[:50], content[50:]] if status != 204 else []
        dify.will_answer(*[part for part in parts if part], status=status, content_type=kind)
        answer = doors.client.post(f"/dify/shop/v1/{path}", as_json(asked[0]), content_type=JSON)
        assert (answer.status_code, b"".join(answer)) == (status, b"".join(parts))
        settled()
    doors.look()


@few
@given(st.data())
def test_run_files(doors: Doors, data: st.DataObject) -> None:
    doors.forget()
    doors.send("/v1/traces", body(GOOD, span(2, "f" * 32, parent=0xF00D)).encode(), JSON)
    doors.send("/api/public/ingestion", as_json(CHAT_EVENTS), JSON, [207])
    lines = [json.loads(line) for line in exported().splitlines()]
    told = data.draw(odd_bodies.scrambled(lines, WORDS))
    broken = data.draw(odd_bodies.changed(st.just(exported())))
    whole = exported()
    doors.forget()
    head = b'{"waylog": 1}\n'
    for content in (head + b"".join(as_json(one) + b"\n" for one in told), broken, whole):
        file = SimpleUploadedFile("runs.ndjson", content)
        answer = doors.console.post("/runs/import/", {"file": file})
        assert answer.status_code in (200, 400)
        assert "Traceback" not in answer.content.decode()
    assert good_is_kept()
    doors.look()
