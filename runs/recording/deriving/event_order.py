"""Puts the events of a run's streams into one order, however the streams were cut. Pure.

Each event names the one before it in its stream (`records.moments`), so that parts which overlap
grow together. Of parts that do not, each is a stretch of the whole: they follow one another by
what is sure (a step begins before it ends, the run begins first and ends last), then by the stamps
of their first and last events. Parts of one second that tell nothing of each other stand in an
order that is arbitrary, but always the same.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush

from runs.recording.records.moments import Moment, moment_from_text
from runs.recording.records.row import ExecutionRow, attempt_number, step_of_attempt

LAST = 1 << 62
# Not the run's beginning; first stamp, last stamp and name of the first event.
StretchKey = tuple[bool, int, int, str]


@dataclass(slots=True, eq=False)
class SentEvent:
    """An event that was sent, once or several times, with the events that come after it."""

    name: str
    row: ExecutionRow
    moment: Moment
    sent_after: set[str] = field(default_factory=set)  # names of events, of several streams
    next_sent: list["SentEvent"] = field(default_factory=list)  # directly after it in a stream
    later: list["SentEvent"] = field(default_factory=list)  # sure to be after it
    earlier: int = 0  # how many are before it
    stretch: StretchKey | None = None

    @property
    def ends_run(self) -> bool:
        return self.moment.is_end and bool(self.row.hints.get("is_run"))

    @property
    def stamp_us(self) -> int | None:
        """Return the stamp; that of an entry of a log is of a clock of the agent's own."""
        return None if "in_log" in self.row.hints else self.moment.stamp_us

    @property
    def order(self) -> tuple[bool, StretchKey, int, str]:
        stamp = -1 if self.stamp_us is None else self.stamp_us
        return self.ends_run, self.stretch or (True, LAST, LAST, ""), stamp, self.name


def events_in_order(rows: Iterable[ExecutionRow]) -> list[tuple[ExecutionRow, Moment]]:
    """Return each event of the streams of a run, in the order in which they happened."""
    events = _events_by_name(rows)
    if not events:
        return []
    firsts = _link_sent(events)
    if len(firsts) == 1 and len(chain := list(_chain_from(firsts[0]))) == len(events):
        return chain  # one stream, as it was sent
    _number_stretches(events, firsts)
    for before, after in _sure_orders(events.values()):
        before.later.append(after)
        after.earlier += 1
    return [(event.row, event.moment) for event in _sorted_events(events)]


def _events_by_name(rows: Iterable[ExecutionRow]) -> dict[str, SentEvent]:
    events: dict[str, SentEvent] = {}
    for row in rows:
        for moment in moments_of(row):
            if moment.is_end and "in_log" in row.hints:
                continue  # how long an entry of a log took: it is sent when its step ends, too
            name = moment.name(row.source_id)
            known = events.setdefault(name, SentEvent(name, row, moment))
            known.sent_after.add(moment.after)
            if known.moment.arrived_us is None:
                known.moment = moment
    return events


def moments_of(row: ExecutionRow) -> Iterator[Moment]:
    for text in row.hints.get("moments", ()):
        if (moment := moment_from_text(str(text))) is not None:
            yield moment


def _link_sent(events: dict[str, SentEvent]) -> list[SentEvent]:
    """Link events that were sent after one another; return those before which none was seen."""
    firsts = []
    for event in events.values():
        before = {events[name] for name in event.sent_after if name in events} - {event}
        for other in sorted(before, key=lambda it: it.name):
            other.next_sent.append(event)
            other.later.append(event)
            event.earlier += 1
        if not before:
            firsts.append(event)
    return firsts


def _chain_from(first: SentEvent) -> Iterator[tuple[ExecutionRow, Moment]]:
    """Yield events as long as each has a single one after it."""
    event = first
    while True:
        yield event.row, event.moment
        if len(event.next_sent) != 1 or event.next_sent[0].earlier != 1:
            return
        event = event.next_sent[0]


def _number_stretches(events: dict[str, SentEvent], firsts: list[SentEvent]) -> None:
    """Set the `stretch` of each event that follows one of the first events of streams."""
    begun = min(
        (event.moment.stamp_us or 0 for event in events.values() if _begins_run(event)), default=-1
    )
    for first in sorted(firsts, key=lambda event: event.name):
        members, waiting = [], [first]
        while waiting:
            event = waiting.pop()
            if event.stretch is None:
                event.stretch = (True, LAST, LAST, first.name)
                members.append(event)
                waiting.extend(event.next_sent)
        stamps = [it.stamp_us for it in members if it.stamp_us is not None]
        is_beginning = _begins_run(first) and (first.moment.stamp_us or 0) == begun
        has_end = any(event.ends_run for event in members)
        key = (
            not is_beginning,
            stamps[0] if stamps else LAST,
            LAST if has_end else max(stamps, default=LAST),
            first.name,
        )
        for event in members:
            event.stretch = key


def _begins_run(event: SentEvent) -> bool:
    return bool(event.row.hints.get("is_run")) and not event.moment.is_end


def _sure_orders(events: Iterable[SentEvent]) -> Iterator[tuple[SentEvent, SentEvent]]:
    """Yield pairs of events of which the first is before the second, in whichever streams they
    were sent: a step begins, its attempts end one after the other, and it ends."""
    by_step: dict[str, tuple[list[SentEvent], list[SentEvent], list[SentEvent]]] = {}
    for event in events:
        step, is_attempt = step_of_attempt(event.row)
        begun, attempts, ended = by_step.setdefault(step, ([], [], []))
        if is_attempt:
            attempts.append(event)
        else:
            (ended if event.moment.is_end else begun).append(event)
    for begun, attempts, ended in by_step.values():
        attempts.sort(key=lambda event: (attempt_number(event.row), event.name))
        before = min(begun, key=lambda event: event.order, default=None)
        for stage in [*([attempt] for attempt in attempts), ended]:
            if before is not None:
                yield from ((before, after) for after in stage)
            before = stage[0] if stage else before


def _sorted_events(events: dict[str, SentEvent]) -> Iterator[SentEvent]:
    """Yield the events, each after those that are before it. Orders that contradict each other are
    broken at the event that would come first."""
    ready: list[tuple[tuple[bool, StretchKey, int, str], str]] = []
    for event in events.values():
        if not event.earlier:
            heappush(ready, (event.order, event.name))
    left = dict(events)
    remaining: list[SentEvent] | None = None
    while left:
        if ready:
            event = events[heappop(ready)[1]]
        else:
            if remaining is None:
                remaining = sorted(left.values(), key=lambda it: it.order, reverse=True)
            event = remaining.pop()
        if left.pop(event.name, None) is None:
            continue
        yield event
        for after in event.later:
            after.earlier -= 1
            if not after.earlier and after.name in left:
                heappush(ready, (after.order, after.name))
