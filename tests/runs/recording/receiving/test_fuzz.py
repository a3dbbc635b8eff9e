"""Every endpoint, with bodies that nobody should send: Waylog never fails, answers a refused body
with one sentence, keeps the good records beside a bad one, and has pages for what was stored.

Only a few examples run here; after a change of a decoder let it run for some minutes with more of
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


class Endpoints:
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
            sentence = (
                answer.content if content_type == PROTOBUF else answer.json()["message"].encode()
            )
            assert sentence.endswith(b".") and b"Traceback" not in sentence
        return answer

    def look(self, at_most: int = 1) -> None:
        """The pages of what was stored."""
        for run in Run.objects.order_by("-steps")[:at_most]:
            base = f"/runs/{run.id}"
            step = NodeExecution.objects.filter(run=run).order_by("folded", "index").last()
            assert step
            step_path = f"{base}/tracing/{step.id}"
            for page in (
                f"{base}/", f"{base}/detail/", f"{base}/tracing/?all=1",
                f"{base}.json", f"{base}.md", f"{base}/tracing.json", f"{step_path}/",
                f"{step_path}.json", f"{step_path}/read/", f"{base}.html", f"{base}.ndjson",
                f"{base}.otlp.json", f"/apps/{run.app.slug}/graph/?run={run.id}", "/", "/runs/",
                f"/apps/{run.app.slug}/conversations/", "/inbox/", "/inbox/refused/",
            ):  # fmt: skip
                answer = self.console.get(page)
                assert answer.status_code in (200, 302), page
                b"".join(answer)


@pytest.fixture
def endpoints(console: Client, ingest_key: str) -> Endpoints:
    return Endpoints(console, ingest_key)


def as_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=True).encode()


def good_is_kept() -> bool:
    return NodeExecution.objects.filter(source_id=GOOD["spanId"], title="good").exists()


OTHERS = json.loads(body(GOOD))["resourceSpans"]


@few
@given(st.lists(odd_bodies.bent(odd_bodies.spans()), min_size=1, max_size=3))
def test_traces_in_json(endpoints: Endpoints, resources: list[Any]) -> None:
    endpoints.forget()
    for resource_spans in resources:
        both = [*resource_spans, *OTHERS] if isinstance(resource_spans, list) else OTHERS
        endpoints.send("/v1/traces", as_json({"resourceSpans": both}), JSON, [200])
    assert good_is_kept()
    endpoints.look()


@few
@given(st.lists(odd_bodies.spans(), min_size=1, max_size=3))
def test_traces_in_protobuf(endpoints: Endpoints, resources: list[Any]) -> None:
    endpoints.forget()
    for resource_spans in resources:
        request = odd_bodies.in_protobuf({"resourceSpans": resource_spans + OTHERS})
        content = ParseDict(request, ExportTraceServiceRequest()).SerializeToString()
        broken = content.replace("\ufffd".encode(), b"\xff\xfe\xfd")  # no UTF-8, as long
        endpoints.send("/v1/traces", broken, PROTOBUF, [200])
    assert good_is_kept()
    endpoints.look()


@few
@given(odd_bodies.changed(st.sampled_from(odd_bodies.captures("*.bin"))),
       odd_bodies.changed(st.sampled_from(odd_bodies.captures("*.body.json"))))  # fmt: skip
def test_recorded_traces_with_changed_bytes(
    endpoints: Endpoints, packed: bytes, text: bytes
) -> None:
    endpoints.forget()
    endpoints.send("/v1/traces", packed, PROTOBUF)
    endpoints.send("/v1/traces", text, JSON)
    endpoints.look()


@few
@given(
    odd_bodies.bent(odd_bodies.logs()), odd_bodies.logs(), odd_bodies.spans(), st.binary(max_size=3)
)
def test_logs(
    endpoints: Endpoints, in_json: Any, resource_logs: Any, spans: Any, tail: bytes
) -> None:
    endpoints.forget()
    endpoints.send("/v1/logs", as_json({"resourceLogs": in_json}), JSON, [200])
    request = ParseDict(
        odd_bodies.in_protobuf({"resourceLogs": resource_logs}), ExportLogsServiceRequest()
    )
    packed = request.SerializeToString()
    endpoints.send("/v1/logs", packed.replace("\ufffd".encode(), b"\xff\xfe\xfd"), PROTOBUF)
    endpoints.send("/v1/logs", packed + tail, PROTOBUF)
    endpoints.send("/v1/traces", as_json({"resourceSpans": spans + OTHERS}), JSON, [200])
    endpoints.send("/v1/logs", as_json({"resourceLogs": resource_logs}), JSON, [200])
    assert good_is_kept()
    endpoints.look()


@few
@given(odd_bodies.scrambled(CHAT_EVENTS, odd_bodies.words_of("langfuse")), st.booleans())
def test_langfuse_events(endpoints: Endpoints, events: list[Any], bare: bool) -> None:
    endpoints.forget()
    batch = events if bare else {"batch": events}
    answer = endpoints.send("/api/public/ingestion", as_json(batch), JSON, [207]).json()
    assert len(answer["successes"]) + len(answer["errors"]) == len(events)
    endpoints.look()


@few
@given(
    odd_bodies.scrambled([CHAT_EVENTS[-1]["body"]], odd_bodies.words_of("langfuse")), st.booleans()
)
def test_langfuse_scores(endpoints: Endpoints, scores: list[Any], single: bool) -> None:
    endpoints.forget()
    endpoints.send("/api/public/ingestion", as_json(CHAT_EVENTS[:5]), JSON, [207])
    endpoints.send("/api/public/scores", as_json(scores[0] if single else scores), JSON)
    endpoints.look()


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
def test_dify_events(endpoints: Endpoints, events: list[Any], stream: bytes, lines: bool) -> None:
    endpoints.forget()
    path = "/api/dify/events?app=shop"
    content = b"".join(as_json(event) + b"\n" for event in events) if lines else sse(*events)
    endpoints.send(path, content, "application/x-ndjson" if lines else STREAM)
    endpoints.send(path, stream, STREAM)
    answer = endpoints.send(path, sse(started(), finished()), STREAM, [200])
    assert answer.json()["runs"] and not answer.json()["refused"]
    endpoints.look()


RUN_REQUEST = {"inputs": {"q": "hi"}, "query": "hi", "response_mode": "streaming", "user": "u1",
         "conversation_id": "c"}  # fmt: skip


@few
@given(events, odd_bodies.scrambled([RUN_REQUEST], odd_bodies.words_of("dify")),
       st.sampled_from(["workflows/run", "chat-messages", "messages/m/feedbacks", "parameters"]),
       st.sampled_from([200, 204, 400, 401, 500, 599]),
       st.sampled_from([STREAM, JSON, "", "text/html; charset=nonsense"]))  # fmt: skip
def test_the_proxy(
    endpoints: Endpoints, events: list[Any], requests: list[Any], path: str, status: int, kind: str
) -> None:
    """Whatever Dify answers and the client asks goes through, byte for byte."""
    endpoints.forget()
    content = as_json(events[0]) if kind == JSON else sse(*events)
    with running() as dify:
        App.objects.create(name="shop", slug="shop", upstream_url=dify.url)
        parts = [content[:50], content[50:]] if status != 204 else []
        dify.will_answer(*[part for part in parts if part], status=status, content_type=kind)
        answer = endpoints.client.post(
            f"/dify/shop/v1/{path}", as_json(requests[0]), content_type=JSON
        )
        assert (answer.status_code, b"".join(answer)) == (status, b"".join(parts))
        settled()
    endpoints.look()


@few
@given(st.data())
def test_run_files(endpoints: Endpoints, data: st.DataObject) -> None:
    endpoints.forget()
    endpoints.send("/v1/traces", body(GOOD, span(2, "f" * 32, parent=0xF00D)).encode(), JSON)
    endpoints.send("/api/public/ingestion", as_json(CHAT_EVENTS), JSON, [207])
    lines = [json.loads(line) for line in exported().splitlines()]
    records = data.draw(odd_bodies.scrambled(lines, WORDS))
    broken = data.draw(odd_bodies.changed(st.just(exported())))
    whole = exported()
    endpoints.forget()
    head = b'{"waylog": 1}\n'
    for content in (head + b"".join(as_json(record) + b"\n" for record in records), broken, whole):
        file = SimpleUploadedFile("runs.ndjson", content)
        answer = endpoints.console.post("/runs/import/", {"file": file})
        assert answer.status_code in (200, 400)
        assert "Traceback" not in answer.content.decode()
    assert good_is_kept()
    endpoints.look()
