"""Node executions imported from a Dify database per second, and the memory that it took.

    .venv/bin/python -m tests.benchmarks.importing            100,000 executions into SQLite
    .venv/bin/python -m tests.benchmarks.importing --postgres … into PostgreSQL

A throw-away PostgreSQL is filled with runs of 20 steps: a chain with an iteration of two passes,
model calls with prompts of about 1 KB. The import reads and stores them as `manage.py import_dify`
does. Memory is printed for the first tenth and for all, because it must not grow with the rows.
"""

import argparse
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.benchmarks import throwaway
from tests.postgres import postgres

STEPS = 20
NODES = [
    {"id": str(number), "type": "custom", "data": {"type": kind, "title": f"{kind} {number}"}}
    for number, kind in enumerate(["start", "llm", "code", "iteration", "tool", "end"] * 3)
]
EDGES = [
    {"source": str(number), "target": str(number + 1), "sourceHandle": "source"}
    for number in range(len(NODES) - 1)
]
TEXT = "What the customer wrote and what the shop knows about it. " * 18


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--steps", type=int, default=100_000, help="node executions in all")
    options = parser.parse_args()
    with throwaway(options.postgres), postgres() as dify:
        measure(dify, options.steps // STEPS)


def measure(dsn: str, runs: int) -> None:
    from django.core.management import call_command

    fill(dsn, runs)
    from nodes.models import NodeExecution
    from runs.models import Run
    from runs.recording.importing.dify_database import importer

    tenth, most = [], [0]
    whole = importer.ImportProgress.add

    def add(progress: Any, **more: int) -> None:
        whole(progress, **more)
        most[0] = max(most[0], memory())
        if not tenth and progress.runs * 10 >= runs:
            tenth.append(most[0])

    importer.ImportProgress.add = add  # type: ignore[method-assign]
    before, began = memory(), time.perf_counter()
    call_command("import_dify", "--dsn", dsn)
    took = time.perf_counter() - began
    rows = NodeExecution.objects.visible().count()
    print(f"{Run.objects.count():,} runs with {rows:,} executions in {took:.0f} s")
    print(f"rows/s {rows / took:8.0f}, CPU {time.process_time() * 1e6 / rows:.0f} us each")
    print(f"memory {before} MB before, {tenth[0]} MB in the first tenth, {most[0]} MB in all")


def memory() -> int:
    """The process's own memory in MB: without the pages of the database file that SQLite maps."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("RssAnon:")[2].split()[0]) // 1024


def fill(dsn: str, runs: int) -> None:
    from tests.runs.recording.importing.dify_database.dify_tables import DifyTables, js, uid

    db = DifyTables(dsn)
    app = db.app("Bench")
    began = datetime(2026, 6, 1)
    names = ("id", "tenant_id", "app_id", "workflow_id", "type", "triggered_from", "version",
             "graph", "inputs", "status", "outputs", "elapsed_time", "total_tokens",
             "created_at", "finished_at")  # fmt: skip
    ids = [uuid4() for _ in range(runs)]
    graph = js({"nodes": NODES, "edges": EDGES})
    values, text = js({"q": TEXT[:200]}), js({"text": TEXT})
    with db.connection.cursor() as cursor:
        with cursor.copy(f"COPY workflow_runs ({', '.join(names)}) FROM STDIN") as copy:
            for number, id_ in enumerate(ids):
                at = began + timedelta(seconds=30 * number)
                copy.write_row((id_, uid("tenant"), app, app, "workflow", "app-run", "v1", graph,
                                values, "succeeded", text, 20.0, 600, at,
                                at + timedelta(seconds=20)))  # fmt: skip
        names = ("id", "workflow_run_id", "index", "node_id", "node_type", "title", "inputs",
                 "process_data", "outputs", "status", "elapsed_time", "execution_metadata",
                 "created_at", "finished_at")  # fmt: skip
        with cursor.copy(f"COPY workflow_node_executions ({', '.join(names)}) FROM STDIN") as copy:
            for number, id_ in enumerate(ids):
                at = began + timedelta(seconds=30 * number)
                for index in range(STEPS):
                    copy.write_row(step(id_, index, at + timedelta(seconds=index)))
    db.connection.execute("ANALYZE")
    db.close()


def step(run: Any, index: int, at: datetime) -> tuple[Any, ...]:
    from tests.runs.recording.importing.dify_database.dify_tables import js

    node = NODES[index % len(NODES)]["data"]
    metadata: dict[str, Any] = {}
    if index in (4, 5):
        metadata = {"iteration_id": "3", "iteration_index": index - 4}
    process = None
    if node["type"] == "llm":
        process = js({
            "model_name": "gpt-4o-mini", "model_provider": "openai",
            "prompts": [{"role": "user", "text": f"{TEXT} {run} {index}"}],
            "usage": {"prompt_tokens": 150, "completion_tokens": 50, "total_tokens": 200,
                      "total_price": "0.00005", "currency": "USD"},
        })  # fmt: skip
    text = js({"text": f"{TEXT[:400]} {run} {index}"})
    return (
        uuid4(), run, index, str(index % len(NODES)), node["type"], node["title"], text, process,
        text, "succeeded", 0.9, js(metadata), at, at + timedelta(milliseconds=900),
    )  # fmt: skip


if __name__ == "__main__":
    main()
