"""What every endpoint does: entries in the inbox, streams, and machines at the wrong address."""

import gzip
import json
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth.decorators import login_not_required
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import Client, RequestFactory
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from runs.models import IngestKey, ReceivedRequest, RefusedRecord, Run
from runs.recording.decoding import dialects
from runs.recording.receiving.endpoint import JSON, PROTOBUF, endpoint
from runs.recording.receiving.misdirected import advice
from runs.recording.receiving.replay import replay
from runs.recording.receiving.request import IncomingRequest
from runs.recording.storing import inbox
from tests.conftest import capture
from tests.runs.recording.failing_dialect import FailingDialect, dialects_with

pytestmark = pytest.mark.django_db
FORGED = {"resourceSpans": [{
    "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "forge"}}]},
    "scopeSpans": [{"spans": [
        {"traceId": "1" * 32, "spanId": "2" * 16, "parentSpanId": "9" * 16, "name": "good"},
        {"traceId": "zz", "spanId": "3" * 16, "name": "bad"},
    ]}],
}]}  # fmt: skip


def post(body: bytes, key: str = "", at: str = "/v1/traces", kind: str = JSON, **more: str) -> Any:
    headers = {"x-api-key": key, "User-Agent": "probe/1"} | {
        name.replace("_", "-"): value for name, value in more.items()
    }
    return Client().post(at, body, content_type=kind, headers=headers)


def last() -> ReceivedRequest:
    return ReceivedRequest.objects.for_list()[0]


def test_the_inbox_has_each_request_with_its_result(ingest_key):
    body = json.dumps(FORGED).encode()
    assert post(body, ingest_key).status_code == 200
    row, run = last(), Run.objects.get()
    assert (row.door, row.key.name, row.user_agent, row.content_type, row.status) == (
        "/v1/traces", "ingest", "probe/1", JSON, 200,
    )  # fmt: skip
    assert (row.records, row.refused, row.duplicates, row.late, row.orphans) == (2, 1, 0, 0, 1)
    assert (row.size, row.run_count, row.run_ids) == (len(body), 1, [str(run.pk)])
    assert "trace id" in row.error
    assert RefusedRecord.objects.get().request == row


def test_repeated_and_late_spans_are_counted(record, ingest_key):
    """google-adk: three runs, each finished by its root."""
    record("google-adk")
    row = last()
    assert (row.duplicates, row.late, row.run_count) == (0, 0, 3)
    record("google-adk")
    row = last()
    assert row.duplicates == row.records > 0 and row.late == 0
    trace = Run.objects.first().sources.get(kind="trace").source_id
    span = {"traceId": trace, "spanId": "a" * 16, "name": "afterthought"}
    post(json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode(), ingest_key)
    assert (last().late, last().duplicates) == (1, 0)


@pytest.mark.parametrize(
    ("key", "kind", "more", "status", "sentence"),
    [
        ("", JSON, {}, 401, "none was sent"),
        ("wl_unknown", JSON, {}, 401, "unknown"),
        ("revoked", JSON, {}, 401, "revoked"),
        ("read", JSON, {}, 403, "can read but not record"),
        ("good", "text/plain", {}, 415, "text/plain"),
        ("good", JSON, {"content_encoding": "br"}, 415, "br"),
        ("good", JSON, {"content_encoding": "gzip"}, 400, "gzip"),
        ("good", JSON, {}, 400, "JSON"),
    ],
)
def test_the_inbox_has_refused_requests_with_the_sentence(key, kind, more, status, sentence):
    IngestKey.create("r", "read", can_ingest=False, can_read=True)
    IngestKey.create("g", "good")
    IngestKey.create("x", "revoked")[0].revoke()
    answer = post(b"{", key, kind=kind, **more)
    assert answer.status_code == status and sentence in answer.json()["message"]
    assert (last().status, last().error) == (status, answer.json()["message"])
    if key:
        assert key not in str(ReceivedRequest.objects.values().get()).replace(last().error, "")


