"""Bodies to measure with: runs of 20 spans (agent loop, LLM calls, retriever, tools) of about 2.5
KB each, 512 spans a request, gzip."""

import gzip
import json
import random
import time

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

WORDS = (
    "order refund customer delivery warehouse invoice policy answer question document section tool "
    "status shipped address carrier payment amount currency agent retrieval context confidence"
).split()
SPANS_PER_RUN = 20


def bodies(requests: int, spans: int = 512, seed: int = 1) -> list[bytes]:
    """`requests` gzip-compressed OTLP bodies of `spans` spans each; the same for the same seed."""
    rng = random.Random(seed)
    now_ns = time.time_ns() - 3_600_000_000_000
    return [gzip.compress(_body(rng, spans, now_ns + i * 10**9), 1) for i in range(requests)]


def _text(rng: random.Random, length: int) -> str:
    words: list[str] = []
    while length > 0:
        words.append(rng.choice(WORDS))
        length -= len(words[-1]) + 1
    return " ".join(words)


def _body(rng: random.Random, spans: int, start_ns: int) -> bytes:
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    _set(resource.resource.attributes, "service.name", "bench-bot")
    _set(resource.resource.attributes, "service.version", "1.0.0")
    scope = resource.scope_spans.add()
    scope.scope.name = "openinference.instrumentation.langchain"
    while spans > 0:
        count = min(SPANS_PER_RUN, spans)
        _run(rng, scope, count, start_ns)
        spans -= count
        start_ns += 50_000_000
    return request.SerializeToString()


def _run(rng: random.Random, scope: object, count: int, start_ns: int) -> None:
    trace = rng.randbytes(16)
    root = rng.randbytes(8)
    parent = root
    talk = (f"session-{rng.randrange(1000)}", f"user-{rng.randrange(1000)}")
    for number in range(count):
        span = scope.spans.add()  # type: ignore[attr-defined]
        span.trace_id = trace
        span.span_id = root if number == 0 else rng.randbytes(8)
        kind = "CHAIN" if number == 0 else ("AGENT", "LLM", "TOOL", "RETRIEVER")[number % 4]
        if number:
            span.parent_span_id = root if kind == "AGENT" else parent
        if kind == "AGENT":
            parent = span.span_id
        span.name = "support_ticket" if number == 0 else f"{kind.lower()}_{number % 4}"
        span.start_time_unix_nano = start_ns + number * 1_000_000
        span.end_time_unix_nano = span.start_time_unix_nano + rng.randrange(500_000, 900_000)
        if number == 0:
            span.end_time_unix_nano = start_ns + count * 1_000_000
        span.status.code = 1
        _attributes(rng, span.attributes, kind, talk)


def _attributes(rng: random.Random, attributes: object, kind: str, talk: tuple[str, str]) -> None:
    _set(attributes, "openinference.span.kind", kind)
    _set(attributes, "session.id", talk[0])
    _set(attributes, "user.id", talk[1])
    if kind == "LLM":
        _set(attributes, "llm.model_name", "gpt-4o-mini")
        for name, value in (("prompt", 310), ("completion", 60), ("total", 370)):
            _set(attributes, f"llm.token_count.{name}", value)
        for number, role in enumerate(("system", "user")):
            _set(attributes, f"llm.input_messages.{number}.message.role", role)
            _set(attributes, f"llm.input_messages.{number}.message.content", _text(rng, 800))
        _set(attributes, "llm.output_messages.0.message.role", "assistant")
        _set(attributes, "llm.output_messages.0.message.content", _text(rng, 400))
        return
    _set(attributes, "input.value", json.dumps({"question": _text(rng, 900)}))
    _set(attributes, "input.mime_type", "application/json")
    _set(attributes, "output.value", json.dumps({"answer": _text(rng, 900), "score": 0.5}))
    _set(attributes, "output.mime_type", "application/json")
    _set(attributes, "metadata", json.dumps({"tenant": "acme", "note": _text(rng, 200)}))


def _set(attributes: object, key: str, value: str | int) -> None:
    pair = attributes.add()  # type: ignore[attr-defined]
    pair.key = key
    if isinstance(value, int):
        pair.value.int_value = value
    else:
        pair.value.string_value = value
