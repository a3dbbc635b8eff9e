"""Builds the run's own row from its derived steps. Pure."""

from dataclasses import dataclass
from decimal import Decimal
from operator import attrgetter
from typing import Any

from nodes.kinds import kind_of
from runs.recording.deriving.fingerprint import ErrorFingerprint
from runs.recording.deriving.outcome import Outcome
from runs.recording.deriving.passes import count_passes
from runs.recording.deriving.tree import Tree
from runs.recording.deriving.turns import input_row, output_row
from runs.recording.records.record import RunFacts
from runs.recording.records.row import ExecutionRow, facts_from_hints

# The most that the column holds, numeric(20, 10), in digits that SQLite keeps exactly.
MAX_COST = Decimal("9999999999.9999")


@dataclass(slots=True)
class Summary:
    """Columns of `runs.Run` that follow from its steps; `facts` name its version and conversation,
    which are looked up later; `failure`: what a failed run has in common with others."""

    service: str
    facts: RunFacts
    columns: dict[str, Any]
    of_dify: bool  # the run is known by an id of Dify's
    failure: ErrorFingerprint | None = None


def summarize(tree: Tree, outcome: Outcome) -> Summary:
    """Return the columns of a run, from its tree and its outcome."""
    sources = _roots_first(tree)
    facts = _first_facts(sources)
    started, ended = _times(tree, outcome, facts.reported_duration_us)
    first, last = input_row(tree), output_row(tree, outcome.status)
    tokens, cost = _reported(tree, facts)
    columns = {
        "name": (facts.name or "")[:255],
        "mode": facts.mode or _derived_mode(tree, sources, facts),
        "status": outcome.status,
        "started_us": started,
        "ended_us": ended,
        "duration_us": max(0, ended - started)
        if started is not None and ended is not None
        else None,
        "user": (facts.user or "")[:200],
        "trigger": (facts.trigger or "")[:50],
        "environment": (facts.environment or "")[:100],
        "tags": sorted(set(facts.tags)),
        "inputs_id": first.inputs_id if first else None,
        "inputs_preview": first.inputs_preview if first else "",
        "outputs_id": last.outputs_id if last else None,
        "outputs_preview": last.outputs_preview if last else "",
        "error": outcome.error,
        "failed_execution": outcome.failed_row.id if outcome.failed_row else None,
        "failed_node_id": outcome.failed_row.node_id if outcome.failed_row else "",
        "failed_title": outcome.failed_row.title if outcome.failed_row else "",
        "reported_tokens": tokens,
        "reported_cost": cost,
        "reported_duration_us": facts.reported_duration_us,
        "only_transport": all(_is_transport(row) for row in tree.rows),
        **_totals(tree, tokens),
        **_counts(tree),
    }
    of_dify = _is_of_dify(tree.runs)
    return Summary(_service_of(sources), facts, columns, of_dify, _fingerprint_of(tree, outcome))


def _service_of(sources: list[ExecutionRow]) -> str:
    """Return the name of the app: that of the first row, unless another one ranks higher, as where
    the first has the app's id alone."""
    return max(sources, key=lambda row: row.hints.get("rank", {}).get("service", 0)).service


def _fingerprint_of(tree: Tree, outcome: Outcome) -> ErrorFingerprint | None:
    """Return the fingerprint of the step that ended the run; where no step is known, of the run.
    Failures that were handled did not end it."""
    if outcome.status != "failed":
        return None
    row = outcome.failed_row
    if row is None:
        span = next((row for row in tree.runs if row.error), None)
        return ErrorFingerprint.of("", "", span.error_type if span else "", outcome.error)
    return ErrorFingerprint.of(row.node_id, row.title, row.error_type, row.error or outcome.error)


def _is_transport(row: ExecutionRow) -> bool:
    return bool(row.hints.get("transport")) and row.kind in ("span", "http-request")


def _is_of_dify(runs: list[ExecutionRow]) -> bool:
    return any(kind.startswith("dify") for row in runs for kind, _ in row.facts.source_ids)


def _roots_first(tree: Tree) -> list[ExecutionRow]:
    """Return run spans, other wrappers, then steps from the root down: those that know the run best
    come first."""
    run_ids = {row.source_id for row in tree.runs}
    wrappers = [row for row in tree.by_time if row.folded and row.source_id not in run_ids]
    steps = sorted((row for row in tree.by_time if not row.folded), key=attrgetter("depth"))
    return [*tree.runs, *wrappers, *steps]


def _first_facts(sources: list[ExecutionRow]) -> RunFacts:
    """Return each fact from the first row that has it."""
    facts: dict[str, Any] = {}
    for row in sources:
        for name, value in row.hints.get("run", {}).items():
            if name not in facts and name != "source_ids" and value:
                facts[name] = value
    return facts_from_hints({"run": facts})


