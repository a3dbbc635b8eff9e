"""From the bytes of a Dify streaming response, cut anywhere, to its events: SSE, one JSON object a
line, or one reply as a whole. Pure.

Dify sends each event as one `data: {json}` and an empty line; `event: ping` has no data.
"""

from typing import Any

from runs.recording.records.json_text import MAX_DEPTH, NotJson, deeper_than, parse_json
from runs.recording.records.record import Refused

RAW_LIMIT = 64_000
Found = dict[str, Any] | Refused


class Splitter:
    """`feed` takes bytes as they arrive and gives the events that are whole; `end` what the last
    line held. What is no event is refused alone."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._data: list[bytes] = []
        self._first = True

    def feed(self, part: bytes) -> list[Found]:
        found: list[Found] = []
        searched = len(self._rest)
        self._rest += part
        start = 0
        while (end := self._rest.find(b"\n", max(start, searched))) >= 0:
            found += self._line(bytes(self._rest[start:end]).removesuffix(b"\r"))
            start = end + 1
        del self._rest[:start]
        return found

    def end(self) -> list[Found]:
        """A last event that is not whole was cut: whoever sends the rest sends it again."""
        last = [*self._line(bytes(self._rest)), *self._line(b"")]
        self._rest.clear()
        return [one for one in last if isinstance(one, dict)]

    def _line(self, line: bytes) -> list[Found]:
        if self._first:
            line, self._first = line.removeprefix(b"\xef\xbb\xbf"), False
        if line.startswith(b"data:"):
            self._data.append(line[5:].removeprefix(b" "))
            return []
        if not line.strip():
            data, self._data = b"\n".join(self._data), []
            return _events(data) if data.strip() else []
        if line.lstrip()[:1] in (b"{", b"["):
            return _events(line)
        name = line.partition(b":")[0]
        if name in (b"", b"event", b"id", b"retry"):
            return []
        return [_refused("This line is neither an event of SSE nor JSON.", line)]


def whole(body: bytes) -> list[Found]:
    """The events of a body that is one JSON value, as a blocking reply is; else line by line."""
    try:
        return _told(parse_json(body), body)
    except NotJson:
        splitter = Splitter()
        return splitter.feed(body) + splitter.end()


def _events(data: bytes) -> list[Found]:
    try:
        return _told(parse_json(data), data)
    except NotJson as problem:
        return [_refused(f"The event is not JSON: {problem}.", data)]


def _told(value: Any, raw: bytes) -> list[Found]:
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH and deeper_than(value, MAX_DEPTH):
        return [_refused(f"The event is nested more than {MAX_DEPTH} levels deep.", raw)]
    every = value if isinstance(value, list) else [value]
    return [
        one if isinstance(one, dict) else _refused("An event must be a JSON object.", raw)
        for one in every
    ]


def _refused(reason: str, raw: bytes) -> Refused:
    return Refused(reason, raw[:RAW_LIMIT].decode("utf-8", "replace"))
