"""Statuses of a node execution and their groups, in one place. Colours are the stylesheet's."""

from django.db.models import TextChoices


class NodeStatus(TextChoices):
    """Dify's words (its node execution statuses), plus `skipped`, which is derived and never stored."""

    RUNNING = "running", "Running"
    PAUSED = "paused", "Paused"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"
    EXCEPTION = "exception", "Exception"
    RETRY = "retry", "Retry"
    STOPPED = "stopped", "Stopped"
    SKIPPED = "skipped", "Skipped"

    @property
    def is_error(self) -> bool:
        return self in ERRORS

    @property
    def is_finished(self) -> bool:
        return self not in UNFINISHED


ERRORS = frozenset({NodeStatus.FAILED, NodeStatus.EXCEPTION, NodeStatus.RETRY})
UNFINISHED = frozenset({NodeStatus.RUNNING, NodeStatus.PAUSED})
