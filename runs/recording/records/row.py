"""One execution while it is being recorded: the row of `nodes.NodeExecution` as plain data. Pure.

Rows are merged from every record about the step. The merge takes each field by itself and is
commutative, associative and idempotent, so that order, splitting and repetition of what arrives
cannot matter: a known value beats a missing one, a finished status beats a started one, times
widen, and where two messages contradict each other the one whose producer stands nearer to the
engine wins (`NodeRecord.rank`, kept in the hints), else the greater value.
"""

from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any

from runs.recording.records.moments import without_repetitions
from runs.recording.records.record import Cost, RunFacts

# Finished beats started; among ends, the worse news beats the better.
STATUS_RANK = {
    "": 0, "running": 1, "paused": 2, "stopped": 3, "succeeded": 4, "retry": 5, "exception": 6,
    "failed": 7,
}  # fmt: skip


@dataclass(slots=True, eq=False)
class ExecutionRow:
    """Columns of a node execution. Ids are 32 hex digits, times microseconds since the epoch;
    `hints` is what `NodeRecord` says for the tree and about the run, as JSON. A status and a node
    id as reported by the producer are `told_…`; what is derived from them has the plain name."""

    id: str
    source_id: str
    parent_source_id: str
    service: str
    title: str
    kind: str
    told_node_id: str
    told_status: str
    started_us: int | None
    ended_us: int | None
    model: str
    provider: str
    input_tokens: int | None
    output_tokens: int | None
    cached_tokens: int | None
    cache_write_tokens: int | None
    reasoning_tokens: int | None
    total_tokens: int | None
    cost: Decimal | None
    cost_currency: str
    cost_reported: bool
    error: str
    error_type: str
    attempt: int
    taken: str
    hints: dict[str, Any]
    inputs_preview: str
    outputs_preview: str
    inputs_id: str | None
    outputs_id: str | None
    process_data_id: str | None
    received_body: bytes | None
    resource_id: str | None
    prompt_digest: int | None = None
    # Set by `derive`.
    node_id: str = ""
    status: str = ""
    folded: bool = False
    counted: bool = False
    parent_id: str | None = None
    orphan: bool = False
    depth: int = 0
    index: int = 0
    iteration: str = ""
    self_us: int | None = None
    # None: not stored yet; else the derived values as they are stored.
    stored: tuple[Any, ...] | None = field(default=None, repr=False)
    changed: bool = field(default=False, repr=False)  # by a merge, since it was loaded

    @property
    def duration_us(self) -> int | None:
        if self.started_us is None or self.ended_us is None:
            return None
        return max(0, self.ended_us - self.started_us)

    @property
    def reported_start_us(self) -> int | None:
        """Return the start as its producer told it, whatever follows from other steps."""
        times = self.hints.get("reported_times")
        return times[0] if times else self.started_us

    @property
    def ended(self) -> bool:
        return self.ended_us is not None or STATUS_RANK.get(self.told_status, 4) > 2

    @property
    def has_result(self) -> bool:
        """Return whether the step returned anything: an empty object or list is no result."""
        return bool(self.outputs_id) and self.outputs_preview not in ("{}", "[]")

    @property
    def facts(self) -> RunFacts:
        return facts_from_hints(self.hints)

    def derived(self) -> tuple[Any, ...]:
        """Return the derived values, to see whether they changed."""
        return (
            self.node_id, self.status, self.folded, self.counted, self.parent_id, self.orphan,
            self.depth, self.index, self.iteration, self.self_us, self.started_us, self.ended_us,
        )  # fmt: skip


RETRY = "/retry/"


def retry_source_id(execution_id: str, attempt: int) -> str:
    """Return the id of a failed attempt that was tried again: all attempts of a node share the id
    of its execution."""
    return f"{execution_id[:110]}{RETRY}{attempt}"


def step_of_attempt(row: ExecutionRow) -> tuple[str, bool]:
    """Return the source id of the step that a row is a failed attempt of, which was tried again,
    and True; of any other row its own, and False."""
    step, is_attempt, _ = row.source_id.rpartition(RETRY)
    return (step, True) if is_attempt else (row.source_id, False)


def attempt_number(row: ExecutionRow) -> int:
    """Return the number of an attempt as reported: 1 for the first."""
    return int(row.hints.get("attempt") or 1)


