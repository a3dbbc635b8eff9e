"""Strategies for malformed request bodies: the words of all conventions with values of every type,
ids and times of every kind, and recorded bodies with some bytes changed."""

import ast
import base64
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from runs import recording
from runs.recording.records.span import finite
from tests.conftest import CAPTURES
from tests.hostile import NASTY, START

HEX = re.compile("([0-9a-f]{2})*")
WORD = re.compile(r"[A-Za-z_][\w.:/-]{1,70}")
FILES = sorted(Path(recording.__path__[0]).rglob("*.py"))
LONG_NAMES = {"0", "1", "message.role", "document.content", "tool_call.function.arguments"}


def _words(path: Path) -> set[str]:
    texts = (node.value for node in ast.walk(ast.parse(path.read_text()))
             if isinstance(node, ast.Constant) and isinstance(node.value, str))  # fmt: skip
    return {text for text in texts if WORD.fullmatch(text)}


@cache
def vocabularies() -> list[list[str]]:
    """Of each file that records: the words in it that may be names or values of attributes."""
    word_lists = (sorted(_words(path)) for path in FILES)
    return [words for words in word_lists if len(words) > 5]


def words_of(name: str) -> list[str]:
    """Those of the files of this name, or in the folder of it."""
    named = (path for path in FILES if name in path.parts or path.stem == name)
    return sorted({word for path in named for word in _words(path)})


