"""How long it takes until the comparison of two long runs begins to arrive.

    .venv/bin/python -m tests.benchmarks.comparing                 SQLite, a throw-away file
    .venv/bin/python -m tests.benchmarks.comparing --postgres      PostgreSQL, a throw-away server
    .venv/bin/python -m tests.benchmarks.comparing --steps 10000   longer runs than 2,000 steps

Run `b` did what `a` did under other ids, but for one step in the middle; run `c` shares nothing
with `a` but its steps. The server is the real one (`manage.py serve`, one worker), which gets one
request at a time over HTTP from a signed-in client; the reference is the page of all runs.
"""

import argparse
from collections.abc import Iterator

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.benchmarks import throwaway
from tests.benchmarks.console import serving
from tests.benchmarks.turns import take_turns


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--steps", type=int, default=2_000)
    options = parser.parse_args()
    with throwaway(options.postgres):
        ids = fill(options.steps)
        with serving() as console:
            take_turns({name: console.page(path) for name, path in addresses(*ids)})


def fill(steps: int) -> list[str]:
    """Record the three runs as the receiver would; return their ids."""
    from django.db import connections

    from runs.models import Run
    from runs.recording.storing.ingest import store_spans
    from tests.benchmarks.bodies import long_run

    first = long_run(steps)
    run_ids: list[str] = []
    for body in (first, again(first, steps // 2), long_run(steps + 1)):
        store_spans(body, "application/x-protobuf")
        run_ids += [str(run.id) for run in Run.objects.all() if str(run.id) not in run_ids]
    connections.close_all()
    return run_ids


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


def addresses(a: str, b: str, c: str) -> Iterator[tuple[str, str]]:
    """Yield (name, address)."""
    yield "all runs (reference)", "/runs/"
    yield "one step differs", f"/runs/compare/?a={a}&b={b}"
    yield "one step, all rows", f"/runs/compare/?a={a}&b={b}&show=all"
    yield "all steps differ", f"/runs/compare/?a={a}&b={c}"
    yield "one step, JSON", f"/runs/compare.json?a={a}&b={b}"


if __name__ == "__main__":
    main()
