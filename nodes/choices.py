"""Statuses of a node execution and their groups, in one place. Colours are the stylesheet's."""

from django.db.models import TextChoices


class NodeStatus(TextChoices):
    """Dify's node execution statuses, plus `skipped`, which is derived and never stored."""

    RUNNING = "running", "Running"
    PAUSED = "paused", "Paused"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"
    EXCEPTION = "exception", "Exception"
    RETRY = "retry", "Retry"
    STOPPED = "stopped", "Stopped"
    SKIPPED = "skipped", "Skipped"


# Failed for good, whether or not that was handled; a `retry` was tried again.
FAILURES = frozenset({NodeStatus.FAILED, NodeStatus.EXCEPTION})
# Whatever has an error to show.
ERRORS = FAILURES | {NodeStatus.RETRY}

_LABELS = {status.value: str(status.label) for status in NodeStatus}


def status_label(status: str) -> str:
    """Return the label of a stored status; an unknown one is its own label."""
    return _LABELS.get(status, status)
