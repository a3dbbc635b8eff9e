"""How long the matrix of a loop and the page of a run's time take, of very long runs.

    .venv/bin/python -m tests.benchmarks.passes                 SQLite, a throw-away file
    .venv/bin/python -m tests.benchmarks.passes --postgres      PostgreSQL, a throw-away server

An iteration of 1,000 passes of 10 nodes each, two of which failed: as many steps as the longest run
of `pages`. Asked as in `pages`: the real server, over HTTP, by somebody signed in; the ratio to the
reference is what counts.

Measured on 2 quiet cores, median, SQLite / PostgreSQL 15, the reference 33 / 43 ms: the matrix
100 / 91 ms, its tree in TRACING 179 / 180, TIME 238 / 232. With 20 nodes a pass (20,000
steps) the matrix took 169 ms on SQLite, the reference 84.
"""

import argparse
import os
from contextlib import closing
from datetime import timedelta
from uuid import UUID, uuid4

from tests.benchmarks import throwaway
from tests.benchmarks.pages import (
    PASSWORD,
    Console,
    Measured,
    _cpu,
    _print,
    _reference,
    serving,
)

PASSES, NODES, FAILED = 1000, 10, (37, 612)
ROUNDS, WARM = 20, 3
REFERENCE = (
    "SELECT id, parent_id, node_id, status, iteration FROM nodes_nodeexecution ORDER BY run_id"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--postgres", action="store_true")
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
        run, loop = fill()
        with serving() as (port, server), closing(_reference(url)) as reference:
            measure(Console(port), server, reference, f"/runs/{run}", f"/tracing/{loop}/passes")


def fill() -> tuple[UUID, UUID]:
    """One run with its loop; their ids."""
    from django.core.management import call_command
    from django.db import connections

    import config.wsgi  # noqa: F401  as the server starts: settings, apps, garbage collector

    call_command("migrate", verbosity=0)
    from nodes.models import NodeExecution
    from tests.factories import make_execution, make_run

    run = make_run("bench-passes", status="failed", duration_us=PASSES * NODES * 1000)
    loop = make_execution(run, "Each item", kind="iteration", status="failed", self_us=0)
    NodeExecution.objects.bulk_create(
        (
            NodeExecution(
                id=uuid4(),
                run=run,
                app=run.app,
                source_id=str(number),
                service="s",
                title=f"Node {number % NODES}",
                kind="code" if number % 3 else "llm",
                node_id=f"node-{number % NODES}",
                status=_status(number),
                index=number + 1,
                depth=1,
                parent_id=loop.id,
                iteration=str(number // NODES),
                started_at=run.started_at + timedelta(milliseconds=number),
                duration_us=700 + number % 211,
                self_us=700 + number % 211,
                total_tokens=None if number % 3 else 100 + number % 97,
                counted=True,
            )
            for number in range(PASSES * NODES)
        ),
        batch_size=500,
    )
    connections.close_all()
    return run.id, loop.id


def _status(number: int) -> str:
    return "failed" if number // NODES in FAILED and number % NODES == 7 else "succeeded"


def measure(console: Console, server: int, reference: object, run: str, passes: str) -> None:
    import json
    import time

    def bare() -> int:
        began = time.perf_counter()
        rows = reference.execute(REFERENCE).fetchall()  # type: ignore[attr-defined]
        text = json.dumps(rows, default=str)
        console.first_byte = (time.perf_counter() - began) * 1000
        return len(text)

    addresses = {
        "matrix": f"{run}{passes}/",
        "matrix, passes 601+": f"{run}{passes}/?from=600",
        "matrix, failed first": f"{run}{passes}/?first=failed&heat=tokens",
        "matrix as JSON": f"{run}{passes}.json",
        "tracing": f"{run}/tracing/",
        "tracing, path marked": f"{run}/tracing/?path=critical",
        "time": f"{run}/time/",
    }
    measured = [Measured("reference: rows", bare)]
    measured += [
        Measured(name, lambda path=path: len(console.get(path)))  # type: ignore[misc]
        for name, path in addresses.items()
    ]
    for turn in range(WARM + ROUNDS):
        for one in measured:
            worked = _cpu(server)
            one.size = one.ask()
            if turn >= WARM:
                one.times.append(console.first_byte)
                one.cpu.append(_cpu(server) - worked)
    _print(measured)


if __name__ == "__main__":
    main()
