"""Bodies to measure with: runs of 20 spans (agent loop, LLM calls, retriever, tools) of about 2.5
KB each. For recording 512 spans a request, gzip; for pages a week of several apps, and long runs.
"""

import gzip
import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

WORDS = [
    "order",
    "refund",
    "customer",
    "delivery",
    "warehouse",
    "invoice",
    "policy",
    "answer",
    "question",
    "document",
    "section",
    "tool",
    "status",
    "shipped",
    "address",
    "carrier",
    "payment",
    "amount",
    "currency",
    "agent",
    "retrieval",
    "context",
    "confidence",
]
SPANS_PER_RUN = 20
MILLISECOND, SECOND = 1_000_000, 1_000_000_000
WEEK = 7 * 86_400 * SECOND


def _text(rng: random.Random, length: int) -> str:
    words: list[str] = []
    while length > 0:
        words.append(rng.choice(WORDS))
        length -= len(words[-1]) + 1
    return " ".join(words)


_PAGES = _text(random.Random(3), 200_000)


def _excerpt(rng: random.Random, length: int) -> str:
    """Fifty times quicker than `_text`, for bodies by the thousand."""
    start = rng.randrange(len(_PAGES) - length)
    return _PAGES[start : start + length]


@dataclass(frozen=True, slots=True)
class Manner:
    """How the runs of an app are: every `agent_every`th step is an agent that holds the others,
    each step takes `step_ns`; `talks`: turns of conversations."""

    app: str = "bench-bot"
    version: str = "1.0.0"
    agent_every: int = 4
    step_ns: int = MILLISECOND
    talks: bool = True
    text: Callable[[random.Random, int], str] = _text


PLAIN = Manner()
# Of a week: one app is busy and one is quiet, half of them are chatflows.
APPS = [
    Manner(f"bench-{name}", f"{number}.0", 4, pace * MILLISECOND, talks, _excerpt)
    for number, (name, pace, talks) in enumerate(
        [("desk", 120, True), ("intake", 40, False), ("search", 15, False), ("coach", 300, True)], 1
    )
]
SHARES = (60, 25, 14, 1)
LONG = Manner("bench-long", "1.0", 100, 5 * MILLISECOND, False, _excerpt)


def bodies(requests: int, spans: int = 512, seed: int = 1) -> list[bytes]:
    """`requests` gzip-compressed OTLP bodies of `spans` spans each; the same for the same seed."""
    rng = random.Random(seed)
    now_ns = time.time_ns() - 3_600_000_000_000
    return [gzip.compress(_body(rng, spans, now_ns + i * 10**9), 1) for i in range(requests)]


def week(
    runs: int, seed: int = 2, together: int = 25, apps: Sequence[Manner] = APPS
) -> Iterator[bytes]:
    """Plain OTLP bodies of `together` runs of one app each, over the last seven days, oldest first;
    one run in twelve fails. The same for the same seed and moment."""
    rng = random.Random(seed)
    begin = time.time_ns() - WEEK
    bodies = -(-runs // together)
    for number in range(bodies):
        (manner,) = rng.choices(apps, SHARES)
        request, scope = _request(manner)
        for place in range(min(together, runs - number * together)):
            start_ns = begin + (number * together + place) * (WEEK - 60 * SECOND) // runs
            _run(rng, scope, SPANS_PER_RUN, start_ns, manner, fails=rng.randrange(12) == 0)
        yield request.SerializeToString()


def long_run(steps: int) -> bytes:
    """One run of `steps` spans, all of which are in sight: a hundred below each agent."""
    request, scope = _request(LONG)
    _run(random.Random(steps), scope, steps, time.time_ns() - 3600 * SECOND, LONG)
    return request.SerializeToString()


def _request(manner: Manner) -> tuple[ExportTraceServiceRequest, object]:
    """An empty request of one producer, and where its spans go."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    _set(resource.resource.attributes, "service.name", manner.app)
    _set(resource.resource.attributes, "service.version", manner.version)
    scope = resource.scope_spans.add()
    scope.scope.name = "openinference.instrumentation.langchain"
    return request, scope


def _body(rng: random.Random, spans: int, start_ns: int) -> bytes:
    request, scope = _request(PLAIN)
    while spans > 0:
        count = min(SPANS_PER_RUN, spans)
        _run(rng, scope, count, start_ns)
        spans -= count
        start_ns += 50 * MILLISECOND
    return request.SerializeToString()


def _run(
    rng: random.Random, scope: object, count: int, start_ns: int, manner: Manner = PLAIN,
    fails: bool = False,
) -> None:  # fmt: skip
    trace = rng.randbytes(16)
    root = rng.randbytes(8)
    parent = root
    talk = (f"session-{rng.randrange(1000)}", f"user-{rng.randrange(1000)}")
    for number in range(count):
        span = scope.spans.add()  # type: ignore[attr-defined]
        span.trace_id = trace
        span.span_id = root if number == 0 else rng.randbytes(8)
        kind = _kind(number, manner)
        if number:
            span.parent_span_id = root if kind == "AGENT" else parent
        if kind == "AGENT":
            parent = span.span_id
        span.name = "support_ticket" if number == 0 else f"{kind.lower()}_{number % 4}"
        span.start_time_unix_nano = start_ns + number * manner.step_ns
        lasted = rng.randrange(500_000, 900_000) * manner.step_ns // MILLISECOND
        span.end_time_unix_nano = span.start_time_unix_nano + lasted
        if number == 0:
            span.end_time_unix_nano = start_ns + count * manner.step_ns
        span.status.code = 1
        if fails and number in (0, count - 1):
            span.status.code = 2
            span.status.message = f"Warehouse {rng.randrange(50)} did not answer in time"
        _attributes(rng, span.attributes, kind, talk, manner)


def _kind(number: int, manner: Manner) -> str:
    if number == 0:
        return "CHAIN"
    if number % manner.agent_every == 0:
        return "AGENT"
    return ("LLM", "LLM", "TOOL", "RETRIEVER")[number % 4]


def _attributes(
    rng: random.Random, attributes: object, kind: str, talk: tuple[str, str], manner: Manner
) -> None:
    _set(attributes, "openinference.span.kind", kind)
    if manner.talks:
        _set(attributes, "session.id", talk[0])
    _set(attributes, "user.id", talk[1])
    if kind == "LLM":
        _set(attributes, "llm.model_name", "gpt-4o-mini")
        for name, value in (("prompt", 310), ("completion", 60), ("total", 370)):
            _set(attributes, f"llm.token_count.{name}", value)
        for number, role in enumerate(("system", "user")):
            _set(attributes, f"llm.input_messages.{number}.message.role", role)
            _set(attributes, f"llm.input_messages.{number}.message.content", manner.text(rng, 800))
        _set(attributes, "llm.output_messages.0.message.role", "assistant")
        _set(attributes, "llm.output_messages.0.message.content", manner.text(rng, 400))
        return
    _set(attributes, "input.value", json.dumps({"question": manner.text(rng, 900)}))
    _set(attributes, "input.mime_type", "application/json")
    _set(attributes, "output.value", json.dumps({"answer": manner.text(rng, 900), "score": 0.5}))
    _set(attributes, "output.mime_type", "application/json")
    _set(attributes, "metadata", json.dumps({"tenant": "acme", "note": manner.text(rng, 200)}))


def _set(attributes: object, key: str, value: str | int) -> None:
    pair = attributes.add()  # type: ignore[attr-defined]
    pair.key = key
    if isinstance(value, int):
        pair.value.int_value = value
    else:
        pair.value.string_value = value
