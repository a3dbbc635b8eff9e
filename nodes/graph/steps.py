"""The steps of runs from which graphs are made, built from light rows. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from nodes.clock import hex_id, to_us
from nodes.light_step import LIGHT_COLUMNS, LightStep

# What `steps_by_run` reads of each execution beside the columns of a light row.
GRAPH_COLUMNS = (
    "hex_run", "source_id", "parent_source_id", "title", "taken", "hints", "index", "started_at",
    "ended_at",
)  # fmt: skip
_RUN, _SOURCE_ID = (len(LIGHT_COLUMNS) + GRAPH_COLUMNS.index(c) for c in ("hex_run", "source_id"))


@dataclass(slots=True, eq=False)
class GraphStep(LightStep):
    """One execution; not frozen: a graph reads thousands, and that would triple the time to make
    them. `parent_id` is the visible step above; `ran_after` has ids of steps whose end this one
    waited for; `taken` is the branch that it chose; `fan_out` numbers the items of a parallel
    fan-out that a framework may have run one after the other. Times in microseconds since the
    epoch; `index` is the place in pre-order."""

    title: str = ""
    started_us: int | None = None
    ended_us: int | None = None
    taken: str = ""
    ran_after: tuple[str, ...] = ()
    fan_out: int | None = None
    index: int = 0

    @property
    def lasted_us(self) -> int | None:
        if self.started_us is None or self.ended_us is None:
            return None
        return self.ended_us - self.started_us

    @property
    def key(self) -> str:
        """Return what two executions of the same node have in common: its id, else its title and
        kind."""
        return self.node_id or f"{self.title} ({self.kind})"


def steps_by_run(rows: Iterable[tuple[Any, ...]]) -> dict[str, list[GraphStep]]:
    """Return light rows with GRAPH_COLUMNS as {run id, with dashes: its steps in pre-order}."""
    runs: dict[str, list[tuple[Any, ...]]] = {}
    for row in rows:
        runs.setdefault(row[_RUN], []).append(row)
    return {str(UUID(run_id)): _graph_steps(rows) for run_id, rows in runs.items()}


def _graph_steps(rows: list[tuple[Any, ...]]) -> list[GraphStep]:
    ids = {row[_SOURCE_ID]: hex_id(row[0]) for row in rows}
    steps = [step for row in rows if (step := _graph_step(row, ids)) is not None]
    _find_senders(steps)
    return sorted(steps, key=lambda step: (step.index, step.id))


def _find_senders(steps: list[GraphStep]) -> None:
    """Replace names of nodes in `ran_after` by executions. Some producers (Haystack) name the nodes
    that may send to a step: of each the sender is the newest execution that had ended, unless the
    step's own node has run since then."""
    ids = {step.id for step in steps}
    newest: dict[tuple[str, str], GraphStep] = {}
    for step in sorted(steps, key=lambda step: (step.started_us or 0, step.index)):
        if step.ran_after:
            before = newest.get((step.parent_id, step.key))
            since = -1 if before is None else before.started_us or 0
            senders = [source for source in step.ran_after if source in ids]
            for name in step.ran_after:
                sender = newest.get((step.parent_id, name))
                if sender and since < (sender.ended_us or 0) <= (step.started_us or 0):
                    senders.append(sender.id)
            step.ran_after = tuple(senders)
        newest[step.parent_id, step.key] = step


def _graph_step(row: tuple[Any, ...], ids: dict[str, str]) -> GraphStep | None:
    """Return a row as a step; None for an entry of an agent's log, which is no node of a graph."""
    (
        step_id, parent_id, node_id, kind, status, iteration, _, _, parent_source, title, taken,
        hints, index, started, ended,
    ) = row  # fmt: skip
    known = _decoded_hints(hints) if hints else {}
    if "in_log" in known:
        return None
    ran_after, fan_out = _order_hints(known, parent_source) if known else ((), None)
    return GraphStep(
        hex_id(step_id),
        hex_id(parent_id),
        node_id,
        kind,
        status,
        iteration,
        title,
        to_us(started),
        to_us(ended),
        taken,
        tuple(ids.get(source, source) for source in ran_after) if ran_after else (),
        fan_out,
        index,
    )


def _decoded_hints(text: str) -> dict[str, Any]:
    try:
        hints = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return hints if isinstance(hints, dict) else {}


def _order_hints(hints: dict[str, Any], parent_source: str) -> tuple[Sequence[str], int | None]:
    """Return what stored hints say of the order: the producer's ids of the steps, or names of the
    nodes, that a step waited for, and its number in a fan-out."""
    sources = hints.get("ran_after") or []
    ran_after = [str(source) for source in sources] if isinstance(sources, list) else []
    if hints.get("chained"):
        ran_after.append(parent_source)
    fan_out = hints.get("fan_out_index")
    return ran_after, fan_out if isinstance(fan_out, int) else None
