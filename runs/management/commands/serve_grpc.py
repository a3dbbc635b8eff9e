"""`manage.py serve_grpc`: OTLP over gRPC, beside the console."""

import importlib.util
import ipaddress
import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser


class Command(BaseCommand):
    help = (
        "Takes OTLP over gRPC until Ctrl-C, with the keys and the database of the console. Needs "
        "the package grpcio: .venv/bin/python -m pip install grpcio"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        host = os.environ.get("WAYLOG_HOST", "").strip() or "127.0.0.1"
        parser.add_argument("--host", default=host, help="default: WAYLOG_HOST, else 127.0.0.1")
        parser.add_argument("--port", type=int, default=4317, help="default: 4317")
        parser.add_argument("--tls-key", type=Path, help="private key, PEM")
        parser.add_argument("--tls-certificate", type=Path, help="chain of certificates, PEM")

    def handle(self, *args: Any, **options: Any) -> None:
        if importlib.util.find_spec("grpc") is None:
            raise CommandError(
                "gRPC needs the package grpcio: .venv/bin/python -m pip install grpcio"
            )
        from runs.recording.receiving.grpc_server import grpc_server

        host, tls = options["host"], _tls(options["tls_key"], options["tls_certificate"])
        if settings.SECURE_SSL_REDIRECT and tls is None and not _is_loopback(host):
            raise CommandError(
                "WAYLOG_HTTPS is set, so keys must not travel in clear: give --tls-key and "
                "--tls-certificate, or listen on 127.0.0.1 behind a proxy that has them."
            )
        address = f"[{host}]:{options['port']}" if ":" in host else f"{host}:{options['port']}"
        try:
            server, _ = grpc_server(address, tls)
        except (RuntimeError, ValueError):
            raise CommandError(f"Cannot listen on {address}.") from None
        server.start()
        scheme = "http" if tls is None else "https"
        self.stdout.write(f"Waylog takes OTLP over gRPC at {scheme}://{address}. Ctrl-C stops it.")
        self.stdout.flush()
        try:
            server.wait_for_termination()
        except KeyboardInterrupt:
            server.stop(grace=5).wait()


def _tls(key: Path | None, certificate: Path | None) -> tuple[bytes, bytes] | None:
    if key is None and certificate is None:
        return None
    if key is None or certificate is None:
        raise CommandError("TLS needs both --tls-key and --tls-certificate.")
    try:
        return key.read_bytes(), certificate.read_bytes()
    except OSError as error:
        raise CommandError(f"{error.filename} cannot be read: {error.strerror}.") from None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
