"""Nothing received is lost: every value of a span or log is in the twin of its step, and in the run
as NDJSON and as OTLP.

Compared are names of spans and events, texts of statuses, scopes, resources, and all values of
attributes, also those in JSON that a text holds. Not compared:
- ids and times, which have a form of their own;
- names of events that became messages of a role;
- spans that are no part of any run (Dify's test of a connection, its own requests and queries), and
  logs of no step;
- null written as a text, which means that there is no value (Dify);
- control characters, which no database and no page can hold;
- what Python wrote of a value (`{'a': 1}`) that is there as JSON.
"""

import json
from ast import literal_eval
from base64 import b64decode
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.test import Client
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from nodes.models import NodeExecution
from runs.recording.records.json_text import NotJson, parse_json, readable
from tests.cases.test_cases import request_body
from tests.conftest import CAPTURES, PROTOBUF

CASES = Path(__file__).parents[2] / "cases"
MESSAGES = {"traces": ExportTraceServiceRequest, "logs": ExportLogsServiceRequest}
LISTS = {
    "traces": ("resourceSpans", "scopeSpans", "spans"),
    "logs": ("resourceLogs", "scopeLogs", "logRecords"),
}
CONTROL = dict.fromkeys(range(32), None) | {0xFFFD: None, 0x7F: None}


@dataclass(frozen=True, slots=True)
class SentRequest:
    signal: str
    content_type: str
    body: bytes


def sent_requests() -> dict[str, list[SentRequest]]:
    requests: dict[str, list[SentRequest]] = defaultdict(list)
    for path in sorted([*CAPTURES.glob("*.bin"), *(CAPTURES / "producers").glob("*.bin")]):
        headers = path.with_suffix(".headers.json")
        sent = json.loads(headers.read_text()) if headers.exists() else {"path": "/v1/traces"}
        content_type = sent.get("headers", {}).get("content-type", PROTOBUF)
        signal = sent["path"].rpartition("/")[2]
        if signal in MESSAGES:
            request = SentRequest(signal, content_type, path.read_bytes())
            requests[path.stem.rpartition("-")[0]].append(request)
    for path in sorted(CASES.glob("*/*/case.json")):
        for sent in json.loads(path.read_text())["requests"]:
            signal = sent.get("path", "").rpartition("/")[2]
            if signal in MESSAGES and "file" in sent:
                body = request_body(path.parent / sent["file"])
                name = f"{path.parent.parent.name}/{path.parent.name}"
                requests[name].append(SentRequest(signal, sent["type"], body))
    return requests


REQUESTS = sent_requests()


@pytest.mark.django_db
@pytest.mark.parametrize("name", REQUESTS)
def test_every_value_is_in_twins_and_exports(name: str, ingest_key: str, read_key: str) -> None:
    for request in REQUESTS[name]:
        Client().generic(
            "POST",
            f"/v1/{request.signal}",
            request.body,
            content_type=request.content_type,
            headers={"authorization": f"Bearer {ingest_key}"},
        )
    client = Client(headers={"x-api-key": read_key})
    twins: dict[str, set[str]] = defaultdict(set)  # by ids of spans
    exports: dict[tuple[str, str], set[str]] = {}  # by run and form
    run_of: dict[str, str] = {}
    for step_id, run_id, source_id, hints in NodeExecution.objects.values_list(
        "id", "run_id", "source_id", "hints"
    ):
        twin = client.get(f"/runs/{run_id}/tracing/{step_id}.json").json()
        values = set(_values_in(twin))
        span_ids = orjson.loads(hints or "{}").get("span_ids", ())
        for source in (source_id, *span_ids):
            twins[source] |= values
            run_of[source] = str(run_id)
    for run_id in set(run_of.values()):
        for form in ("ndjson", "otlp.json"):
            exports[run_id, form] = _exported_values(client, f"/runs/{run_id}.{form}")
    lost: dict[str, dict[str, set[str]]] = {}
    for request in REQUESTS[name]:
        for span_id, values in _sent_values(request):
            if span_id not in run_of:
                continue
            kept = {"twin": twins[span_id]}
            kept |= {form: exports[run_of[span_id], form] for form in ("ndjson", "otlp.json")}
            missing = {place: _missing(values, there) for place, there in kept.items()}
            if any(missing.values()):
                lost[span_id] = missing
    assert lost == {}


