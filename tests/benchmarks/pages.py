"""How long the pages take that people wait for, with a week of runs stored.

    .venv/bin/python -m tests.benchmarks.pages                  SQLite, a throw-away file
    .venv/bin/python -m tests.benchmarks.pages --postgres       PostgreSQL, a throw-away server
    .venv/bin/python -m tests.benchmarks.pages --runs 1000      fewer runs of 20 steps than 10,000

Beside them are stored a run of 2,000 and one of 10,000 steps. The server is the real one
(`manage.py serve`, one worker), which gets one request at a time over HTTP from a signed-in client.
Pages and references take turns, because machines are noisy; the ratio is what counts. The reference
is what any page of a list must do at least: 50 rows from the same database, in order, as JSON; no
HTTP, no Django. `cpu` is the time that the server worked on a processor for one answer (Linux).
"""

import argparse
import sys
import time
from collections.abc import Iterator
from typing import Any

from tests.benchmarks import throwaway
from tests.benchmarks.console import Console, bare, serving
from tests.benchmarks.turns import take_turns

DEEP = 20
REFERENCE = "SELECT id, status, started_at, error FROM runs_run ORDER BY started_at DESC LIMIT 50"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--runs", type=int, default=10_000)
    options = parser.parse_args()
    with throwaway(options.postgres) as (_, url):
        fill(options.runs)
        with serving() as console, bare(url, REFERENCE) as reference:
            requests = {name: console.page(*where) for name, *where in addresses(console)}
            take_turns({"reference": reference, "/healthz": console.page("/healthz"), **requests})


def fill(runs: int) -> None:
    """Record the week and the long runs as the receiver would."""
    from django.db import connections

    from runs.recording.storing.ingest import store_spans
    from tests.benchmarks.bodies import long_run, week

    began = time.perf_counter()
    for number, body in enumerate([long_run(2_000), long_run(10_000), *week(runs)]):
        store_spans(body, "application/x-protobuf")
        if sys.stderr.isatty() and number % 20 == 0:
            print(f"\r  {number * 25:,} runs stored ", end="", file=sys.stderr, flush=True)
    connections.close_all()
    print(f"{runs:,} runs of 20 steps stored in {time.perf_counter() - began:.0f} s")


def addresses(console: Console) -> Iterator[tuple[str, str, str]]:
    """Yield (name, address, the htmx target of the request or "")."""
    yield "apps", "/", ""
    yield "history", "/runs/", ""
    yield "history, fragment", "/runs/", "run-results"
    yield "history, failed", "/runs/?status=failed", ""
    yield "history of an app", "/apps/bench-desk/", ""
    deep = "/runs.json"
    for _ in range(DEEP):
        following = console.json(deep)["next"]
        if not following:
            break
        deep = following[following.index("/runs") :]
    yield f"history, page {DEEP + 1}", deep.replace("/runs.json", "/runs/"), ""
    yield "runs.json", "/runs.json", ""
    yield from _run_pages("20 steps", console.json("/runs.json?app=bench-intake")["runs"][0])
    failed = console.json("/runs.json?app=bench-desk&status=failed")["runs"][0]
    yield "tracing, failed", f"/runs/{failed['id']}/tracing/", ""
    for run in reversed(console.json("/runs.json?app=bench-long")["runs"]):
        steps = f"{round(run['steps'], -3):,} steps"
        yield from _run_pages(steps, run)
        yield f"rows 5,001+, {steps}", f"/runs/{run['id']}/tracing/?from=5000", "more-rows"
    execution = console.json(f"/runs/{failed['id']}/tracing.json")["executions"][5]["id"]
    yield "panel of a step", f"/runs/{failed['id']}/tracing/{execution}/", "side"
    yield "graph", "/apps/bench-desk/graph/", ""
    yield "graph, long runs", "/apps/bench-long/graph/", ""
    yield "a node's last run", "/apps/bench-desk/graph/?node=llm_1&tab=last-run", "node-panel"
    yield "conversations", "/apps/bench-desk/conversations/", ""


def _run_pages(name: str, run: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for tab in ("result", "detail", "tracing"):
        yield f"{tab}, {name}", f"/runs/{run['id']}/{tab}/", ""


if __name__ == "__main__":
    main()
