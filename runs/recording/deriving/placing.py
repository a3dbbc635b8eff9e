"""When steps ran of which an event stream says the second alone. Pure.

The clock of the stream (`stream_clock`) reads the events of the run in their order (`event_order`),
whichever requests brought them. Steps that another source knows exactly stay as they are, and tell
the clock when the steps around them ran.
"""

from collections.abc import Sequence

from runs.recording.deriving.event_order import events_in_order, moments_of
from runs.recording.deriving.parents import CONTAINERS, containers_of
from runs.recording.deriving.stream_clock import StreamClock
from runs.recording.records.moments import Moment
from runs.recording.records.row import ExecutionRow, restore_times, set_times, step_of_attempt


def place_in_time(rows: Sequence[ExecutionRow]) -> dict[str, ExecutionRow]:
    """Set start and end of such steps; what was reported is kept in their hints. Return source id
    of the start of a container → its end: Dify names neither by an id of its execution, so that
    each is a row."""
    for row in rows:
        restore_times(row)
    events = events_in_order(rows)
    if not events:
        return {}
    placement = _Placement({row.source_id: row for row in rows})
    for row, moment in events:
        placement.take(row, moment)
    placement.set_times()
    return placement.ended_as


def _is_known(row: ExecutionRow, name: str) -> bool:
    """Return whether another source than a stream tells a time of a step."""
    return getattr(row, name) is not None and row.hints.get("rank", {}).get(name, 0) >= 0


class _Placement:
    """Hands the events of a run to its clock. `rows` by source id."""

    def __init__(self, rows: dict[str, ExecutionRow]) -> None:
        self.rows = rows
        self.clock = StreamClock()
        self.ended_as: dict[str, ExecutionRow] = {}
        self._key: dict[str, str] = {}  # row → its key in the clock, where it is another one
        self._begun: dict[str, list[str]] = {}  # node id → its executions that have begun
        self._waits: dict[str, list[str]] = {}  # node id → what waits there for a person
        self._log: dict[str, dict[str, Moment]] = {}  # step → entries of its log, in their order

    def take(self, row: ExecutionRow, moment: Moment) -> None:
        if "in_log" in row.hints:
            self._log.setdefault(self._logging_step(row), {}).setdefault(row.source_id, moment)
        elif moment.is_end:
            self._end(row, moment)
        else:
            self._begin(row, moment.stamp_us, moment.arrived_us)

    def _begin(
        self, row: ExecutionRow, stamp_us: int | None, arrived_us: int | None = None
    ) -> None:
        inside = [key for name, _ in containers_of(row) for key in self._begun.get(name, ())[-1:]]
        for key in sorted(inside, key=lambda key: self.clock.times(key)[0]):  # the outer one first
            self.clock.begin_first_inside(key)
        if _is_known(row, "started_us"):
            stamp_us, arrived_us = row.started_us, None
        # Dify sends the events of each iteration together where several run at the same time.
        self.clock.begin(row.source_id, stamp_us, arrived_us, is_sent_later=bool(inside))
        if row.told_node_id:
            begun = self._begun.setdefault(row.told_node_id, [])
        else:
            begun = self._waits.setdefault(row.hints.get("container", ""), [])
        if row.source_id in self.clock and row.source_id not in begun[-1:]:
            begun.append(row.source_id)

    def _end(self, row: ExecutionRow, moment: Moment) -> None:
        length_us, stamp_us, arrived_us = moment.length_us, moment.stamp_us, moment.arrived_us
        if _is_known(row, "started_us") and _is_known(row, "ended_us"):
            length_us, stamp_us, arrived_us = row.duration_us, None, None
        key, is_attempt = row.source_id, False
        if row.hints.get("stand_in") and row.kind in CONTAINERS:
            key = self._begun_container(row, length_us)
            if key != row.source_id:
                self._key[row.source_id], self.ended_as[key] = key, row
        else:
            step, is_attempt = step_of_attempt(row)
            if is_attempt:
                if step not in self.clock and step in self.rows:
                    self._begin(self.rows[step], row.started_us)
                self.clock.begin_attempt(key, step)
        if key in self.clock:
            covers_all = bool(row.hints.get("is_run"))
            self.clock.end(key, length_us, stamp_us, arrived_us, covers_all)
        elif stamp_us is not None or length_us is not None:
            self.clock.end_unbegun(key, row.started_us, length_us, stamp_us)
        if row.kind == "human-input" and row.told_node_id:
            for wait in self._waits.get(row.told_node_id, ()):
                self.clock.end(wait, None, stamp_us, arrived_us)

    def _begun_container(self, row: ExecutionRow, length_us: int | None) -> str:
        """Return the start that a container's end belongs to: of those that have not ended, the
        one that is as long ago as the container took. Its own source id where there is none."""
        now = self.clock.now_us
        keys = [key for key in self._begun.get(row.told_node_id, ())
                if self.rows[key].kind == row.kind and self.clock.is_open(key)]  # fmt: skip
        return min(
            keys,
            key=lambda key: (abs(self.clock.times(key)[0] + (length_us or 0) - now), key),
            default=row.source_id,
        )

    def _logging_step(self, row: ExecutionRow) -> str:
        """Return the source id of the step whose log has this entry. Entries that were sent while
        an agent worked may name its node in the graph instead (Dify 1.14): of its executions, the
        last that had begun."""
        seen = set()
        while "in_log" in row.hints and row.source_id not in seen:
            seen.add(row.source_id)
            above = self.rows.get(row.parent_source_id)
            if above is None:
                named = row.hints["in_log"]
                begun = self._begun.get(named, ())
                return named if named in self.rows or not begun else begun[-1]
            row = above
        return row.source_id

    def set_times(self) -> None:
        for row in self.rows.values():
            key = self._key.get(row.source_id, row.source_id)
            if key in self.clock:
                _set_unknown_times(row, *self.clock.times(key))
        for step, entries in self._log.items():
            if step in self.rows:
                self._place_log(self.rows[step], entries)

    def _place_log(self, step: ExecutionRow, entries: dict[str, Moment]) -> None:
        """Set the times of entries of a log, which begins with its step: their stamps, of a clock
        of the agent's own, say how much later than each other they began."""
        if step.started_us is None:
            return
        stamps = [it.stamp_us for it in entries.values() if it.stamp_us is not None]
        first = stamps[0] if stamps else 0
        for number, (source_id, moment) in enumerate(entries.items(), 1):
            row = self.rows[source_id]
            later = 0 if moment.stamp_us is None else max(0, moment.stamp_us - first)
            started = step.started_us + later + number
            lengths = [it.length_us or 0 for it in moments_of(row) if it.is_end]
            _set_unknown_times(row, started, started + max(lengths) if lengths else None)


def _set_unknown_times(row: ExecutionRow, started_us: int, ended_us: int | None) -> None:
    if _is_known(row, "started_us"):
        started_us = row.started_us if row.started_us is not None else started_us
    if _is_known(row, "ended_us") or ended_us is None:
        ended_us = row.ended_us
    if (started_us, ended_us) != (row.started_us, row.ended_us):
        set_times(row, started_us, ended_us)
