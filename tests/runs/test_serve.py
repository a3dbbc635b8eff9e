"""`manage.py serve` as a process at a terminal: the first and the second start."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command

from runs import first_start
from runs.models import IngestKey
from tests.factories import make_app

START_SECONDS = 60


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def database_url(tmp_path: Path) -> Iterator[str]:
    """An empty database of the kind that the suite runs on."""
    database_url = os.environ.get("DATABASE_URL", "")
    if not database_url.startswith("postgres"):
        yield f"sqlite:///{tmp_path / 'waylog.sqlite3'}"
        return
    name = f"serve_{uuid.uuid4().hex}"
    with psycopg.connect(database_url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        yield database_url.rpartition("/")[0] + f"/{name}"
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def serve(tmp_path: Path, database_url: str, free_port: int) -> Iterator[Callable[..., "Console"]]:
    """`serve(NAME=value)` starts the command with these environment variables."""
    with contextlib.ExitStack() as stack:
        yield lambda **env: stack.enter_context(Console(tmp_path, database_url, free_port, env))


class Console:
    """A running `manage.py serve`; `lines` is what it has said until it was ready or gone."""

    def __init__(self, home: Path, database_url: str, port: int, env: dict[str, str]) -> None:
        clean = {key: value for key, value in os.environ.items() if not key.startswith("WAYLOG_")}
        self.port = port
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "serve"],
            cwd=settings.BASE_DIR,
            env=clean
            | {"DATABASE_URL": database_url, "PORT": str(port), "WAYLOG_VAR": str(home / "var")}
            | {"WAYLOG_SAMPLES": "false", "PYTHONUNBUFFERED": "1"}
            | env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []

    def __enter__(self) -> "Console":
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if line.startswith("Ctrl-C"):
                break
        return self

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=START_SECONDS)
        with contextlib.closing(connection):
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            return response.status, response.read().decode()

    def interrupt(self) -> int:
        """Ctrl-C, which a terminal sends to the whole process group."""
        os.killpg(self.process.pid, signal.SIGINT)
        rest, _ = self.process.communicate(timeout=START_SECONDS)
        self.lines += rest.splitlines()
        return self.process.returncode

    def __exit__(self, *args: object) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()


def test_first_and_second_start(serve: Callable[..., Console]) -> None:
    first = serve()
    assert re.search(r"Sign in as admin with the password \w{16}", first.text), first.text
    key = re.search(r"with the key (wl_\S+)", first.text)
    assert key, first.text
    assert first.get("/healthz")[0] == 200
    assert first.get("/runs.json")[0] == 401
    status, body = first.get("/runs.json", **{"x-api-key": key[1]})
    assert status == 200 and json.loads(body)["runs"] == []
    assert first.interrupt() == 0
    assert "Traceback" not in first.text

    second = serve()
    assert not [line for line in second.lines if "…" in line or "with the password" in line]
    assert second.get("/runs.json", **{"x-api-key": key[1]})[0] == 200
    assert second.interrupt() == 0


@pytest.mark.any_database
def test_a_taken_port_is_one_sentence(serve: Callable[..., Console], free_port: int) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port))
        taken.listen()
        console = serve()
        assert console.process.wait(START_SECONDS) == 1
    assert len(console.lines) == 1
    assert console.lines[0].startswith(f"CommandError: Cannot listen on 127.0.0.1:{free_port}: ")


@pytest.mark.any_database
@pytest.mark.parametrize("port", ["0", "70000"])
def test_an_impossible_port_is_one_sentence(serve: Callable[..., Console], port: str) -> None:
    console = serve(PORT=port)
    assert console.process.wait(START_SECONDS) == 1
    assert console.lines == [f"CommandError: PORT must be between 1 and 65535, not {port}."]


def test_a_database_that_does_not_answer(serve: Callable[..., Console]) -> None:
    console = serve(DATABASE_URL="postgresql://nobody:secret@127.0.0.1:1/none?connect_timeout=2")
    assert console.process.wait(START_SECONDS) == 1
    assert "CommandError: The database cannot be opened" in console.text
    assert "Traceback" not in console.text and "secret" not in console.text


def test_access_is_taken_from_the_environment(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYLOG_ADMIN_PASSWORD", "a-password")
    monkeypatch.setenv("WAYLOG_INGEST_KEY", "a-key")
    assert first_start.is_first()
    made = first_start.create_access()
    assert made == first_start.Secrets(password="", key="")
    assert not first_start.is_first()
    assert get_user_model().objects.get(username="admin").check_password("a-password")
    key = IngestKey.find("a-key")
    assert key and key.can_ingest and key.can_read


def test_access_is_made_up_otherwise(db: None) -> None:
    made = first_start.create_access()
    assert get_user_model().objects.get(username="admin").check_password(made.password)
    assert IngestKey.find(made.key)


def created(*args: str) -> str:
    out = StringIO()
    call_command("create_key", *args, stdout=out)
    return out.getvalue().strip()


def test_create_key(db: None) -> None:
    app = make_app("support")
    for args, ingest, read, bound in [
        ((), True, False, None),
        (("--read",), False, True, None),
        (("--read", "--ingest", "--app", app.slug), True, True, app),
    ]:
        key = IngestKey.find(created("laptop", *args))
        assert key and (key.can_ingest, key.can_read, key.app) == (ingest, read, bound)


@pytest.mark.parametrize("args", [("laptop", "--app", "missing"), ("",), ("x" * 101,)])
def test_create_key_refuses_in_one_sentence(db: None, args: tuple[str, ...]) -> None:
    with pytest.raises(CommandError) as refusal:
        created(*args)
    assert "\n" not in str(refusal.value)
    assert not IngestKey.objects.exists()