def _derived_mode(tree: Tree, sources: list[ExecutionRow], facts: RunFacts) -> str:
    """Return "chatflow" for an agent that talks in a conversation; everything else is run once."""
    if tree.turns:
        return "chatflow"
    return "chatflow" if facts.conversation and sources[0].kind == "agent" else "workflow"


def _times(tree: Tree, outcome: Outcome, reported_us: int | None) -> tuple[int | None, int | None]:
    """Return start and end, from the run's own spans where there are any, else from its parts and
    from how long it took as reported."""
    own = [row for row in tree.runs if _has_own_times(row)]
    # A workflow of Dify's is known exactly, the message around it in whole seconds.
    own = [row for row in own if row.kind == "workflow" and _is_of_dify([row])] or own
    rows = own or tree.rows
    starts = [row.started_us for row in rows if row.started_us is not None]
    ends = [row.ended_us for row in rows if row.ended_us is not None]
    finished = outcome.status not in ("running", "paused") or bool(tree.runs and tree.runs[0].ended)
    started = min(starts, default=None)
    if not finished:
        return started, None
    if not own and reported_us and started is not None and tree.runs:
        ends.append(started + reported_us)
    ended = max(ends, default=None)
    if ended is not None and own and not _is_of_dify(tree.runs):
        # A handler that returns a stream has ended long before the agent that it started. What
        # begins after the end, by its clock, may be a clock that is ahead.
        for row in tree.by_time:
            if row.started_us is not None and started is not None and row.ended_us is not None:
                ended = max(ended, row.ended_us) if started <= row.started_us <= ended else ended
    return started, ended


def _has_own_times(row: ExecutionRow) -> bool:
    is_envelope = row.hints.get("envelope") and row.ended_us is None
    return row.started_us is not None and not is_envelope


def _reported(tree: Tree, facts: RunFacts) -> tuple[int | None, Decimal | None]:
    """Return tokens and cost that the producer reports for the whole: as such, else on the run's
    own span."""
    spans = [row for row in tree.runs if row.total_tokens or row.cost]
    tokens = next((row.total_tokens for row in spans if row.total_tokens), None)
    cost = next((row.cost for row in spans if row.cost and row.cost_reported), None)
    return (
        tokens if facts.reported_tokens is None else facts.reported_tokens,
        facts.reported_cost.amount if facts.reported_cost else cost,
    )


def _totals(tree: Tree, reported_tokens: int | None) -> dict[str, Any]:
    """Return tokens and cost of the run. Where no step reports any tokens, their sum is what the
    producer reports for the whole; how many went in and came out is not known then."""
    counted = [row for row in tree.rows if row.counted]
    # Amounts in several currencies cannot be added: dollars, else the first by name, are summed;
    # the rest counts as not priced.
    currencies = sorted(
        {row.cost_currency for row in tree.with_cost}, key=lambda name: (name != "USD", name)
    )
    currency = currencies[0] if currencies else ""
    costs = [row.cost for row in tree.with_cost if row.cost_currency == currency]
    unpriced = tree.unpriced + len(tree.with_cost) - len(costs)
    cost = sum((amount for amount in costs if amount), Decimal(0))
    return {
        "input_tokens": sum(row.input_tokens or 0 for row in counted),
        "output_tokens": sum(row.output_tokens or 0 for row in counted),
        "cached_tokens": sum(row.cached_tokens or 0 for row in counted),
        "reasoning_tokens": sum(row.reasoning_tokens or 0 for row in counted),
        "total_tokens": sum(row.total_tokens or 0 for row in counted) or reported_tokens or 0,
        "cost": min(cost, MAX_COST) if costs else None,
        "cost_currency": currency,
        "cost_state": _cost_state(len(costs), unpriced),
    }


def _cost_state(priced: int, unpriced: int) -> str:
    """Return "priced" when everything that used something has a known cost."""
    if not unpriced:
        return "priced" if priced else "free"
    return "partly" if priced else "unpriced"


def _counts(tree: Tree) -> dict[str, int]:
    calls = [kind_of(row.kind).call for row in tree.order]
    return {
        "model_calls": calls.count("model") - len(tree.repeating),
        "tool_calls": calls.count("tool"),
        "http_calls": calls.count("http"),
        "steps": len(tree.order),
        "iterations": count_passes(tree),
        "turns": len(tree.turns) or 1,
        "retries": sum(row.status == "retry" for row in tree.order),
        "exceptions": sum(row.status == "exception" for row in tree.order),
    }
