"""A step of a run as the graph sees it, read from light rows. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

# The columns of NodeExecution that `steps_by_run` reads, in this order.
STEP_FIELDS = (
    "run_id",
    "id",
    "source_id",
    "parent_source_id",
    "parent_id",
    "node_id",
    "kind",
    "title",
    "status",
    "taken",
    "hints",
    "iteration",
    "index",
    "started_at",
    "ended_at",
)


@dataclass(frozen=True, slots=True)
class Step:
    """One execution. `parent_id` is the visible step above; `ran_after` has ids of steps whose end
    this one waited for; `taken` is the way that a branch chose; `fan_out` numbers the items of a
    parallel fan-out that a framework may have run one after the other. Times in microseconds since
    the epoch; `index` is the place in pre-order."""

    id: str
    node_id: str
    kind: str
    title: str
    parent_id: str | None = None
    started_us: int | None = None
    ended_us: int | None = None
    status: str = "succeeded"
    taken: str = ""
    ran_after: tuple[str, ...] = ()
    iteration: str = ""
    fan_out: int | None = None
    index: int = 0

    @property
    def key(self) -> str:
        """What makes two executions the same node: its id, else its title and kind."""
        return self.node_id or f"{self.title} ({self.kind})"


def steps_by_run(rows: Iterable[tuple[Any, ...]]) -> dict[str, list[Step]]:
    """Rows of STEP_FIELDS as steps: {run id: its steps in pre-order}."""
    runs: dict[str, list[dict[str, Any]]] = {}
    for values in rows:
        row = dict(zip(STEP_FIELDS, values, strict=True))
        runs.setdefault(str(row["run_id"]), []).append(row)
    return {run_id: _steps(rows) for run_id, rows in runs.items()}


def _steps(rows: list[dict[str, Any]]) -> list[Step]:
    ids = {row["source_id"]: str(row["id"]) for row in rows}
    steps = [_step(row, ids) for row in rows]
    return sorted(steps, key=lambda step: (step.index, step.id))


def _step(row: dict[str, Any], ids: dict[str, str]) -> Step:
    hints = _hints(row["hints"])
    sources = hints.get("ran_after") or []
    after = [str(source) for source in sources] if isinstance(sources, list) else []
    if hints.get("chained"):
        after.append(row["parent_source_id"])
    fan_out = hints.get("fan_out_index")
    return Step(
        id=str(row["id"]),
        node_id=row["node_id"],
        kind=row["kind"],
        title=row["title"],
        parent_id=str(row["parent_id"]) if row["parent_id"] else None,
        started_us=_microseconds(row["started_at"]),
        ended_us=_microseconds(row["ended_at"]),
        status=row["status"],
        taken=row["taken"],
        ran_after=tuple(ids[source] for source in after if source in ids),
        iteration=row["iteration"],
        fan_out=fan_out if isinstance(fan_out, int) else None,
        index=row["index"],
    )


def _hints(text: str) -> dict[str, Any]:
    try:
        hints = orjson.loads(text) if text else {}
    except orjson.JSONDecodeError:
        return {}
    return hints if isinstance(hints, dict) else {}


def _microseconds(moment: datetime | None) -> int | None:
    return None if moment is None else (moment - EPOCH) // MICROSECOND
