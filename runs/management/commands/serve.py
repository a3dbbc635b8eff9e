"""`manage.py serve`: everything between a fresh checkout and a console that answers."""

import http.client
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, connection
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server.mp import MPServer

from runs import first_start

# Requests still running this many seconds after Ctrl-C are cut.
PATIENCE = 5
START_SECONDS = 60


class Command(BaseCommand):
    help = (
        "Prepares the database and static files, creates an account, a key and sample runs at the "
        "first start, and serves the console until Ctrl-C."
    )
    requires_system_checks: list[str] = []  # `make lint` runs them; here they only cost time

    def add_arguments(self, parser: CommandParser) -> None:
        for option, variable, default, kind in [
            ("--host", "WAYLOG_HOST", "127.0.0.1", str),
            ("--port", "PORT", "8000", int),
            ("--workers", "WAYLOG_WORKERS", "1", int),
        ]:
            value = os.environ.get(variable, "").strip() or default
            parser.add_argument(
                option, type=kind, default=value, help=f"default: {variable}, else {default}"
            )

    def handle(self, *args: Any, **options: Any) -> None:
        host, port = options["host"], options["port"]
        try:
            require_free(host, port)
            made = self.prepare()
            self.serve(host, port, options["workers"], made)
        except KeyboardInterrupt:
            sys.exit(130)

    def say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()

    def progress(self, runs: int) -> None:
        """Print the number of runs loaded so far, on the same line; for people only."""
        if self.stdout.isatty():
            self.stdout.write(f"\r  {runs} runs ", ending="")
            self.stdout.flush()

    def prepare(self) -> first_start.Secrets | None:
        """Bring everything up to date; return the secrets that a first start generated."""
        Path(settings.VAR_DIR).mkdir(parents=True, exist_ok=True)
        # One connection is enough here, and a pool would try for half a minute before it says no.
        connection.settings_dict["OPTIONS"].pop("pool", None)
        try:
            first_start.prepare_database(self.say)
        except OperationalError as error:
            reason = str(error).strip().splitlines()[0]
            raise CommandError(f"The database cannot be opened: {reason}") from None
        first_start.prepare_static(self.say)
        if not first_start.is_first():
            return None
        first_start.load_samples(self.say, self.progress)
        return first_start.create_access()

    def welcome(self, host: str, port: int, made: first_start.Secrets | None) -> None:
        address = f"http://{browser_host(host)}:{port}/"
        lines = ["", f"Waylog is ready at {address}"]
        if made is None:
            lines += [
                "Sign in with your account. To set a new password: "
                ".venv/bin/python manage.py changepassword NAME"
            ]
        else:
            password = made.password or "(the one in WAYLOG_ADMIN_PASSWORD)"
            key = made.key or "(the one in WAYLOG_INGEST_KEY)"
            lines += [
                f"Sign in as {first_start.ADMIN} with the password {password}",
                f"Send OTLP traces to {address}v1/traces with the key {key}",
            ]
        if made and (made.password or made.key):
            lines += [
                "The password and the key are not shown again. To set another password: "
                f".venv/bin/python manage.py changepassword {first_start.ADMIN}",
                f"To create other keys: {address}settings/keys/",
            ]
        self.say("\n".join([*lines, "Ctrl-C stops it.", ""]))

    def serve(self, host: str, port: int, workers: int, made: first_start.Secrets | None) -> None:
        connection.close()  # the workers open their own
        multiprocessing.set_start_method("spawn", force=True)  # a fork would inherit our threads
        server = Workers(
            "config.wsgi:application",
            address=host,
            port=port,
            interface=Interfaces.WSGI,
            workers=workers,
            blocking_threads=settings.WAYLOG_THREADS,
            log_level=LogLevels.error,
            websockets=False,
            respawn_failed_workers=True,
            workers_kill_timeout=PATIENCE,
            working_dir=settings.BASE_DIR,
        )

        def announce() -> None:
            if answers(host, port):
                self.welcome(host, port, made)

        server.on_startup(threading.Thread(target=announce, daemon=True).start)
        server.serve()


class Workers(MPServer):
    """Granian's workers, but they ignore Ctrl-C: a terminal sends it to the workers as well as to
    this process, and a worker that this process then stops, too, hangs."""

    def _spawn_workers(self, *args: Any) -> None:
        resource_tracker.ensure_running()  # it would lift the block
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            super()._spawn_workers(*args)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def browser_host(host: str) -> str:
    """Return the host as people type it into a browser."""
    if host in ("0.0.0.0", "::", ""):
        return "localhost"
    return f"[{host}]" if ":" in host else host


def require_free(host: str, port: int) -> None:
    """Stop with one sentence where nothing can listen there."""
    if not 0 < port < 65536:
        raise CommandError(f"PORT must be between 1 and 65535, not {port}.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen()
        except OSError as error:
            reason = os.strerror(error.errno).lower() if error.errno else str(error)
            other = f"PORT={port % 65535 + 1} make run"
            raise CommandError(
                f"Cannot listen on {host}:{port}: {reason}. To use another port: {other}"
            ) from None


def answers(host: str, port: int) -> bool:
    """Wait for the first answer, whatever it says: then a worker has loaded the application."""
    target = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(host, host)
    for _ in range(START_SECONDS * 20):
        probe = http.client.HTTPConnection(target, port, timeout=START_SECONDS)
        try:
            probe.request("GET", "/healthz")
            probe.getresponse().read()
            return True
        except ConnectionError:
            time.sleep(0.05)
        finally:
            probe.close()
    return False