def facts_from_hints(hints: dict[str, Any]) -> RunFacts:
    """Return the run facts that a row's hints hold as JSON."""
    facts = hints.get("run")
    if not facts:
        return RunFacts()
    cost = facts.get("reported_cost")
    return RunFacts(
        **{
            **facts,
            "reported_cost": Cost(Decimal(cost[0]), cost[1]) if cost else None,
            "tags": tuple(facts.get("tags", ())),
            "source_ids": tuple((kind, value) for kind, value in facts.get("source_ids", ())),
        }
    )


# Fields of a record that have another name here.
COLUMN_BY_FIELD = {
    "node_id": "told_node_id", "inputs": "inputs_id", "outputs": "outputs_id",
    "process_data": "process_data_id", "received": "received_body",
}  # fmt: skip
# Text that belongs together with a payload reference is taken from the same side.
_PAIRED = {"inputs_preview": "inputs_id", "outputs_preview": "outputs_id"}
_MERGED = tuple(
    item.name
    for item in fields(ExecutionRow)
    if item.name
    not in (
        "id", "source_id", "node_id", "status", "folded", "counted", "parent_id", "orphan",
        "depth", "index", "iteration", "self_us", "stored", "changed", "cost",
        "cost_currency", "cost_reported",
    )
)  # fmt: skip


# Hints that nobody reported: where a computed price is from, and what follows from the whole run
# (see `deriving.turns`).
DERIVED_HINTS = ("price", "turn", "after_answer")

# Columns that a step's logs may fill (see `storing.log_merging`), each with its empty value.
LOG_COLUMNS: dict[str, Any] = {
    "title": "", "kind": "span", "model": "", "provider": "", "input_tokens": None,
    "output_tokens": None, "cached_tokens": None, "cache_write_tokens": None,
    "reasoning_tokens": None, "total_tokens": None, "error": "", "error_type": "",
    "prompt_digest": None, "inputs_preview": "", "outputs_preview": "", "inputs_id": None,
    "outputs_id": None, "started_us": None, "ended_us": None,
}  # fmt: skip


def fill_from_logs(row: ExecutionRow, from_logs: ExecutionRow) -> None:
    """Fill the columns of `LOG_COLUMNS` that are empty in `row`; note which they were in
    `hints["assembled"]`, so that a merge can empty them again."""
    filled = []
    for name, empty in LOG_COLUMNS.items():
        value = getattr(from_logs, name)
        if getattr(row, name) == empty and value != empty:
            setattr(row, name, value)
            filled.append(name)
    row.hints["assembled"] = filled


def _empty_log_columns(row: ExecutionRow) -> None:
    for name in row.hints.pop("assembled", ()):
        setattr(row, name, LOG_COLUMNS[name])


def set_times(row: ExecutionRow, started_us: int | None, ended_us: int | None) -> None:
    """Set start and end as they follow from other steps; note those reported in
    `hints["reported_times"]`, so that a merge can restore them."""
    row.hints.setdefault("reported_times", [row.started_us, row.ended_us])
    row.started_us, row.ended_us = started_us, ended_us


def restore_times(row: ExecutionRow) -> None:
    row.hints.pop("clock", None)
    if (times := row.hints.pop("reported_times", None)) is not None:
        row.started_us, row.ended_us = times


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One log in a row's hints, as text that sorts by time: 20 digits of nanoseconds, "!" where it
    says something about the step's values, else "-", and the id of its payload."""

    time_ns: int
    tells: bool
    payload_id: str

    def __str__(self) -> str:
        return f"{self.time_ns:020d}{'!' if self.tells else '-'}{self.payload_id}"

    @classmethod
    def from_text(cls, text: str) -> "LogEntry":
        return cls(int(text[:20]), text[20] == "!", text[21:])


