"""How long it takes until the comparison of two long runs begins to arrive.

    .venv/bin/python -m tests.benchmarks.comparing                 SQLite, a throw-away file
    .venv/bin/python -m tests.benchmarks.comparing --postgres      PostgreSQL, a throw-away server
    .venv/bin/python -m tests.benchmarks.comparing --steps 10000   longer runs than 2,000 steps

Run `b` did what `a` did under other ids, but for one step in the middle; run `c` shares nothing
with `a` but its steps. The server is the real one (`manage.py serve`, one worker), asked over HTTP
by somebody signed in, one request at a time; the reference is the page of all runs.

Measured on 2 quiet cores, median, SQLite / PostgreSQL 15, the reference 14 / 23 ms: one step
differs 61 / 83 ms, all of its rows 76 / 94, every step differs 113 / 145.
"""

import argparse
import os
import statistics

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.benchmarks import throwaway
from tests.benchmarks.pages import PASSWORD, Console, serving

ROUNDS, WARM = 30, 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--steps", type=int, default=2_000)
    options = parser.parse_args()
    with throwaway(options.postgres) as (folder, url):
        os.environ |= {
            "DATABASE_URL": url,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "WAYLOG_VAR": str(folder),
            "WAYLOG_SAMPLES": "false",
            "WAYLOG_ADMIN_PASSWORD": PASSWORD,
            "WAYLOG_HTTPS": "false",
        }
        ids = fill(options.steps)
        with serving() as (port, _):
            measure(Console(port), *ids)


def fill(steps: int) -> list[str]:
    """Record the three runs as the door would; their ids."""
    from django.core.management import call_command
    from django.db import connections

    import config.wsgi  # noqa: F401  as the server starts: settings, apps, garbage collector

    call_command("migrate", verbosity=0)
    from runs.models import Run
    from runs.recording.doors.intake import take
    from tests.benchmarks.bodies import long_run

    first = long_run(steps)
    found: list[str] = []
    for body in (first, again(first, steps // 2), long_run(steps + 1)):
        take(body, "application/x-protobuf")
        found += [str(run.id) for run in Run.objects.all() if str(run.id) not in found]
    connections.close_all()
    return found


def again(body: bytes, other: int) -> bytes:
    """The same run under other ids; its step `other` answered something else."""
    request = ExportTraceServiceRequest.FromString(body)
    spans = request.resource_spans[0].scope_spans[0].spans
    for number, span in enumerate(spans):
        span.trace_id = bytes(byte ^ 1 for byte in span.trace_id)
        span.span_id = bytes(byte ^ 1 for byte in span.span_id)
        span.parent_span_id = bytes(byte ^ 1 for byte in span.parent_span_id)
        for attribute in span.attributes:
            if number == other and attribute.key.startswith(("output.value", "llm.output")):
                attribute.value.string_value = "something else"
    return request.SerializeToString()


def measure(console: Console, a: str, b: str, c: str) -> None:
    pages = {
        "all runs (reference)": "/runs/",
        "one step differs": f"/runs/compare/?a={a}&b={b}",
        "one step, all rows": f"/runs/compare/?a={a}&b={b}&show=all",
        "all steps differ": f"/runs/compare/?a={a}&b={c}",
        "one step, JSON": f"/runs/compare.json?a={a}&b={b}",
    }
    times: dict[str, list[float]] = {name: [] for name in pages}
    sizes = {}
    for turn in range(WARM + ROUNDS):
        for name, path in pages.items():
            sizes[name] = len(console.get(path))
            if turn >= WARM:
                times[name].append(console.first_byte)
    print(f"{'first byte':24}{'median ms':>10}{'p95 ms':>9}{'bytes':>10}")
    for name, found in times.items():
        p95 = sorted(found)[-(-len(found) * 95 // 100) - 1]
        print(f"{name:24}{statistics.median(found):10.1f}{p95:9.1f}{sizes[name]:10,}")


if __name__ == "__main__":
    main()
