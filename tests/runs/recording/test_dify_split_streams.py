"""Every recorded stream of Dify's, sent in several requests: the same rows as in one, and no
database. What is compared is all that a row shows; by which parts it came may be told by its
hints."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest

from runs.recording.deriving.derive import derive
from runs.recording.deriving.summary import summarize
from runs.recording.records.record import NodeRecord
from runs.recording.records.row import ExecutionRow
from tests.conftest import CAPTURES
from tests.runs.recording.streamed_rows import RUN, records_of_stream, rows_of_records

CASES = Path(__file__).parents[2] / "cases"
STREAMS = [*sorted(CASES.glob("*/*/request-*.sse")), CAPTURES / "dify-events-01.sse"]
# Texts are sent in pieces without a number: only one request can hold the whole.
TEXTS = {"message", "agent_message", "message_end", "text_chunk", "reasoning_chunk"}
SHOWN = [item.name for item in fields(ExecutionRow)
         if item.name not in ("hints", "received_body", "stored", "changed")]  # fmt: skip

Event = dict[str, Any]


@cache
def events_of(path: Path) -> list[Event]:
    lines = path.read_bytes().split(b"\n")
    events = [orjson.loads(line[6:]) for line in lines if line.startswith(b"data: {")]
    return [event for event in events if event["event"] not in TEXTS and "task_id" in event]


def read(events: Sequence[Event]) -> list[NodeRecord]:
    """Return the records of one request."""
    return records_of_stream(b"".join(orjson.dumps(event) + b"\n" for event in events))


def shown(requests: Iterable[Sequence[Event]]) -> tuple[Any, Any]:
    """Return what is stored of the only run in these requests: the run and its steps."""
    rows = rows_of_records(read(request) for request in requests)
    summary = summarize(*derive(RUN, list(rows.values())))
    steps = {
        source_id: {name: getattr(row, name) for name in SHOWN} for source_id, row in rows.items()
    }
    return summary.columns, steps


@pytest.mark.parametrize("path", STREAMS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_stream_in_two_requests_is_the_stream_in_one(path: Path) -> None:
    """In either order, alone and with the whole sent again before or after them."""
    events = events_of(path)
    if not read(events):
        return  # an error that names nothing
    expected = shown([events])
    for cut in {len(events) * part // 6 for part in range(1, 6)} - {0}:
        first, second = events[:cut], events[cut:]
        for requests in (
            [first, second],
            [second, first],
            [second, first, events],
            [events, second],
        ):
            assert shown(requests) == expected, cut


@pytest.mark.parametrize("path", STREAMS[::3], ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_many_parts_that_overlap_are_one_stream_in_any_order(path: Path) -> None:
    """As from processes that followed the run for a while. Each event names the one before it."""
    events, chance = events_of(path), random.Random(path.name)
    if len(events) < 8:
        return
    expected = shown([events])
    for count in (3, 6):
        cuts = sorted(chance.sample(range(1, len(events)), count - 1))
        parts = [
            events[max(0, start - 1) : end]
            for start, end in zip([0, *cuts], [*cuts, len(events)], strict=True)
        ]
        chance.shuffle(parts)
        assert shown([*parts, parts[0]]) == expected, cuts


SOME = [CASES / "dify-real" / name / "request-01.sse"
        for name in ("stream-night", "stream-order-retry", "agent-v2")]  # fmt: skip
some_streams = pytest.mark.parametrize("path", SOME, ids=lambda path: path.parent.name)


@some_streams
def test_events_that_repeat_say_nothing_new(path: Path) -> None:
    """Each twice; and the last few again, as after a lost connection."""
    events = events_of(path)
    expected = shown([events])
    assert shown([[event for event in events for _ in range(2)]]) == expected
    for place in range(3, len(events), 5):
        assert shown([[*events[:place], *events[place - 3 : place], *events[place:]]]) == expected


@some_streams
def test_a_stream_without_its_beginning_has_the_same_steps(path: Path) -> None:
    def steps(events: Sequence[Event]) -> list[tuple[Any, ...]]:
        rows = rows_of_records([read(events)]).values()
        visible = sorted((row for row in rows if not row.folded), key=lambda row: row.index)
        return [(row.title, row.depth, row.iteration, row.status) for row in visible]

    events = events_of(path)
    assert events[0]["event"] == "workflow_started"
    assert steps(events[1:]) == steps(events)


def test_a_stream_that_switches_between_runs_is_several_runs() -> None:
    streams = [events_of(path) for path in SOME[:2]]
    mixed = [event for both in zip(*streams, strict=False) for event in both]
    mixed += [event for events in streams for event in events if event not in mixed]
    records = read(mixed)
    for events in streams:
        run = events[0]["workflow_run_id"]
        own = rows_of_records([[record for record in records if record.trace == run]])
        alone = rows_of_records([read(events)])
        assert {key: row.derived() for key, row in own.items()} == {
            key: row.derived() for key, row in alone.items()
        }
