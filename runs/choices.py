"""The statuses and modes of runs and apps."""

from django.db.models import TextChoices


class RunStatus(TextChoices):
    """Name the statuses as Dify names those of its workflow runs."""

    RUNNING = "running", "Running"
    PAUSED = "paused", "Paused"
    SUCCEEDED = "succeeded", "Succeeded"
    PARTIAL_SUCCEEDED = "partial-succeeded", "Partly succeeded"
    FAILED = "failed", "Failed"
    STOPPED = "stopped", "Stopped"


UNFINISHED = frozenset({RunStatus.RUNNING, RunStatus.PAUSED})

# The words of narrow places; every other status is short enough.
SHORT_LABELS = {RunStatus.PARTIAL_SUCCEEDED.value: "Partial"}

# What pages show in place of "running" when nothing of a run has arrived for a long time; it is
# never stored.
STALLED, STALLED_LABEL = "stalled", "Stalled"


class AppMode(TextChoices):
    """`workflow`: one-shot, its runs have a RESULT. `chatflow`: its runs are turns of a
    conversation."""

    WORKFLOW = "workflow", "Workflow"
    CHATFLOW = "chatflow", "Chatflow"


class Upstream(TextChoices):
    """Where an app can be run again."""

    DIFY = "dify", "Dify API"
    WEBHOOK = "webhook", "Webhook"


class CostState(TextChoices):
    """How much of a run's or execution's cost is known."""

    PRICED = "priced", "Priced"
    PARTLY = "partly", "Partly priced"
    UNPRICED = "unpriced", "No price known"
    FREE = "free", "Nothing to pay for"