def merge_row(row: ExecutionRow, other: ExecutionRow) -> bool:
    """Merge into `row` what `other`, a row of the same step, knows more. Return whether `row`
    changed."""
    changed = False
    derived = _take_derived(row)
    _take_derived(other)
    ranks = (row.hints.get("rank", {}), other.hints.get("rank", {}))
    hints = _merged_hints(row, other, ranks)
    for name in _MERGED:
        ours, theirs = getattr(row, name), getattr(other, name)
        if ours == theirs:
            continue
        best: Any
        if name in _PAIRED:
            best = _paired_preview(_PAIRED[name], name, row, other, ranks)
        elif name == "hints":
            best = hints
        else:
            best = _better(name, ours, theirs, ranks)
        if best != ours:
            setattr(row, name, best)
            changed = True
    changed = _merge_cost(row, other) or changed
    row.hints.update(derived)
    if changed:
        row.hints.pop("price", None)  # it is priced again
    return changed


def _take_derived(row: ExecutionRow) -> dict[str, Any]:
    """Leave in a row what was reported of it, and return the hints that nobody reported."""
    if "reported_times" in row.hints:
        restore_times(row)
    if "assembled" in row.hints:
        _empty_log_columns(row)
    return {name: row.hints.pop(name) for name in DERIVED_HINTS if name in row.hints}


def _merge_cost(row: ExecutionRow, other: ExecutionRow) -> bool:
    """Merge two costs: a reported cost beats one that Waylog computed, which is computed anew from
    the merged usage."""
    if not other.cost_reported or other.cost is None:
        return False
    ours = (row.cost, row.cost_currency)
    if row.cost_reported and row.cost is not None and ours >= (other.cost, other.cost_currency):
        return False
    row.cost, row.cost_currency, row.cost_reported = other.cost, other.cost_currency, True
    return True


# Of either side, how near the producer of each field stands to the engine.
_Ranks = tuple[dict[str, int], dict[str, int]]


def _better(name: str, ours: Any, theirs: Any, ranks: _Ranks) -> Any:
    if theirs in (None, "") or (name == "kind" and theirs == "span"):
        return ours
    if ours in (None, "") or (name == "kind" and ours == "span"):
        return theirs
    our_rank, their_rank = ranks[0].get(name, 0), ranks[1].get(name, 0)
    if our_rank != their_rank:
        return ours if our_rank > their_rank else theirs
    if name == "started_us":
        return min(ours, theirs)
    if name == "told_status":
        return max(ours, theirs, key=lambda status: (STATUS_RANK.get(status, 0), status))
    return max(ours, theirs)


def _paired_preview(
    reference: str, name: str, row: ExecutionRow, other: ExecutionRow, ranks: _Ranks
) -> str:
    """Return the preview of the payload that is kept. Previews stand before references in
    `ExecutionRow`, so that both sides' references are still untouched here."""
    ours, theirs = getattr(row, reference), getattr(other, reference)
    if ours == theirs:
        return max(str(getattr(row, name)), str(getattr(other, name)))
    kept = row if _better(reference, ours, theirs, ranks) == ours else other
    return str(getattr(kept, name))


def _merged_hints(row: ExecutionRow, other: ExecutionRow, ranks: _Ranks) -> dict[str, Any]:
    """Return the hints of both sides; a field's rank is that of the side whose value is kept."""
    hints: dict[str, Any] = _merge_json(row.hints, other.hints)
    if "moments" in hints:
        hints["moments"] = without_repetitions(hints["moments"])
    if "rank" in hints:
        sides = ((row, ranks[0]), (other, ranks[1]))
        hints["rank"] = {
            name: max((rank.get(name, 0) for side, rank in sides if getattr(side, name)), default=0)
            for name in hints["rank"]
        }
    return hints


def _merge_json(ours: Any, theirs: Any) -> Any:
    """Merge two JSON values key by key; lists of ids are united; of contradictions the greater
    counts."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        # What only one side has is merged with itself, which puts its lists in order, too.
        return {
            key: (_greater_cost if key == "reported_cost" else _merge_json)(
                ours.get(key, theirs.get(key)), theirs.get(key, ours.get(key)))
            for key in sorted(ours.keys() | theirs.keys())
        }  # fmt: skip
    if isinstance(ours, list) and isinstance(theirs, list):
        return sorted([*ours, *(item for item in theirs if item not in ours)], key=repr)
    return max(ours, theirs, key=lambda value: (value is not None, repr(value)))


def _greater_cost(ours: Any, theirs: Any) -> Any:
    """Return the greater of two costs, each a list of amount and currency, as a whole."""
    return max(ours, theirs, key=lambda cost: (Decimal(cost[0]), *cost))
