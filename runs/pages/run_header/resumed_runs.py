"""The run that waited for a person before this one, and the one that went on after it."""

from dataclasses import dataclass

from runs.models import Run
from runs.recording.storing.resumptions import resumption_links


@dataclass(frozen=True, slots=True)
class ResumedRuns:
    """`before` waited until this run went on; `after` went on where this run had waited."""

    before: Run | None
    after: Run | None

    @classmethod
    def around(cls, run: Run) -> "ResumedRuns":
        ids = resumption_links(run)
        runs = Run.objects.for_link().in_bulk([id_ for id_ in ids if id_])
        before, after = (runs.get(id_) if id_ else None for id_ in ids)
        return cls(before, after)
