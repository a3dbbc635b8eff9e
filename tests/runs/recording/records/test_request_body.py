import gzip
import tracemalloc
import zlib

import pytest

from runs.recording.records.request_body import (
    BodyTooLarge,
    UnreadableBody,
    UnsupportedEncoding,
    decompress,
)

TEXT = b"spans " * 1000
RAW = zlib.compressobj(wbits=-15)
DEFLATED = RAW.compress(TEXT) + RAW.flush()


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("", TEXT),
        ("identity", TEXT),
        ("gzip", gzip.compress(TEXT, mtime=0)),
        (" GZIP ", gzip.compress(TEXT, mtime=0)),
        ("gzip", gzip.compress(TEXT[:60], mtime=0) + gzip.compress(TEXT[60:], mtime=0) + b"\0\0"),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", DEFLATED),
    ],
)
def test_unpacks_what_clients_send(encoding: str, body: bytes) -> None:
    assert decompress(body, encoding, 10_000) == TEXT


@pytest.mark.parametrize("encoding", ["", "gzip", "deflate"])
def test_a_body_of_exactly_the_limit_is_accepted_and_one_byte_more_is_not(encoding: str) -> None:
    pack = {"": bytes, "gzip": gzip.compress, "deflate": zlib.compress}[encoding]
    assert len(decompress(pack(TEXT), encoding, len(TEXT))) == len(TEXT)
    with pytest.raises(BodyTooLarge):
        decompress(pack(TEXT), encoding, len(TEXT) - 1)


def test_a_bomb_is_stopped_before_it_fills_the_memory() -> None:
    bomb = gzip.compress(bytes(30_000_000))
    tracemalloc.start()
    with pytest.raises(BodyTooLarge):
        decompress(bomb, "gzip", 1_000_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", b"not gzip"),
        ("gzip", b""),
        ("gzip", gzip.compress(TEXT, mtime=0)[:-12]),
        ("gzip", gzip.compress(TEXT, mtime=0) + b"rubbish"),
        ("gzip", gzip.compress(b"", mtime=0) * 1000),
        ("deflate", b"\xff\xff\xff"),
        ("deflate", zlib.compress(TEXT)[:-9]),
    ],
)
def test_broken_bodies_are_one_clear_sentence(encoding: str, body: bytes) -> None:
    with pytest.raises(UnreadableBody) as caught:
        decompress(body, encoding, 10_000)
    assert str(caught.value).endswith(".")


def test_other_encodings_are_named() -> None:
    with pytest.raises(UnsupportedEncoding, match="br"):
        decompress(TEXT, "br", 10_000)
