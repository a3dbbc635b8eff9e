"""The endpoint `POST /v1/traces`: keys, types, encodings, sizes, and what is answered when
something is wrong."""

import base64
import gzip
import json
import zlib
from typing import Any
from unittest import mock

import pytest
from django.db import OperationalError
from django.test import Client

from nodes.compression import pack
from runs.models import IngestKey, Run
from tests.conftest import PROTOBUF, capture

pytestmark = pytest.mark.django_db
JSON = "application/json"


def post(body: bytes, key: str | None = None, content_type: str = PROTOBUF, **headers: str) -> Any:
    sent_headers = {name.replace("_", "-"): value for name, value in headers.items()}
    if key:
        sent_headers["x-api-key"] = key
    # Named again: the test client leaves the header out where the body is empty.
    extra = {"CONTENT_TYPE": content_type}
    return Client().generic("POST", "/v1/traces", body, content_type, headers=sent_headers, **extra)


@pytest.fixture
def body() -> bytes:
    return capture("google-adk")[0]


def test_a_key_is_needed(body, read_key):
    answer = post(body)
    assert answer.status_code == 401 and b"No valid key" in answer.content
    assert answer["WWW-Authenticate"]
    assert post(body, key="wl_wrong").status_code == 401
    answer = post(body, key=read_key)
    assert answer.status_code == 403 and b"can read" in answer.content
    assert not Run.objects.exists()


@pytest.mark.parametrize("scheme", ["Bearer", "x-api-key", "api_key", "Basic", "Dify"])
def test_headers_that_present_a_key(body, ingest_key, scheme):
    basic = base64.b64encode(f"pk-1:{ingest_key}".encode()).decode()
    headers = {
        "Bearer": {"Authorization": f"Bearer {ingest_key}"},
        "x-api-key": {"x-api-key": ingest_key},
        "api_key": {"api_key": ingest_key},
        "Basic": {"Authorization": f"Basic {basic}"},
        "Dify": {"api_key": ingest_key, "authorization": f"Bearer {ingest_key}"},
    }[scheme]
    answer = Client().post("/v1/traces", body, content_type=PROTOBUF, headers=headers)
    assert answer.status_code == 200, answer.content


def test_a_revoked_key_is_no_key(body, ingest_key):
    IngestKey.objects.get().revoke()
    assert post(body, key=ingest_key).status_code == 401


def test_a_key_is_never_stored_in_clear(ingest_key):
    assert ingest_key not in json.dumps(list(IngestKey.objects.values()), default=str)


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda data: zlib.compress(data)[2:-4]),
        ("identity", bytes),
        ("zstd", lambda data: pack(data)[1]),
    ],
)
def test_encodings(body, ingest_key, encoding, packed):
    assert post(packed(body), ingest_key, content_encoding=encoding).status_code == 200
    assert Run.objects.count() == 3


def test_an_encoding_nobody_knows(body, ingest_key):
    answer = post(body, ingest_key, content_encoding="br")
    assert answer.status_code == 415 and b"br" in answer.content


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "image/png"]
)
def test_a_type_nobody_knows(body, ingest_key, content_type):
    answer = post(body, ingest_key, content_type=content_type)
    assert answer.status_code == 415 and PROTOBUF in answer.content.decode()


@pytest.mark.parametrize("cut", [1, 10, 2000])
def test_truncated_bodies(body, ingest_key, cut):
    packed = gzip.compress(body)
    answer = post(packed[:-cut], ingest_key, content_encoding="gzip")
    assert answer.status_code == 400 and answer.content
    assert post(body[:-cut], ingest_key).status_code == 400
    assert not Run.objects.exists()


def test_not_gzip_at_all(body, ingest_key):
    assert post(body, ingest_key, content_encoding="gzip").status_code == 400


def test_an_empty_body_is_an_empty_export(ingest_key):
    assert post(b"", ingest_key).status_code == 200
    assert post(b"", ingest_key, content_type=JSON).status_code in (200, 400)
    assert post(b"{}", ingest_key, content_type=JSON).json() == {}


def test_a_bomb_is_not_unpacked(ingest_key, settings):
    settings.WAYLOG_MAX_BODY = 1_000_000
    bomb = gzip.compress(b"\0" * 30_000_000)
    assert len(bomb) < settings.WAYLOG_MAX_BODY
    answer = post(bomb, ingest_key, content_encoding="gzip")
    assert answer.status_code == 413 and b"MB" in answer.content


def test_too_large(ingest_key, settings):
    settings.WAYLOG_MAX_BODY = 1_000_000
    assert post(b"\0" * 1_000_001, ingest_key).status_code == 413


def test_json_is_answered_in_json(ingest_key):
    document = {
        "resourceSpans": [{
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "curl"}}]},
            "scopeSpans": [{"spans": [{
                "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174",
                "name": "hello", "kind": 1,
                "startTimeUnixNano": "1790000000000000000",
                "endTimeUnixNano": "1790000001500000001",
            }]}],
        }],
    }  # fmt: skip
    answer = post(json.dumps(document).encode(), ingest_key, content_type=JSON)
    assert (answer.status_code, answer["Content-Type"], answer.json()) == (200, JSON, {})
    run = Run.objects.get()
    assert (run.app.name, run.name, run.status, run.duration_us) == (
        "curl", "hello", "succeeded", 1_500_000,
    )  # fmt: skip


@pytest.mark.parametrize(
    "text", ["{", "[]", "null", '{"resourceSpans": 3}', "[" * 100_000, "\xff\xfe", "{}{}"]
)
def test_json_that_is_none(ingest_key, text):
    answer = post(text.encode("latin-1"), ingest_key, content_type=JSON)
    assert answer.status_code in (200, 400)
    assert "Traceback" not in answer.content.decode()
    assert not Run.objects.exists()


def test_the_database_goes_away(body, ingest_key):
    """Nothing is half-written, and the exporter is asked to retry."""
    with mock.patch("runs.recording.storing.notes.settle", side_effect=OperationalError("gone")):
        answer = post(body, ingest_key)
    assert answer.status_code == 503 and answer["Retry-After"]
    assert not Run.objects.exists()
    assert post(body, ingest_key).status_code == 200


def test_only_post(client):
    assert client.get("/v1/traces").status_code == 405


def test_metrics_are_set_aside(ingest_key):
    headers = {"x-api-key": ingest_key}
    answer = Client().post("/v1/metrics", b"\n\0", content_type=PROTOBUF, headers=headers)
    assert answer.status_code == 200


def test_hostile_text_is_stored_and_answered(ingest_key):
    """NUL, lone surrogates, bidi marks and a megabyte in every place where text may stand."""
    nasty = "a\u0000b\u202e</textarea><script>alert(1)</script>" + "x" * 1_000_000
    document = {"resourceSpans": [{"scopeSpans": [{"spans": [{
        "traceId": "11" * 16, "spanId": "22" * 8, "name": nasty,
        "attributes": [
            {"key": "input.value", "value": {"stringValue": nasty}},
            {"key": nasty[:300], "value": {"stringValue": "v"}},
            {"key": "session.id", "value": {"stringValue": nasty}},
            {"key": "llm.model_name", "value": {"stringValue": nasty}},
        ],
        "status": {"code": 2, "message": nasty},
    }]}]}]}  # fmt: skip
    text = json.dumps(document).replace("a\\u0000b", "a\\u0000b\\ud800")
    answer = post(text.encode(), ingest_key, content_type=JSON)
    assert answer.status_code == 200, answer.content
    run = Run.objects.get()
    assert len(run.error) >= 1_000_000 and "\0" not in run.error
