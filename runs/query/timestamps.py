"""When it was that somebody means."""

from datetime import datetime, timedelta

from django.utils import timezone


def at(told: datetime | timedelta, now: datetime) -> datetime:
    """The aware time that a time, or so long ago, is; one without a zone is local."""
    if isinstance(told, timedelta):
        return now - told
    return told if timezone.is_aware(told) else timezone.make_aware(told)