def test_a_body_too_large_is_in_the_inbox(ingest_key, settings):
    settings.WAYLOG_MAX_BODY = 1_000
    assert post(gzip.compress(b" " * 5_000), ingest_key, content_encoding="gzip").status_code == 413
    assert last().status == 413


def test_an_unreachable_database_and_a_failing_note_change_no_answer(ingest_key):
    with mock.patch("runs.recording.storing.notes.settle", side_effect=OperationalError("gone")):
        assert post(json.dumps(FORGED).encode(), ingest_key).status_code == 503
    assert last().status == 503
    with mock.patch.object(ReceivedRequest.objects, "create", side_effect=OperationalError("gone")):
        assert post(json.dumps(FORGED).encode(), ingest_key).status_code == 200
    assert Run.objects.count() == ReceivedRequest.objects.count() == 1


def test_an_internal_error_is_in_the_inbox_and_not_hidden(ingest_key):
    client = Client(raise_request_exception=False)
    with mock.patch("runs.recording.receiving.otlp.ingest.store_spans", side_effect=KeyError("x")):
        answer = client.post("/v1/traces", b"{}", JSON, headers={"x-api-key": ingest_key})
    assert (answer.status_code, last().status) == (500, 500)


def test_a_note_is_one_insert(ingest_key, django_assert_num_queries):
    with django_assert_num_queries(1):
        inbox.record_request(inbox.Sender("/v1/traces"), status=200)


def test_the_inbox_is_bounded(settings, ingest_key):
    settings.WAYLOG_INBOX_REQUESTS, settings.WAYLOG_INBOX_REFUSED = 3, 2
    with mock.patch("runs.recording.storing.inbox.TRIM_EVERY", 1):
        for n in range(6):
            forged = json.dumps(FORGED).replace("bad", f"bad {n}")
            assert post(forged.encode(), ingest_key).status_code == 200
    assert ReceivedRequest.objects.count() == 3
    assert [json.loads(row.raw)["name"] for row in
            RefusedRecord.objects.order_by("pk")] == ["bad 4", "bad 5"]  # fmt: skip


def test_a_record_refused_again_and_again_is_kept_once(ingest_key):
    for _ in range(3):
        post(json.dumps(FORGED).encode(), ingest_key)
    assert RefusedRecord.objects.get().request == last()
    assert ReceivedRequest.objects.count() == 3


def test_a_slash_too_many_is_no_reason(ingest_key):
    assert post(json.dumps(FORGED).encode(), ingest_key, "/v1/traces/").status_code == 200
    assert Run.objects.exists() and last().door == "/v1/traces"


@pytest.mark.parametrize(
    "at",
    ["/", "/v1/trace", "/api/traces", "/traces", "/v1/traces/v1/traces", "/api/public/otel",
     "/v1/spans", "/runs/"],
)  # fmt: skip
@pytest.mark.parametrize("kind", [JSON, PROTOBUF])
def test_a_wrong_address_is_answered_with_the_right_one(ingest_key, at, kind):
    answer = post(b"{}", ingest_key, at, kind)
    assert (answer.status_code, answer["Content-Type"]) == (404, kind)
    assert b"http://testserver" in answer.content
    assert (last().door, last().status, last().key.name) == (at.rstrip("/") or "/", 404, "ingest")


@pytest.mark.parametrize("at", ["/proto.collector.trace.v1.TraceService/Export", "/v1/traces"])
def test_grpc_is_answered_with_the_protocol_to_use(ingest_key, at):
    answer = post(b"\0\0\0\0\0", ingest_key, at, "application/grpc")
    assert answer.status_code == 404 and "http/protobuf" in answer.json()["message"]
    assert (last().status, "gRPC" in last().error) == (404, True)


def test_a_wrong_address_may_hold_anything():
    assert post(b"{}", at="/a%00b%0a\u202e").status_code == 404
    assert last().door.startswith("/a") and "\0" not in last().door + last().error


def test_advice_names_the_signal():
    assert "http://h/v1/logs" in advice("/v1/log", JSON, "http://h")
    assert "doubled" in advice("/v1/traces/v1/traces", PROTOBUF, "http://h")
    assert "/api/public/otel/v1/traces" in advice("/api/public/otel", JSON, "http://h")