def _exported_values(client: Client, path: str) -> set[str]:
    lines = client.get(path).getvalue().splitlines()
    documents = [orjson.loads(line) for line in lines]
    values = set(_values_in(documents))
    for group in (group for document in documents for group in _objects(document, "resourceSpans")):
        for scoped in _objects(group, "scopeSpans"):
            values.add(_scope_name(scoped["scope"]))
    return values


def _missing(values: set[str], kept: set[str]) -> set[str]:
    return {value for value in values - kept if not set(_values_of_literal(value)) <= kept}


def _values_of_literal(text: str) -> Iterator[str]:
    """Yield the values in what Python wrote of a list or dict; of another text itself."""
    try:
        value = literal_eval(text) if text[:1] in ("{", "[") else text
    except (ValueError, SyntaxError):
        value = text
    yield from [text] if isinstance(value, str) else _values_in(value)


def _sent_values(request: SentRequest) -> Iterator[tuple[str, set[str]]]:
    """Yield the id of each span, or of the span of each log, with the values that were sent."""
    in_json = "json" in request.content_type
    outer, middle, inner = LISTS[request.signal]
    for group in _objects(_document(request), outer):
        resource = _attributes(group.get("resource") or {})
        for scoped in _objects(group, middle):
            scope = scoped.get("scope") or {}
            for item in _objects(scoped, inner):
                span_id = str(item.get("spanId") or "")
                span_id = span_id.lower() if in_json else b64decode(span_id).hex()
                status = item.get("status")
                texts = [item.get("name"), _scope_name(scope), item.get("traceState")]
                texts.append(status.get("message") if isinstance(status, dict) else None)
                events, links = _objects(item, "events"), _objects(item, "links")
                texts += [event.get("name") for event in events if not _is_message(event)]
                values = [resource, _attributes(scope), *map(_attributes, (item, *events, *links))]
                if item.get("body"):
                    values.append([_value(item["body"])])
                yield span_id, set(_values_in([[text for text in texts if text], values]))


def _document(request: SentRequest) -> dict[str, Any]:
    if "json" not in request.content_type:
        return MessageToDict(MESSAGES[request.signal].FromString(request.body))
    try:
        document = parse_json(request.body)
    except NotJson:
        return {}
    return document if isinstance(document, dict) else {}


def _objects(holder: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [item for item in holder.get(name) or () if isinstance(item, dict)]


def _scope_name(scope: dict[str, Any]) -> str:
    return f"{scope.get('name') or ''} {scope.get('version') or ''}".strip()


def _is_message(event: dict[str, Any]) -> bool:
    return str(event.get("name")).startswith("gen_ai.")


def _attributes(holder: dict[str, Any]) -> list[Any]:
    return [_value(pair.get("value")) for pair in _objects(holder, "attributes")]


def _value(value: Any) -> Any:
    """Return the value of an AnyValue in JSON; None where it has none."""
    if not isinstance(value, dict) or not value:
        return None
    kind, inner = next(iter(value.items()))
    if kind == "arrayValue":
        return [_value(item) for item in inner.get("values") or ()]
    if kind == "kvlistValue":
        return {pair["key"]: _value(pair.get("value")) for pair in _objects(inner, "values")}
    return inner


def _values_in(sent: Any) -> Iterator[str]:
    """Yield all values but empty ones, also those in JSON that a text holds, as texts."""
    waiting = [sent]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            parsed = readable(item)
            if parsed is not item:
                waiting.append(parsed)
            elif (text := item.translate(CONTROL).strip()) and text != "null":
                yield text
        elif isinstance(item, dict | list | tuple):
            waiting += item.values() if isinstance(item, dict) else item
        elif item is not None:
            yield str(item)
