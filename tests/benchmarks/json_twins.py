"""How long the JSON of many rows takes: 1,000 steps of a run, a page of runs.

    .venv/bin/python -m tests.benchmarks.json_twins
    .venv/bin/python -m tests.benchmarks.json_twins --beside ../other   and another checkout

With `--beside`, the servers of both checkouts answer from the same database and take turns, so that
a change of the JSON layer is measured in one run. The reference is what each answer must do at
least: the same number of rows from the same database, as JSON; no HTTP, no Django.
"""

import argparse
from contextlib import ExitStack
from pathlib import Path

from tests.benchmarks import throwaway
from tests.benchmarks.console import ROOT, bare, serving
from tests.benchmarks.turns import take_turns

STEPS = 1_000
RUNS = 200
REFERENCE = f"SELECT * FROM nodes_nodeexecution LIMIT {STEPS}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--beside", type=Path, help="another checkout, with its own .venv or none")
    options = parser.parse_args()
    with throwaway(options.postgres) as (_, url), ExitStack() as stack:
        fill()
        roots = {"": ROOT} | ({"beside: ": options.beside.resolve()} if options.beside else {})
        work = {"reference": stack.enter_context(bare(url, REFERENCE))}
        for label, root in roots.items():
            console = stack.enter_context(serving(root))
            runs = console.json("/runs.json?app=bench-long")["runs"]
            tracing = f"/runs/{runs[0]['id']}/tracing.json"
            assert len(console.json(tracing)["executions"]) == STEPS
            work[f"{label}tracing.json of 1,000 steps"] = console.page(tracing, "")
            work[f"{label}runs.json"] = console.page("/runs.json", "")
        take_turns(work)


def fill() -> None:
    """Record a long run and some short ones."""
    from django.db import connections

    from runs.recording.storing.ingest import store_spans
    from tests.benchmarks.bodies import long_run, week

    for body in [long_run(STEPS + 100), *week(RUNS)]:
        store_spans(body, "application/x-protobuf")
    connections.close_all()


if __name__ == "__main__":
    main()
