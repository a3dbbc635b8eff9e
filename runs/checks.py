"""Checks settings at start whose errors would otherwise show only later."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register

SMALLEST_BODY = 4 * 1024 * 1024


@register(Tags.compatibility)
def recording_limits(**kwargs: Any) -> list[CheckMessage]:
    warnings: list[CheckMessage] = []
    if settings.WAYLOG_MAX_BODY < SMALLEST_BODY:
        warnings.append(
            Warning(
                "WAYLOG_MAX_BODY_MB is less than the 4 MB that exporters send in one request.",
                hint="Set WAYLOG_MAX_BODY_MB to 4 or more.",
                id="waylog.W001",
            )
        )
    if settings.WAYLOG_STALLED_MINUTES < 1:
        warnings.append(
            Warning(
                "With WAYLOG_STALLED_MINUTES below 1, every running run is shown as stalled.",
                hint="Set WAYLOG_STALLED_MINUTES to 1 or more.",
                id="waylog.W002",
            )
        )
    return warnings


@register(Tags.security, deploy=True)
def plain_http(**kwargs: Any) -> list[CheckMessage]:
    """Warn where the console answers plain HTTP beyond loopback: passwords and keys need TLS."""
    loopback = {"localhost", "127.0.0.1", "[::1]"}
    if settings.HTTPS or set(settings.ALLOWED_HOSTS) <= loopback:
        return []
    return [
        Warning(
            "Waylog serves hosts other than this machine, but not over HTTPS.",
            hint="Put it behind TLS and set WAYLOG_HTTPS=true.",
            id="waylog.W003",
        )
    ]