def test_people_at_a_wrong_address_get_the_page(client, console):
    assert client.get("/nowhere").status_code == 404
    assert client.post("/nowhere", {"a": "b"}).status_code == 404
    assert client.get("/runs").status_code == 301
    assert not ReceivedRequest.objects.exists()


def test_without_tls_behind_tls_it_is_turned_away(settings, ingest_key):
    settings.SECURE_SSL_REDIRECT = True
    answer = post(json.dumps(FORGED).encode(), ingest_key)
    assert answer.status_code == 400 and "https://testserver" in answer.json()["message"]
    assert not Run.objects.exists() and last().status == 400
    assert Client().get("/runs/").status_code == 301


@pytest.fixture
def answer_of(settings: Any) -> Callable[..., bytes]:
    """Return `answer_of(view, body)`, which returns what the endpoint `view` answers."""

    def ask(view: Any, body: bytes = b"", method: str = "POST", **headers: str) -> bytes:
        settings.ROOT_URLCONF = (path("probe/<slug>", view),)
        answer = Client().generic(method, "/probe/s", body, JSON, headers=headers)
        content: bytes = answer.getvalue()
        return content

    return ask


def test_an_endpoint_may_read_the_body_as_it_arrives_and_answer_in_a_stream(answer_of):
    @endpoint(keyless=True, stream=True)
    def echo(incoming: IncomingRequest, slug: str) -> StreamingHttpResponse:
        assert not incoming.body
        return StreamingHttpResponse(incoming.parts())

    body = b"x" * 200_000
    assert answer_of(echo, body) == body
    assert (last().size, last().status) == (200_000, 200)
    assert answer_of(echo, gzip.compress(body), **{"Content-Encoding": "gzip"}) == body


def test_an_endpoint_may_accept_a_get_which_is_recorded_only_when_refused(answer_of, ingest_key):
    @endpoint(methods=("GET",))
    def probe(incoming: IncomingRequest, slug: str) -> HttpResponse:
        return HttpResponse(slug)

    assert answer_of(probe, method="GET", **{"x-api-key": ingest_key}) == b"s"
    assert not ReceivedRequest.objects.exists()
    assert b"No valid key" in answer_of(probe, method="GET")
    assert last().status == 401


def test_what_is_let_out_of_the_check_of_forms_may_take_posts_too(answer_of):
    @csrf_exempt
    @login_not_required
    def relay(request: HttpRequest, slug: str) -> HttpResponse:
        return HttpResponse(slug)

    assert answer_of(relay) == b"s"


def test_the_inbox_keeps_only_the_app_of_the_query(ingest_key):
    request: HttpRequest = RequestFactory().post("/probe?app=Help+desk&token=secret")
    assert IncomingRequest(request).sender.path == "/probe?app=Help+desk"


def test_refused_records_keep_the_request_that_replays_them(ingest_key):
    """In protobuf and JSON: with the resource, without the records beside it."""
    body = capture("google-adk")[0]
    with mock.patch.object(dialects, "DIALECTS", dialects_with(FailingDialect())):
        assert post(body, ingest_key, kind=PROTOBUF).status_code == 200
        assert post(json.dumps(FORGED).encode(), ingest_key).status_code == 200
    kept = list(RefusedRecord.objects.order_by("pk"))
    assert len(kept) > 3 and not Run.objects.exists()
    for row in kept:
        again = post(inbox.replay_body(row), ingest_key, kind=row.content_type)
        assert again.status_code == 200 and last().records == 1
    assert Run.objects.filter(app__name="forge").count() == 1


def test_refused_events_of_langfuse_are_requests_of_their_own(ingest_key):
    event = {"id": "e1", "type": "trace-create", "timestamp": "x", "body": "no object"}
    body = json.dumps({"batch": [event]}).encode()
    assert post(body, ingest_key, "/api/public/ingestion").status_code == 207
    kept = RefusedRecord.objects.get()
    assert json.loads(inbox.replay_body(kept)) == event
    assert replay(kept) and RefusedRecord.objects.get().replayed_at is None
