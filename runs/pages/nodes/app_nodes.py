"""All nodes of an app over its newest runs: how often each ran, how long, and at what cost."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Q

from nodes.aggregates import add_costs, main_currency, percentile
from nodes.choices import NodeStatus
from nodes.kinds import NodeKind, kind_of
from nodes.models import NodeExecution
from runs.models import App, Run

# How many of the newest runs are read, and of how many steps in all.
MAX_RUNS, MAX_STEPS = 1_000, 20_000
SHOWN = 200

_FIELDS = ("node_id", "folded", "status", "self_us", "counted", "total_tokens", "cost",
           "cost_currency", "kind", "title")  # fmt: skip


@dataclass(slots=True)
class NodeTotals:
    """What the executions of one node add up to. `self_us`: own times, ascending. Tokens and costs
    (by currency) are those that count in the totals of runs. `node_id` is "" for usage that a run
    reported as a whole when no step reported any. `counted_costs`: (currency, cost) of each
    execution that counts. `share`: percent of the app's cost in its main currency; None where the
    node has none."""

    node_id: str
    kind_key: str
    title: str
    executions: int = 0
    failed: int = 0
    handled: int = 0
    retried: int = 0
    self_us: list[int] = field(default_factory=list)
    tokens: int = 0
    counted_costs: list[tuple[str, Decimal | None]] = field(default_factory=list)
    costs: dict[str, Decimal] = field(default_factory=dict)
    share: Decimal | None = None

    @property
    def kind(self) -> NodeKind:
        return kind_of(self.kind_key)

    @property
    def failures(self) -> int:
        """Executions that failed for good, whether or not that was handled."""
        return self.failed + self.handled

    @property
    def p50_us(self) -> int | None:
        return percentile(self.self_us, 50)

    @property
    def p95_us(self) -> int | None:
        return percentile(self.self_us, 95)

    @property
    def all_us(self) -> int:
        return sum(self.self_us)


@dataclass(frozen=True, slots=True)
class AppNodes:
    """The nodes of the `runs` newest runs, the first of which started at `since`, over their
    `steps` steps. `more_runs`: there are older runs; `cut`: the newest run alone has more steps
    than are read."""

    nodes: list[NodeTotals]
    node_count: int
    runs: int
    steps: int
    since: datetime | None
    more_runs: bool
    cut: bool
    costs: dict[str, Decimal]
    tokens: int


_ORDERS: dict[str, Callable[[NodeTotals], Any]] = {
    "cost": lambda node: (node.share or Decimal(-1), sum(node.costs.values())),
    "tokens": lambda node: node.tokens,
    "executions": lambda node: node.executions,
    "failures": lambda node: (node.failed, node.handled, node.retried),
    "time": lambda node: node.all_us,
    "p50": lambda node: node.p50_us or -1,
    "p95": lambda node: node.p95_us or -1,
}
ORDERS = [(f"-{name}", label) for name, label in [
    ("executions", "Executions"), ("failures", "Failed"), ("p50", "p50 own time"),
    ("p95", "p95 own time"), ("time", "Total own time"), ("tokens", "Tokens"), ("cost", "Cost"),
]]  # fmt: skip


def nodes_of(app: App, since: datetime | None, until: datetime | None, order: str) -> AppNodes:
    """Return the nodes of the runs that started in a range of time. `order`: a key of `ORDERS`. Two
    queries, over at most `MAX_STEPS` steps."""
    runs = Run.objects.for_app(app).started_between(since, until).order_by("-started_at", "-id")
    newest = list(runs.values_list("id", "started_at", "steps")[: MAX_RUNS + 1])
    chosen = _within_step_limit(newest[:MAX_RUNS])
    rows = list(_counted_steps([run_id for run_id, _, _ in chosen])[: MAX_STEPS + 1])
    nodes = _node_totals(rows[:MAX_STEPS])
    costs = add_costs(cost for node in nodes for cost in node.counted_costs)
    currency = main_currency(costs)
    for node in nodes:
        node.self_us.sort()
        node.costs = add_costs(node.counted_costs)
        if costs.get(currency) and currency in node.costs:
            node.share = node.costs[currency] * 100 / costs[currency]
    nodes.sort(key=lambda node: (-node.all_us, node.title))
    nodes.sort(key=_ORDERS[order.removeprefix("-")], reverse=True)
    return AppNodes(
        nodes[:SHOWN],
        len(nodes),
        len(chosen),
        len(rows[:MAX_STEPS]),
        chosen[-1][1] if chosen else None,
        len(chosen) < len(newest),
        len(rows) > MAX_STEPS,
        costs,
        sum(node.tokens for node in nodes),
    )


def _within_step_limit(runs: list[tuple[UUID, datetime, int]]) -> list[tuple[UUID, datetime, int]]:
    """Return the newest runs, (id, start, steps) each, that have at most MAX_STEPS steps together;
    one at least."""
    steps = 0
    for index, (_, _, step_count) in enumerate(runs):
        steps += step_count
        if index and steps > MAX_STEPS:
            return runs[:index]
    return runs


def _counted_steps(run_ids: list[UUID]) -> Any:
    """Return the `_FIELDS` of the visible steps, and of those wrappers whose usage counts."""
    steps = NodeExecution.objects.filter(Q(folded=False) | Q(counted=True), run__in=run_ids)
    return steps.order_by().values_list(*_FIELDS)


def _node_totals(rows: list[tuple[Any, ...]]) -> list[NodeTotals]:
    totals: dict[str, NodeTotals] = {}
    for node_id, folded, status, self_us, counted, tokens, cost, currency, kind, title in rows:
        key = "" if folded else node_id
        if (node := totals.get(key)) is None:
            node = totals[key] = NodeTotals(key, kind, "The run itself" if folded else title)
        node.executions += 1
        node.failed += status == NodeStatus.FAILED
        node.handled += status == NodeStatus.EXCEPTION
        node.retried += status == NodeStatus.RETRY
        if self_us is not None:
            node.self_us.append(self_us)
        if counted:
            node.tokens += tokens or 0
            node.counted_costs.append((currency, cost))
    return list(totals.values())
