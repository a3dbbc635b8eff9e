"""One node over time: its executions in all runs and versions, and their totals."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

from django.db.models.functions import Left

from nodes.aggregates import add_costs, percentile
from nodes.choices import FAILURES, NodeStatus
from nodes.kinds import NodeKind
from nodes.models import NodeExecution
from runs.models import App, Version
from runs.pages.prompts.observed_prompts import digest_key
from runs.paging import Order, Page, page_of

MAX_EXECUTIONS = 100
# A filter looks through so many executions at a time; older ones are one link away.
SEARCHED = 10_000
MAX_ERROR = 2_000
ORDER = Order("started_at")

_FIELDS = (
    "id", "run_id", "app_id", "title", "node_id", "kind", "status", "started_at", "ended_at",
    "duration_us", "self_us", "model", "provider", "input_tokens", "output_tokens",
    "cached_tokens", "reasoning_tokens", "total_tokens", "cost", "cost_currency", "counted",
    "folded", "iteration", "attempt", "taken", "error_type", "inputs_preview", "outputs_preview",
    "parent_id", "depth", "index", "source_id", "prompt_digest", "run__id", "run__app_id",
    "run__status", "run__version__number", "run__version__label",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class NodeFigures:
    """What the executions on a page add up to. Times in µs; tokens and costs (by currency) are
    those that count in the totals of runs, `priced` of the executions had any."""

    count: int
    ended: int
    succeeded: int
    p50_us: int | None
    p95_us: int | None
    tokens: int
    costs: dict[str, Decimal]
    priced: int

    @property
    def success_percent(self) -> int | None:
        """Return the share of successes, rounded down, so that 100 means all."""
        return self.succeeded * 100 // self.ended if self.ended else None


@dataclass(frozen=True, slots=True)
class NodeHistoryRow:
    """An execution in the list. `height` of its bar, in percent; `over`: it took longer than the
    chart is high. `version_before`: the version of the next older one, where that is another;
    `prompt` and `prompt_before`: the keys of their system prompts, where these differ."""

    execution: NodeExecution
    height: int
    over: bool
    boundary: bool
    version_before: Version | None
    prompt: str = ""
    prompt_before: str = ""


@dataclass(frozen=True, slots=True)
class NodeHistory:
    """A page of the executions of a node. `top_us`: the height of the chart; `searched`: a filter
    looked no further back than this time."""

    app: App
    node_id: str
    title: str
    kind: NodeKind
    page: Page[NodeExecution]
    lines: list[NodeHistoryRow]
    figures: NodeFigures
    top_us: int
    searched: datetime | None

    @property
    def oldest_first(self) -> list[NodeHistoryRow]:
        return self.lines[::-1]


def node_history(
    app: App,
    node_id: str,
    *,
    status: str = "",
    version: Version | None = None,
    after: str = "",
    size: int = MAX_EXECUTIONS,
) -> NodeHistory | None:
    """Return the newest `size` executions, or those after the cursor `after`; None for a node that
    has not run.
    `status`: one of `NodeStatus`, or "failures": failed for good, whether or not it was handled.
    Four queries at most. Raises BadCursor."""
    executions = NodeExecution.objects.of_node(app.pk, node_id)
    rows, searched = executions, None
    if status or version:
        searched = _search_horizon(executions, after)
        rows = rows.filter(started_at__gte=searched[0]) if searched else rows
        wanted = FAILURES if status == "failures" else {status}
        rows = rows.filter(status__in=wanted) if status else rows
        rows = rows.filter(run__version=version) if version else rows
    page = page_of(_load_page(rows), ORDER, after, size)
    known = page.rows[0] if page.rows else executions.only("title", "kind", "folded").first()
    if known is None:
        return None
    if searched and not page.next:
        page = Page(page.rows, searched[1], page.first)
    for execution in page.rows:
        execution.error = execution.error_head
    figures = _node_figures(page.rows)
    top = _longest_bar(page.rows, figures)
    reached = searched[0] if searched else None
    return NodeHistory(
        app,
        node_id,
        known.title,
        known.kind_info,
        page,
        list(_history_rows([*page.rows, page.beyond], top)),
        figures,
        top,
        reached,
    )


def _load_page(executions: Any) -> Any:
    rows = executions.select_related("run__version").only(*_FIELDS)
    return rows.annotate(error_head=Left("error", MAX_ERROR))


def _search_horizon(executions: Any, after: str) -> tuple[datetime, str] | None:
    """Return how far back a filter looks, and the cursor from there on; None: to the very first
    execution."""
    stretch = ORDER.stretches(executions, after)[0].only("id", "started_at")
    last = stretch[SEARCHED - 1 : SEARCHED].first()
    return (last.started_at, ORDER.cursor(last)) if last and last.started_at else None


def _node_figures(executions: list[NodeExecution]) -> NodeFigures:
    statuses = Counter(execution.status for execution in executions)
    times = sorted(
        execution.duration_us for execution in executions if execution.duration_us is not None
    )
    counted = [execution for execution in executions if execution.counted]
    return NodeFigures(
        len(executions),
        len(executions) - statuses[NodeStatus.RUNNING] - statuses[NodeStatus.PAUSED],
        statuses[NodeStatus.SUCCEEDED],
        percentile(times, 50),
        percentile(times, 95),
        sum(execution.total_tokens or 0 for execution in counted),
        add_costs((execution.cost_currency, execution.cost) for execution in counted),
        sum(execution.cost is not None for execution in counted),
    )


def _longest_bar(executions: list[NodeExecution], figures: NodeFigures) -> int:
    """Return the height of the chart in µs: a single slow execution must not flatten all others."""
    longest = max((execution.duration_us or 0 for execution in executions), default=0)
    return min(longest, 2 * (figures.p95_us or longest)) or longest or 1


def _history_rows(executions: Sequence[NodeExecution | None], top: int) -> Iterator[NodeHistoryRow]:
    """Yield a row for each execution but the last, which is the first of the next page."""
    for execution, older in pairwise(executions):
        if execution is None:
            continue
        version, version_before = execution.run.version, older.run.version if older else None
        lasted = execution.duration_us or 0
        height = min(100, max(4, lasted * 100 // top))
        yield NodeHistoryRow(
            execution,
            height,
            lasted > top,
            older is not None and version != version_before,
            version_before,
            *_changed_prompt(execution, older),
        )


def _changed_prompt(execution: NodeExecution, older: NodeExecution | None) -> tuple[str, str]:
    now, before = execution.prompt_digest, older.prompt_digest if older else None
    if now is None or before is None or now == before:
        return "", ""
    return digest_key(now), digest_key(before)
