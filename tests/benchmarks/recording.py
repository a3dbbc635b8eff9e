"""Spans recorded per second, beside the bare floor, in one run.

    .venv/bin/python -m tests.benchmarks.recording            SQLite, a throw-away file
    .venv/bin/python -m tests.benchmarks.recording --postgres PostgreSQL, a throw-away server

The floor decodes the same bodies (gunzip, protobuf, attributes to JSON) and writes one plain table
with `executemany` (SQLite, its connection set up as Waylog's) or `COPY` (PostgreSQL): no runs, no
tree, no payloads, no HTTP, no Django. Waylog's figure is a POST to its endpoint: key, decoding,
dialects, store, commit. Rounds of floor and Waylog alternate, because machines are noisy; the ratio
is what counts, on the clock and in time of the processor (of this process: PostgreSQL's own work
comes on top, for both).
"""

import argparse
import gzip
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
        measure(folder, url, options.profile)


def measure(folder: Path, url: str, profile: bool) -> None:
    from tests.benchmarks.bodies import bodies

    waylog = _waylog()
    floor = _floor_postgres(url) if url.startswith("postgresql") else _floor_sqlite(folder)
    every = bodies(REQUESTS * 2 * ROUNDS + 2)
    size = sum(len(gzip.decompress(body)) for body in every[:4]) // 4 // SPANS
    print(f"{SPANS} spans a request, {size} bytes a span before compression")
    waylog(every.pop())
    if profile:
        import cProfile

        names = {"every": every, "waylog": waylog}
        cProfile.runctx("for body in every[:8]: waylog(body)", {}, names, sort="tottime")
        return
    floor(every.pop())
    ours, bare = [], []
    for _ in range(ROUNDS):
        bare.append(_times(floor, [every.pop() for _ in range(REQUESTS)]))
        ours.append(_times(waylog, [every.pop() for _ in range(REQUESTS)]))
    for name, times in (("floor", bare), ("waylog", ours)):
        elapsed, cpu = (statistics.median(of) for of in zip(*times, strict=True))
        print(f"{name:6} {1e6 / elapsed:8.0f} spans/s {cpu:8.0f} us of processor a span")
    ratios = ([b / o for b, o in zip(*pair, strict=True)] for pair in zip(bare, ours, strict=True))
    elapsed, cpu = (statistics.median(of) for of in zip(*ratios, strict=True))
    print(f"ratio  {elapsed:8.2f}         {cpu:8.2f}")


def _times(take: Callable[[bytes], None], bodies: list[bytes]) -> tuple[float, float]:
    """Microseconds a span: on the clock, and of a processor (this process alone)."""
    began, worked = time.perf_counter(), time.process_time()
    for body in bodies:
        take(body)
    elapsed, cpu = time.perf_counter() - began, time.process_time() - worked
    return elapsed * 1e6 / (len(bodies) * SPANS), cpu * 1e6 / (len(bodies) * SPANS)


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

    from django.conf import settings

    connection = sqlite3.connect(folder / "floor.sqlite3")
    connection.executescript(settings.SQLITE_OPTIONS["init_command"])
    connection.execute(TABLE)

    def take(body: bytes) -> None:
        with connection:
            connection.executemany("INSERT INTO bare_span VALUES (?,?,?,?,?,?,?,?)", _decoded(body))

    return take


def _floor_postgres(url: str) -> Callable[[bytes], None]:
    import psycopg

    connection = psycopg.connect(url)
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
