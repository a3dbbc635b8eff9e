"""Request bodies that are sent in odd ways, compressed to do harm, or damaged in transit."""

import gzip
import io
from random import Random
from typing import Any

import pytest
from django.test import Client

from runs.models import Run
from runs.recording.records.request_body import decompress
from tests.hostile import body, span

pytestmark = pytest.mark.django_db


def test_a_body_without_a_length_is_read_to_its_end(ingest_key):
    """Compressed while it is sent: no Content-Length. It must not be taken for an empty one."""
    content = gzip.compress(body(span(1)).encode())

    def send(stream: bytes) -> Any:
        return Client().generic(
            "POST", "/v1/traces", content_type="application/json",
            headers={"x-api-key": ingest_key, "content-encoding": "gzip",
                     "transfer-encoding": "chunked"},
            **{"wsgi.input": io.BytesIO(stream), "CONTENT_TYPE": "application/json"},
        )  # fmt: skip

    assert send(content).status_code == 200
    assert Run.objects.count() == 1
    assert send(b"").status_code == 400


def test_many_gzip_members_are_unpacked():
    """Each by itself, not with all that is before it: that would take a hundred times as long."""
    members = gzip.compress(b" " * 30_000_000, 1) + gzip.compress(b" ") * 98
    assert len(decompress(members, "gzip", 60_000_000)) == 30_000_098


def test_bodies_cut_and_changed_at_random(ingest_key, bodies):
    """Never a traceback; what cannot be read is said to be so."""
    random = Random(7)
    [whole] = bodies("google-adk")
    for _ in range(60):
        changed = bytearray(whole)
        for _ in range(random.randint(1, 6)):
            place = random.randrange(len(changed))
            if random.random() < 0.6:
                changed[place] = random.randrange(256)
            else:
                del changed[place : place + random.randint(1, 30)]
        answer = Client().post(
            "/v1/traces",
            bytes(changed),
            content_type="application/x-protobuf",
            headers={"x-api-key": ingest_key},
        )
        assert answer.status_code in (200, 400)
