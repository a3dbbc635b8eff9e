"""How long the pages take that people wait for, with a week of runs stored.

    .venv/bin/python -m tests.benchmarks.pages                  SQLite, a throw-away file
    .venv/bin/python -m tests.benchmarks.pages --postgres       PostgreSQL, a throw-away server
    .venv/bin/python -m tests.benchmarks.pages --runs 1000      fewer runs of 20 steps than 10,000

Beside them are stored a run of 2,000 and one of 10,000 steps. The server is the real one
(`manage.py serve`, one worker), asked over HTTP by somebody signed in, one request at a time. Pages
and references take turns, because machines are noisy; the ratio is what counts. The reference is
what any page of a list must do at least: 50 rows from the same database, in order, as JSON; no
HTTP, no Django. `cpu` is the time that the server worked on a processor for one answer (Linux).
"""

import argparse
import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.benchmarks import throwaway

ROUNDS, WARM, DEEP = 30, 3, 20
PASSWORD = "only-for-the-benchmark"  # of a database that is thrown away
REFERENCE = "SELECT id, status, started_at, error FROM runs_run ORDER BY started_at DESC LIMIT 50"
START_SECONDS = 120


@dataclass(slots=True)
class Measured:
    """Milliseconds of each round, to the first byte; `cpu` of the server, one figure for all."""

    name: str
    ask: Callable[[], int]  # returns the bytes of the answer
    times: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    size: int = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--runs", type=int, default=10_000)
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
        fill(options.runs)
        with serving() as (port, server), closing(_reference(url)) as reference:
            measure(Console(port), server, reference)


def fill(runs: int) -> None:
    """Record the week and the long runs as the door would."""
    from django.core.management import call_command
    from django.db import connections

    import config.wsgi  # noqa: F401  as the server starts: settings, apps, garbage collector

    call_command("migrate", verbosity=0)
    from runs.recording.doors.intake import take
    from tests.benchmarks.bodies import long_run, week

    began = time.perf_counter()
    for number, body in enumerate([*_long(long_run), *week(runs)]):
        take(body, "application/x-protobuf")
        if sys.stderr.isatty() and number % 20 == 0:
            print(f"\r  {number * 25:,} runs stored ", end="", file=sys.stderr, flush=True)
    connections.close_all()
    print(f"{runs:,} runs of 20 steps stored in {time.perf_counter() - began:.0f} s")


def _long(long_run: Callable[[int], bytes]) -> Iterator[bytes]:
    yield long_run(2_000)
    yield long_run(10_000)


@contextmanager
def serving() -> Iterator[tuple[int, int]]:
    """The console as `make run` starts it; its port and process id."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "manage.py", "serve", "--port", str(port), "--workers", "1"]
    root = Path(__file__).resolve().parents[2]
    server = subprocess.Popen(command, cwd=root, stdout=subprocess.DEVNULL)
    try:
        for _ in range(START_SECONDS * 10):
            if server.poll() is not None:
                sys.exit("The server did not start.")
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield port, server.pid
    finally:
        server.terminate()
        server.wait(30)


class Console:
    """Somebody signed in, over one kept connection."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.cookies: SimpleCookie = SimpleCookie()
        self.first_byte = 0.0
        self.get("/login/")
        token = self.cookies["csrftoken"].value
        form = {"username": "admin", "password": PASSWORD, "csrfmiddlewaretoken": token}
        self._send("POST", "/login/", urlencode(form), {
            "Content-Type": "application/x-www-form-urlencoded",
        })  # fmt: skip
        assert "sessionid" in self.cookies, "signing in failed"

    def get(self, path: str, htmx_target: str = "") -> bytes:
        htmx = {"HX-Request": "true", "HX-Target": htmx_target} if htmx_target else {}
        return self._send("GET", path, None, htmx)

    def _send(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> bytes:
        cookies = "; ".join(f"{name}={one.value}" for name, one in self.cookies.items())
        began = time.perf_counter()
        self.connection.request(method, path, body, headers | {"Cookie": cookies})
        response = self.connection.getresponse()
        self.first_byte = (time.perf_counter() - began) * 1000
        content = response.read()
        assert response.status < 400, f"{path}: {response.status} {content[:200]!r}"
        for line in response.headers.get_all("Set-Cookie", []):
            self.cookies.load(line)
        return content

    def json(self, path: str) -> Any:
        return json.loads(self.get(path))


def addresses(console: Console) -> Iterator[tuple[str, str, str]]:
    """(what it is called, its address, the htmx target it is asked for or "")."""
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


def _reference(url: str) -> Any:
    """A bare connection to the same database."""
    if url.startswith("postgresql"):
        import psycopg

        return psycopg.connect(url, autocommit=True)
    import sqlite3

    return sqlite3.connect(url.removeprefix("sqlite:///"))


def measure(console: Console, server: int, reference: Any) -> None:
    def bare() -> int:
        began = time.perf_counter()
        text = json.dumps(reference.execute(REFERENCE).fetchall(), default=str)
        console.first_byte = (time.perf_counter() - began) * 1000
        return len(text)

    def page(address: str, target: str) -> Callable[[], int]:
        return lambda: len(console.get(address, target))

    measured = [Measured("reference", bare), Measured("/healthz", page("/healthz", ""))]
    measured += [Measured(name, page(path, to)) for name, path, to in addresses(console)]
    for turn in range(WARM + ROUNDS):
        for one in measured:
            worked = _cpu(server)
            one.size = one.ask()
            if turn >= WARM:
                one.times.append(console.first_byte)
                one.cpu.append(_cpu(server) - worked)
    _print(measured)


def _cpu(server: int) -> float:
    """Milliseconds that the processes below `server` have had a processor; 0 where unknown."""
    total, waiting = 0, [server]
    while waiting:
        for task in Path(f"/proc/{waiting.pop()}/task").glob("*"):
            total += int((task / "schedstat").read_text().split()[0])
            waiting += map(int, (task / "children").read_text().split())
    return total / 1e6


def _print(measured: list[Measured]) -> None:
    print(f"{'':24}{'median ms':>10}{'p95 ms':>9}{'cpu ms':>9}{'ratio':>8}{'bytes':>10}")
    for one in measured:
        pairs = zip(one.times, measured[0].times, strict=True)
        ratio = statistics.median(ours / bare for ours, bare in pairs)
        p95 = sorted(one.times)[-(-len(one.times) * 95 // 100) - 1]
        middle = statistics.median(one.times)
        cpu = statistics.median(one.cpu)
        print(f"{one.name:24}{middle:10.1f}{p95:9.1f}{cpu:9.1f}{ratio:8.1f}{one.size:10,}")


if __name__ == "__main__":
    main()
