"""How long the matrix of a loop and the page of a run's time take, of very long runs.

    .venv/bin/python -m tests.benchmarks.passes                 SQLite, a throw-away file
    .venv/bin/python -m tests.benchmarks.passes --postgres      PostgreSQL, a throw-away server
    .venv/bin/python -m tests.benchmarks.passes --nodes 20      more nodes in each pass than 10

An iteration of 1,000 passes of 10 nodes each, two of which failed: as many steps as the longest run
of `pages`. Requests are made as in `pages`: to the real server, over HTTP, signed in. The ratio to
the reference is what counts.
"""

import argparse
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID, uuid4

from tests.benchmarks import throwaway
from tests.benchmarks.console import bare, serving
from tests.benchmarks.turns import take_turns

PASSES, FAILED = 1000, (37, 612)
REFERENCE = (
    "SELECT id, parent_id, node_id, status, iteration FROM nodes_nodeexecution ORDER BY run_id"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--nodes", type=int, default=10)
    options = parser.parse_args()
    with throwaway(options.postgres) as (_, url):
        run, loop = fill(options.nodes)
        with serving() as console, bare(url, REFERENCE) as reference:
            requests = {name: console.page(path) for name, path in addresses(run, loop)}
            take_turns({"reference: rows": reference, **requests})


def fill(nodes: int) -> tuple[UUID, UUID]:
    """One run with its loop; their ids."""
    from django.db import connections

    from nodes.models import NodeExecution
    from tests.factories import make_execution, make_run

    run = make_run("bench-passes", status="failed", duration_us=PASSES * nodes * 1000)
    loop = make_execution(run, "Each item", kind="iteration", status="failed", self_us=0)
    NodeExecution.objects.bulk_create(
        (
            NodeExecution(
                id=uuid4(),
                run=run,
                app=run.app,
                source_id=str(number),
                service="s",
                title=f"Node {number % nodes}",
                kind="code" if number % 3 else "llm",
                node_id=f"node-{number % nodes}",
                status=_status(number, nodes),
                index=number + 1,
                depth=1,
                parent_id=loop.id,
                iteration=str(number // nodes),
                started_at=run.started_at + timedelta(milliseconds=number),
                duration_us=700 + number % 211,
                self_us=700 + number % 211,
                total_tokens=None if number % 3 else 100 + number % 97,
                counted=True,
            )
            for number in range(PASSES * nodes)
        ),
        batch_size=500,
    )
    connections.close_all()
    return run.id, loop.id


def _status(number: int, nodes: int) -> str:
    return "failed" if number // nodes in FAILED and number % nodes == 7 else "succeeded"


def addresses(run: UUID, loop: UUID) -> Iterator[tuple[str, str]]:
    """Yield (name, address)."""
    passes = f"/runs/{run}/tracing/{loop}/passes"
    yield "matrix", f"{passes}/"
    yield "matrix, passes 601+", f"{passes}/?from=600"
    yield "matrix, failed first", f"{passes}/?first=failed&heat=tokens"
    yield "matrix as JSON", f"{passes}.json"
    yield "tracing", f"/runs/{run}/tracing/"
    yield "tracing, path marked", f"/runs/{run}/tracing/?path=critical"
    yield "time", f"/runs/{run}/time/"


if __name__ == "__main__":
    main()