texts = st.one_of(
    st.sampled_from([text[:3000] for text in NASTY]),
    st.text(st.characters(), max_size=12),
    st.sampled_from(["0.5", "1e400", "sNaN", "-Infinity", "2026-11-20T10:00:00Z", "١٢", "9" * 5000,
                     "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "[" * 300]),
)  # fmt: skip
numbers = st.one_of(
    st.sampled_from([0, -1, 1, 2**31, 2**53, 2**63 - 1, 2**63, -(2**63), 2**64, 10**30]),
    st.floats(allow_nan=False, allow_infinity=False),
)
plain = st.one_of(st.none(), st.booleans(), numbers, texts)


def values_of(words: list[str]) -> st.SearchStrategy[Any]:
    """Return a strategy for any value; some contain these words, some are JSON text."""
    chosen_words = st.sampled_from(words)
    names = st.one_of(chosen_words, texts)

    def within(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        lists, objects = st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=4)
        return st.one_of(lists, objects, st.one_of(lists, objects).map(json.dumps))

    return st.recursive(st.one_of(plain, chosen_words), within, max_leaves=6)


@st.composite
def attributes(draw: st.DrawFn, words: list[str]) -> dict[str, Any]:
    """Names alone and put together, as in `llm.input_messages.0.message.role`."""
    name = st.sampled_from(words)
    long = st.tuples(name, st.sampled_from(sorted(LONG_NAMES)), name).map(".".join)
    names = st.one_of(name, name, name, long, texts)
    values = st.one_of(values_of(words), st.sampled_from([float("nan"), float("-inf")]))
    return draw(st.dictionaries(names, values, max_size=12))


ids = [f"{number:016x}" for number in range(1, 6)]
span_ids = st.one_of(*[st.sampled_from(ids)] * 8, st.sampled_from(["", "0" * 16, "1", "z" * 16]),
                     texts)  # fmt: skip
traces = st.one_of(*[st.sampled_from(["a" * 32, "b" * 32])] * 8,
                   st.sampled_from(["", "0" * 32, "a" * 31]), texts)  # fmt: skip
DAY = 86_400 * 10**9
times = st.one_of(
    st.integers(0, 20).map(lambda second: START + second * 10**9),
    st.sampled_from([0, 1, -1, START - DAY, START + DAY, 4 * 10**18, 2**64 - 1, 2**70]),
)
scopes = ["", "arize_phoenix_tracer_1", "langfuse-sdk", "ai", "n8n", "logfire", "haystack.tracing"]


@st.composite
def spans(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Resource spans of some convention: few ids, so that they meet, twice, and in circles."""
    words = draw(st.sampled_from(vocabularies()))
    named = st.one_of(st.sampled_from(words), texts)
    some = attributes(words).map(pairs)
    event = st.fixed_dictionaries({"name": named, "timeUnixNano": times, "attributes": some})
    span = st.fixed_dictionaries({
        "traceId": traces, "spanId": span_ids, "parentSpanId": span_ids, "name": named,
        "kind": st.integers(-1, 6), "startTimeUnixNano": times, "endTimeUnixNano": times,
        "status": st.fixed_dictionaries({"code": st.integers(-1, 3), "message": texts}),
        "attributes": some, "events": st.lists(event, max_size=2),
        "links": st.lists(st.fixed_dictionaries({"traceId": traces, "attributes": some}),
                          max_size=1),
    })  # fmt: skip
    spans = draw(st.lists(span, min_size=1, max_size=6))
    scope = {"name": draw(st.sampled_from(scopes)), "version": draw(texts)}
    resource = {"service.name": draw(st.sampled_from(["shop", "unknown_service", *NASTY[:9]]))}
    resource |= draw(attributes(words))
    return [{"resource": {"attributes": pairs(resource)},
             "scopeSpans": [{"scope": scope, "spans": spans}]}]  # fmt: skip


@st.composite
def logs(draw: st.DrawFn) -> list[dict[str, Any]]:
    words = draw(st.sampled_from(vocabularies()))
    some, named = attributes(words).map(pairs), st.one_of(st.sampled_from(words), texts)
    log = st.fixed_dictionaries({
        "traceId": traces, "spanId": span_ids, "eventName": named,
        "timeUnixNano": times, "observedTimeUnixNano": times, "severityText": texts,
        "severityNumber": st.integers(-1, 30), "attributes": some,
        "body": values_of(words).map(any_value),
    })  # fmt: skip
    logs = draw(st.lists(log, min_size=1, max_size=6))
    return [{"resource": {"attributes": draw(some)}, "scopeLogs": [{"logRecords": logs}]}]


def pairs(attributes: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": any_value(value)} for key, value in attributes.items()]


def any_value(value: Any) -> dict[str, Any]:
    """An AnyValue in OTLP/JSON, integers beyond 64 bits among them."""
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": finite(value)}
        case str():
            return {"stringValue": value}
        case list():
            return {"arrayValue": {"values": [any_value(item) for item in value]}}
        case dict():
            return {"kvlistValue": {"values": pairs(value)}}
    return {}


def deep(levels: int) -> Any:
    value: Any = "deep"
    for _ in range(levels):
        value = [value] if levels % 2 else {"a": value}
    return value


odd = st.one_of(
    plain, st.builds(list), st.builds(dict), st.sampled_from([1, 99, 260, 900]).map(deep)
)


@st.composite
def bent(draw: st.DrawFn, document: st.SearchStrategy[Any]) -> Any:
    """The document, now and then with something else at one of its places."""
    document_value = draw(document)
    if draw(st.integers(0, 2)):
        return document_value
    holder, key = draw(st.sampled_from(list(_places([document_value]))))
    holder[key] = draw(odd)
    return document_value


def _places(holder: Any, levels: int = 12) -> Iterator[tuple[Any, Any]]:
    keys = range(len(holder)) if isinstance(holder, list) else list(holder)
    for key in keys:
        yield holder, key
        if levels and isinstance(holder[key], (list, dict)):
            yield from _places(holder[key], levels - 1)


def in_protobuf(json_value: Any, name: str = "") -> Any:
    """OTLP/JSON as protobuf's own reader of JSON wants it: ids in base64, of any length."""
    if isinstance(json_value, dict):
        return {key: in_protobuf(value, key) for key, value in json_value.items()}
    if isinstance(json_value, list):
        return [in_protobuf(value) for value in json_value]
    if name == "intValue":
        return str(max(-(2**63), min(int(json_value), 2**63 - 1)))
    if name.endswith("UnixNano"):
        return int(json_value) % 2**64
    if not isinstance(json_value, str):
        return json_value
    if name.endswith(("Id", "ID")):
        raw = (
            bytes.fromhex(json_value)
            if HEX.fullmatch(json_value)
            else json_value.encode("utf-8", "replace")
        )
        return base64.b64encode(raw).decode()
    return json_value.encode("utf-8", "replace").decode()


def captures(pattern: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted(CAPTURES.glob(pattern))]


@st.composite
def changed(draw: st.DrawFn, bodies: st.SearchStrategy[bytes]) -> bytes:
    """A body with some bytes changed, taken out, doubled, or cut off."""
    body = bytearray(draw(bodies))
    for _ in range(draw(st.integers(0, 5))):
        place = int(draw(st.floats(0, 1)) * len(body))
        length = draw(st.sampled_from([1, 1, 2, 30, 300]))
        match draw(st.sampled_from(["set", "set", "out", "twice", "cut"])):
            case "set":
                body[place : place + 1] = draw(st.binary(max_size=3))
            case "out":
                del body[place : place + length]
            case "twice":
                body[place:place] = body[place : place + length]
            case "cut" if place > len(body) // 2:
                del body[place:]
    return bytes(body)


@st.composite
def scrambled(draw: st.DrawFn, documents: list[dict[str, Any]], words: list[str]) -> list[Any]:
    """Recorded objects in another order, some twice, some with fields of another kind."""
    copies = []
    for item in draw(st.lists(st.sampled_from(documents), min_size=1, max_size=10)):
        copy = json.loads(json.dumps(item))
        for _ in range(draw(st.integers(0, 2))):
            holder, key = draw(st.sampled_from(list(_places([copy]))))
            holder[key] = draw(st.one_of(odd, values_of(words)))
        copies.append(copy)
    return copies
