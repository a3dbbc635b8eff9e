"""The real console, used over HTTP by a signed-in client, and its database, queried directly."""

import http.client
import json
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg

from tests.benchmarks import PASSWORD
from tests.benchmarks.turns import Cost, timed

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 120


@contextmanager
def serving(root: Path = ROOT) -> Iterator["Console"]:
    """Serve the checkout at `root` as `make run` does (`manage.py serve`), with one worker."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "manage.py", "serve", "--port", str(port), "--workers", "1"]
    server = subprocess.Popen(command, cwd=root, stdout=subprocess.DEVNULL)
    try:
        for _ in range(START_SECONDS * 10):
            if server.poll() is not None:
                sys.exit("The server did not start.")
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield Console(port, server.pid)
    finally:
        server.terminate()
        server.wait(30)


class Console:
    """A signed-in client on one persistent connection; `server` is the server's process id."""

    def __init__(self, port: int, server: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.server = server
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

    def json(self, path: str) -> Any:
        return json.loads(self.get(path))

    def page(self, path: str, htmx_target: str = "") -> Callable[[], Cost]:
        """To the first byte of the answer; the processor's time is the server's for all of it."""

        def ask() -> Cost:
            worked = _cpu_ms(self.server)
            size = len(self.get(path, htmx_target))
            return Cost(self.first_byte, _cpu_ms(self.server) - worked, size)

        return ask

    def _send(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> bytes:
        cookies = "; ".join(f"{name}={cookie.value}" for name, cookie in self.cookies.items())
        began = time.perf_counter()
        self.connection.request(method, path, body, headers | {"Cookie": cookies})
        response = self.connection.getresponse()
        self.first_byte = (time.perf_counter() - began) * 1000
        content = response.read()
        assert response.status < 400, f"{path}: {response.status} {content[:200]!r}"
        for line in response.headers.get_all("Set-Cookie", []):
            self.cookies.load(line)
        return content


def _cpu_ms(server: int) -> float:
    """That the processes below `server` have had a processor; 0 where unknown (not on Linux)."""
    total, waiting = 0, [server]
    while waiting:
        for task in Path(f"/proc/{waiting.pop()}/task").glob("*"):
            total += int((task / "schedstat").read_text().split()[0])
            waiting += map(int, (task / "children").read_text().split())
    return total / 1e6


@contextmanager
def bare(url: str, query: str) -> Iterator[Callable[[], Cost]]:
    """The rows of a query as JSON, over a connection of its own: no HTTP, no Django."""
    connection: Any
    if url.startswith("postgresql"):
        connection = psycopg.connect(url, autocommit=True)
    else:
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    with closing(connection):
        yield timed(lambda: len(json.dumps(connection.execute(query).fetchall(), default=str)))
