"""Compare how the newest runs of two versions went: success, times, tokens, cost and models."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
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
MODEL_RUNS, MODEL_STEPS = 50, 10_000  # how many are read to learn which models nodes call
MAX_NODES = 50


@dataclass(frozen=True, slots=True)
class VersionFigures:
    """Figures of the newest finished runs of a version: `runs` of them, at most MAX_RUNS (`more`:
    there are others). Times are in microseconds. Tokens and cost are means per run; the cost is
    that of the runs priced in `currency`, the currency of most. None stands for unknown."""

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
        """Return percent. Runs that succeeded in part count as successes: their failures were
        handled."""
        return self.succeeded * 100 / self.runs if self.runs else None


def version_figures(version: Version) -> VersionFigures:
    """Return the figures of a version's newest runs. One query."""
    rows = list(Run.objects.ran_as(version).figures_rows()[: MAX_RUNS + 1])
    ended = [row for row in rows[:MAX_RUNS] if row[0] not in UNFINISHED]
    times = sorted(row[2] for row in ended if row[2] is not None)
    currencies = Counter(row[5] for row in ended if row[4] is not None)
    currency = currencies.most_common(1)[0][0] if currencies else ""
    costs = [row[4] for row in ended if row[4] is not None and row[5] == currency]
    started = [row[1] for row in ended]
    successes = (RunStatus.SUCCEEDED, RunStatus.PARTIAL_SUCCEEDED)
    return VersionFigures(
        runs=len(ended),
        more=len(rows) > MAX_RUNS,
        first=min(started, default=None),
        last=max(started, default=None),
        succeeded=sum(row[0] in successes for row in ended),
        median_us=percentile(times, 50),
        p95_us=percentile(times, 95),
        tokens=round(sum(row[3] for row in ended) / len(ended)) if ended else None,
        cost=sum(costs, Decimal(0)) / len(costs) if costs else None,
        currency=currency,
    )


def model_changes(a: Sequence[UUID], b: Sequence[UUID]) -> list[ComparedFact]:
    """Return the nodes that called other models in the runs `b` than in the runs `a`. Two
    queries."""
    before, after = _models_by_node(a), _models_by_node(b)
    facts = (
        ComparedFact(title, before[node_id, title], models)
        for (node_id, title), models in after.items()
        if (node_id, title) in before
    )
    return [fact for fact in facts if fact.differs][:MAX_NODES]


def _models_by_node(chosen: Sequence[UUID]) -> dict[tuple[str, str], str]:
    """Return the models that each node, by (id, title), has called, separated by commas."""
    models_by_node: dict[tuple[str, str], list[str]] = defaultdict(list)
    for node_id, title, model in NodeExecution.objects.models_by_node(chosen)[:MODEL_STEPS]:
        models_by_node[node_id, visible(title)].append(visible(model))
    return {node: ", ".join(models) for node, models in models_by_node.items()}


def compared_version_figures(a: VersionFigures, b: VersionFigures) -> list[ComparedFigure]:
    rates = a.success_rate, b.success_rate
    money = _money_format(a.currency), _money_format(b.currency)
    return [
        ComparedFigure("Runs compared", _run_count(a), _run_count(b)),
        ComparedFigure(
            "Success rate", _rate_text(rates[0]), _rate_text(rates[1]), _point_change(*rates)
        ),
        compared_figure("Median time", a.median_us, b.median_us, formats.duration),
        compared_figure("p95 time", a.p95_us, b.p95_us, formats.duration),
        compared_figure("Tokens per run", a.tokens, b.tokens, formats.tokens),
        compared_figure("Cost per run", a.cost, b.cost, money[0])
        if a.currency == b.currency
        else ComparedFigure("Cost per run", money[0](a.cost), money[1](b.cost)),
    ]


def _run_count(figures: VersionFigures) -> str:
    return f"{figures.runs} newest" if figures.more else str(figures.runs)


def _money_format(currency: str) -> Callable[[Decimal | None], str]:
    return lambda cost: formats.money(cost, currency or "USD")


def _rate_text(rate: float | None) -> str:
    return formats.NO_VALUE if rate is None else f"{rate:.1f} %"


def _point_change(a: float | None, b: float | None) -> str:
    """Return the change from `a` to `b` in percentage points, "" where there is none to show."""
    if a is None or b is None or round(a, 1) == round(b, 1):
        return ""
    return f"{b - a:+.1f} points".replace("-", "−")


def version_figures_json(figures: VersionFigures) -> dict[str, Any]:
    return {
        "runs": figures.runs,
        "more": figures.more,
        "first_run_at": iso_time(figures.first),
        "last_run_at": iso_time(figures.last),
        "success_rate": None if figures.success_rate is None else round(figures.success_rate, 2),
        "median_us": figures.median_us,
        "p95_us": figures.p95_us,
        "tokens_per_run": figures.tokens,
        "cost_per_run": {
            "amount": decimal_text(figures.cost),
            "currency": figures.currency or None,
        },
    }


def newest_runs(version: Version) -> list[UUID]:
    """Return ids of the newest runs of a version that have MODEL_STEPS steps together, one at
    least. One query."""
    chosen: list[UUID] = []
    steps = 0
    for run_id, count in Run.objects.newest_of_version(version.app, version)[:MODEL_RUNS]:
        steps += count
        if chosen and steps > MODEL_STEPS:
            break
        chosen.append(run_id)
    return chosen
