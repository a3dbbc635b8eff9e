"""What is:… and has:… mean."""

from collections.abc import Callable
from datetime import datetime

from django.db.models import Q

from runs.choices import UNFINISHED, RunStatus
from runs.models import Note, Rerun
from runs.models.run import stalled_condition
from runs.query.related_conditions import on_runs, with_note

IS: dict[str, Callable[[datetime], Q]] = {
    "running": lambda now: Q(status=RunStatus.RUNNING),
    "paused": lambda now: Q(status=RunStatus.PAUSED),
    "stalled": stalled_condition,
    "finished": lambda now: ~Q(status__in=UNFINISHED),
    "pinned": lambda now: with_note(Q(name="pin")),
    "rerun": lambda now: Q(pk__in=Rerun.objects.filter(run__isnull=False).values("run_id")),
}
HAS: dict[str, Callable[[datetime], Q]] = {
    "note": lambda now: Q(pk__in=on_runs(Note.objects.exclude(name__in=("pin", "tag")))),
    "tag": lambda now: ~Q(tags=[]) | with_note(Q(name="tag")),
    "error": lambda now: ~Q(error=""),
    "user": lambda now: ~Q(user=""),
    "conversation": lambda now: Q(conversation__isnull=False),
    "cost": lambda now: Q(cost__isnull=False),
    "retry": lambda now: Q(retries__gt=0),
}
