"""How the runs of a version went: for comparing two versions, over the newest runs of each."""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from nodes import formats
from nodes.aggregates import percentile
from nodes.diff.side_by_side import ComparedFact
from nodes.formats import visible
from nodes.models import NodeExecution
from runs.choices import UNFINISHED, RunStatus
from runs.json.values import decimal_text, iso_time
from runs.models import Run, Version
from runs.pages.compare.figures import ComparedFigure, compared_figure

MAX_RUNS = 500
MODEL_RUNS, MODEL_STEPS = 50, 10_000  # that are looked at for their models
MAX_NODES = 50


@dataclass(frozen=True, slots=True)
class VersionFigures:
    """Over `runs` finished runs, the newest 500 at most (`more`: there are others). Times are
    microseconds; tokens and cost are means per run, cost of the priced ones in `currency`, the one
    that most have. What is not known is None."""

    runs: int
    more: bool
    first: datetime | None
    last: datetime | None
    succeeded: int
    median_us: int | None
    p95_us: int | None
    tokens: int | None
    cost: Decimal | None
    currency: str

    @property
    def success_rate(self) -> float | None:
        """Percent; runs that succeeded in part, with a failure handled, count as succeeded."""
        return self.succeeded * 100 / self.runs if self.runs else None


def version_figures(version: Version) -> VersionFigures:
    """One query."""
    rows = list(Run.objects.ran_as(version).figures_rows()[: MAX_RUNS + 1])
    ended = [row for row in rows[:MAX_RUNS] if row[0] not in UNFINISHED]
    times = sorted(row[2] for row in ended if row[2] is not None)
    currencies = Counter(row[5] for row in ended if row[4] is not None)
    currency = currencies.most_common(1)[0][0] if currencies else ""
    costs = [row[4] for row in ended if row[4] is not None and row[5] == currency]
    started = [row[1] for row in ended]
    good = (RunStatus.SUCCEEDED, RunStatus.PARTIAL_SUCCEEDED)
    return VersionFigures(
        runs=len(ended),
        more=len(rows) > MAX_RUNS,
        first=min(started, default=None),
        last=max(started, default=None),
        succeeded=sum(row[0] in good for row in ended),
        median_us=percentile(times, 50),
        p95_us=percentile(times, 95),
        tokens=round(sum(row[3] for row in ended) / len(ended)) if ended else None,
        cost=sum(costs, Decimal(0)) / len(costs) if costs else None,
        currency=currency,
    )


def model_changes(a: Version, b: Version) -> list[ComparedFact]:
    """Nodes that both have and that call other models in one, over the newest runs of each. Four
    queries."""
    before, after = _models(a), _models(b)
    told = (ComparedFact(title, before[key, title], found) for (key, title), found in after.items()
            if (key, title) in before)  # fmt: skip
    return [fact for fact in told if fact.differs][:MAX_NODES]


def _models(version: Version) -> dict[tuple[str, str], str]:
    """The models that each node, by id and title, has called."""
    chosen: list[UUID] = []
    steps = 0
    for run_id, count in Run.objects.newest_of_version(version.app, version)[:MODEL_RUNS]:
        steps += count
        if chosen and steps > MODEL_STEPS:
            break
        chosen.append(run_id)
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for node_id, title, model in NodeExecution.objects.models_by_node(chosen)[:MODEL_STEPS]:
        found[node_id, visible(title)].append(visible(model))
    return {key: ", ".join(models) for key, models in found.items()}


def compared_version_figures(a: VersionFigures, b: VersionFigures) -> list[ComparedFigure]:
    rates = a.success_rate, b.success_rate
    money = _money(a.currency), _money(b.currency)
    return [
        ComparedFigure("Runs looked at", _runs(a), _runs(b)),
        ComparedFigure("Success rate", _percent(rates[0]), _percent(rates[1]), _points(*rates)),
        compared_figure("Median time", a.median_us, b.median_us, formats.duration),
        compared_figure("p95 time", a.p95_us, b.p95_us, formats.duration),
        compared_figure("Tokens per run", a.tokens, b.tokens, formats.tokens),
        compared_figure("Cost per run", a.cost, b.cost, money[0])
        if a.currency == b.currency
        else ComparedFigure("Cost per run", money[0](a.cost), money[1](b.cost)),
    ]


def _runs(one: VersionFigures) -> str:
    return f"{one.runs} newest" if one.more else str(one.runs)


def _money(currency: str) -> Callable[[Decimal | None], str]:
    return lambda cost: formats.money(cost, currency or "USD")


def _percent(rate: float | None) -> str:
    return formats.NO_VALUE if rate is None else f"{rate:.1f} %"


def _points(a: float | None, b: float | None) -> str:
    if a is None or b is None or round(a, 1) == round(b, 1):
        return ""
    return f"{b - a:+.1f} points".replace("-", "−")


def version_figures_json(one: VersionFigures) -> dict[str, Any]:
    return {
        "runs": one.runs,
        "more": one.more,
        "first_run_at": iso_time(one.first),
        "last_run_at": iso_time(one.last),
        "success_rate": None if one.success_rate is None else round(one.success_rate, 2),
        "median_us": one.median_us,
        "p95_us": one.p95_us,
        "tokens_per_run": one.tokens,
        "cost_per_run": {"amount": decimal_text(one.cost), "currency": one.currency or None},
    }
