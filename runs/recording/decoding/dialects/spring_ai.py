"""Spring AI: `spring.ai.*` beside the GenAI conventions, which its model calls follow.

Facts: its reference on observability. The operation of the framework's own steps is always
`framework`; `spring.ai.kind` is their kind.
"""

from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.span import Span

NAME = "spring-ai"
PREFIX = "spring.ai."
KINDS = {"chat_client": "agent", "advisor": "chain", "tool_call": "tool"}
# The end of each chain of advisors: the call itself.
CALLS = frozenset({"call", "stream"})
CONVERSATION = PREFIX + "chat.client.conversation.id"
NO_CONVERSATION = "default"
QUERY = "db.vector.query."


def applies(span: Span, prefixes: set[str]) -> bool:
    return "spring" in prefixes


def read(reading: SpanReading) -> None:
    attributes, span = reading.attributes, reading.span
    kind = str(attributes.get(PREFIX + "kind", ""))
    reading.fill("kind", KINDS.get(kind), PREFIX + "kind")
    if kind == "tool_call":
        reading.fill_from("title", PREFIX + "tool.definition.name")
        reading.fill_payload("inputs", PREFIX + "tool.call.arguments")
        reading.fill_payload("outputs", PREFIX + "tool.call.result")
    elif kind == "advisor":
        name = str(attributes.get(PREFIX + "advisor.name") or "")
        reading.fill("title", name, PREFIX + "advisor.name")
        if name in CALLS and span.parent_span_id is not None and span.status != "error":
            reading.fill("folded", True, PREFIX + "advisor.name")
    elif kind == "vector_store" and attributes.get("db.operation.name") == "query":
        _read_spring_ai_query(reading)
    if attributes.get(CONVERSATION) != NO_CONVERSATION:
        reading.fill_run_from("conversation", CONVERSATION)


def _read_spring_ai_query(reading: SpanReading) -> None:
    attributes = reading.attributes
    reading.fill("kind", "retriever", PREFIX + "kind")
    names = ("content", "top_k", "filter", "similarity_threshold")
    inputs = {name: attributes[QUERY + name] for name in names if attributes.get(QUERY + name)}
    reading.fill("inputs", inputs or None, QUERY + "content")
    items = reading.parsed(QUERY + "response.documents")
    if isinstance(items, list):
        documents = [item if isinstance(item, dict) else {"content": item} for item in items]
        reading.fill("outputs", {"documents": documents}, QUERY + "response.documents")
        reading.consume((QUERY + "response.documents",))
