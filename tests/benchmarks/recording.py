"""Spans recorded per second, beside the bare floor, in one run.

    .venv/bin/python -m tests.benchmarks.recording            SQLite, a throw-away file
    .venv/bin/python -m tests.benchmarks.recording --postgres PostgreSQL, a throw-away server

The floor decodes the same bodies (gunzip, protobuf, attributes to JSON) and writes one plain table
with `executemany` (SQLite) or `COPY` (PostgreSQL): no runs, no tree, no payloads, no HTTP, no
Django. Waylog's figure is a POST through its door: key, decoding, dialects, store, commit. Rounds
of floor and Waylog alternate, because machines are noisy; the ratio is what counts.

Measured on 2 cores that were busy with other work, so read the ratios: SQLite 3,300 spans/s of a
floor of 18,800 (0.18); PostgreSQL 15 2,600 of 14,600 (0.18). Of Waylog's time on SQLite about a
third is decoding and dialects, a third building rows and payloads (three of them a span), a quarter
the database. The floor compresses nothing, derives nothing and writes one row a span.
"""

import argparse
import gzip
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.benchmarks import throwaway

ROUNDS, REQUESTS, SPANS = 5, 8, 512


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--profile", action="store_true", help="print where Waylog's time goes")
    options = parser.parse_args()
    with throwaway(options.postgres) as (folder, url):
        os.environ["DATABASE_URL"] = url
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        measure(folder, options.postgres, options.profile)


def measure(folder: Path, postgres: bool, profile: bool) -> None:
    import logging

    from django.core.management import call_command

    import config.wsgi  # noqa: F401  as the server starts: settings, apps, garbage collector

    logging.disable(logging.INFO)
    call_command("migrate", verbosity=0)
    from tests.benchmarks.bodies import bodies

    waylog = _waylog()
    floor = _floor_postgres() if postgres else _floor_sqlite(folder)
    every = bodies(REQUESTS * (2 * ROUNDS + 1))
    size = sum(len(gzip.decompress(body)) for body in every[:4]) // 4 // SPANS
    print(f"{SPANS} spans a request, {size} bytes a span before compression")
    waylog(every.pop())
    if profile:
        import cProfile

        names = {"every": every, "waylog": waylog}
        cProfile.runctx("for body in every[:8]: waylog(body)", {}, names, sort="tottime")
        return
    ours, bare = [], []
    for _ in range(ROUNDS):
        bare.append(_rate(floor, [every.pop() for _ in range(REQUESTS)]))
        ours.append(_rate(waylog, [every.pop() for _ in range(REQUESTS)]))
    ratio = statistics.median(o / b for o, b in zip(ours, bare, strict=True))
    print(f"floor  {statistics.median(bare):8.0f} spans/s")
    print(f"waylog {statistics.median(ours):8.0f} spans/s")
    print(f"ratio  {ratio:8.2f}")


def _rate(take: Callable[[bytes], None], bodies: list[bytes]) -> float:
    began = time.perf_counter()
    for body in bodies:
        take(body)
    return len(bodies) * SPANS / (time.perf_counter() - began)


def _waylog() -> Callable[[bytes], None]:
    from django.test import Client

    from runs.models import IngestKey

    _, secret = IngestKey.create("bench")
    client = Client(
        SERVER_NAME="127.0.0.1", headers={"x-api-key": secret, "content-encoding": "gzip"}
    )

    def take(body: bytes) -> None:
        answer = client.post("/v1/traces", body, content_type="application/x-protobuf")
        assert answer.status_code == 200, answer.content

    return take


def _decoded(body: bytes) -> list[tuple[Any, ...]]:
    import orjson
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    request = ExportTraceServiceRequest.FromString(gzip.decompress(body))
    rows = []
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                attributes = {}
                for pair in span.attributes:
                    value = pair.value
                    attributes[pair.key] = getattr(value, value.WhichOneof("value"))
                rows.append((
                    span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex(), span.name,
                    span.start_time_unix_nano, span.end_time_unix_nano, span.status.code,
                    orjson.dumps(attributes).decode(),
                ))  # fmt: skip
    return rows


TABLE = """CREATE TABLE bare_span (trace_id text, span_id text, parent_id text, name text,
start_ns bigint, end_ns bigint, status int, attributes text)"""


def _floor_sqlite(folder: Path) -> Callable[[bytes], None]:
    import sqlite3

    connection = sqlite3.connect(folder / "floor.sqlite3")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute(TABLE)

    def take(body: bytes) -> None:
        with connection:
            connection.executemany("INSERT INTO bare_span VALUES (?,?,?,?,?,?,?,?)", _decoded(body))

    return take


def _floor_postgres() -> Callable[[bytes], None]:
    import psycopg

    connection = psycopg.connect(os.environ["DATABASE_URL"])
    connection.execute(TABLE)
    connection.commit()

    def take(body: bytes) -> None:
        with connection.cursor() as cursor, cursor.copy("COPY bare_span FROM STDIN") as copy:
            for row in _decoded(body):
                copy.write_row(row)
        connection.commit()

    return take


if __name__ == "__main__":
    main()
