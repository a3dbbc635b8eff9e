"""Split the bytes of a Dify streaming response, cut anywhere, into its events: SSE, one JSON object
a line, or one reply as a whole. Pure.

Dify sends each event as one `data: {json}` and an empty line; `event: ping` has no data.
"""

from typing import Any

from runs.recording.records.json_text import MAX_DEPTH, NotJson, deeper_than, parse_json
from runs.recording.records.record import Refused

RAW_LIMIT = 64_000  # characters that are kept of what is refused
SplitEvent = dict[str, Any] | Refused


class EventSplitter:
    """`feed` takes bytes as they arrive and returns the events that are whole, `end` the event that
    the last line held. What is no event is refused alone."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._data: list[bytes] = []
        self._is_first_line = True

    def feed(self, part: bytes) -> list[SplitEvent]:
        events: list[SplitEvent] = []
        searched = len(self._rest)
        self._rest += part
        start = 0
        while (end := self._rest.find(b"\n", max(start, searched))) >= 0:
            events += self._take_line(bytes(self._rest[start:end]).removesuffix(b"\r"))
            start = end + 1
        del self._rest[:start]
        return events

    def end(self) -> list[SplitEvent]:
        """Return the last event. One that is not whole was cut, and is not refused: the rest will
        be sent with its beginning."""
        last = [*self._take_line(bytes(self._rest)), *self._take_line(b"")]
        self._rest.clear()
        return [event for event in last if isinstance(event, dict)]

    def _take_line(self, line: bytes) -> list[SplitEvent]:
        if self._is_first_line:
            line, self._is_first_line = line.removeprefix(b"\xef\xbb\xbf"), False
        if line.startswith(b"data:"):
            self._data.append(line[5:].removeprefix(b" "))
            return []
        if not line.strip():
            data, self._data = b"\n".join(self._data), []
            return _parsed_events(data) if data.strip() else []
        if line.lstrip()[:1] in (b"{", b"["):
            return _parsed_events(line)
        name = line.partition(b":")[0]
        if name in (b"", b"event", b"id", b"retry"):
            return []
        return [_refused_event("This line is neither a server-sent event nor JSON.", line)]


def split_whole_body(body: bytes) -> list[SplitEvent]:
    """Return the events of a body that is one JSON value, as a blocking reply is; of any other body
    line by line."""
    try:
        return _checked_events(parse_json(body), body)
    except NotJson:
        splitter = EventSplitter()
        return splitter.feed(body) + splitter.end()


def _parsed_events(data: bytes) -> list[SplitEvent]:
    try:
        return _checked_events(parse_json(data), data)
    except NotJson as problem:
        return [_refused_event(f"The event is not JSON: {problem}.", data)]


def _checked_events(value: Any, raw: bytes) -> list[SplitEvent]:
    """Return the events of a JSON value, which is one event or a list of them."""
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH and deeper_than(value, MAX_DEPTH):
        return [_refused_event(f"The event is nested more than {MAX_DEPTH} levels deep.", raw)]
    items = value if isinstance(value, list) else [value]
    return [
        item if isinstance(item, dict) else _refused_event("An event must be a JSON object.", raw)
        for item in items
    ]


def _refused_event(reason: str, raw: bytes) -> Refused:
    return Refused(reason, raw[:RAW_LIMIT].decode("utf-8", "replace"))
