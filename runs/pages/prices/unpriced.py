"""Which models have no price."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Sum

from nodes.models import NodeExecution
from runs.choices import CostState
from runs.models import Run

# The newest runs that are looked at: a page must stay quick.
RUNS = 2_000


@dataclass(frozen=True, slots=True)
class UnpricedModel:
    """A model that was called without a known price, and how much, in the newest RUNS runs."""

    model: str
    provider: str
    calls: int
    tokens: int
    last: datetime | None


def unpriced_models() -> list[UnpricedModel]:
    """Return the models without a price, those with most tokens first. Two queries."""
    newest = Run.objects.order_by("-started_at", "-id").values_list("id", "cost_state")[:RUNS]
    incomplete = (CostState.UNPRICED, CostState.PARTLY)
    run_ids = [run_id for run_id, state in newest if state in incomplete]
    calls = NodeExecution.objects.filter(run_id__in=run_ids, counted=True, cost__isnull=True)
    models = (
        calls.exclude(model="")
        .values_list("model", "provider")
        .annotate(Count("id"), Sum("total_tokens", default=0), Max("started_at"))
    )
    unpriced = (UnpricedModel(*row) for row in models.order_by("model", "provider"))
    return sorted(unpriced, key=lambda model: -model.tokens)
