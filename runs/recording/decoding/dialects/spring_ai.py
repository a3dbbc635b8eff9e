"""Spring AI: `spring.ai.*` beside the GenAI conventions, which its model calls follow.

Facts: its reference on observability. The operation of what the framework itself does is always
`framework`; `spring.ai.kind` tells what it is.
"""

from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.json_text import readable
from runs.recording.records.span import Span

NAME = "spring-ai"
OWN = "spring.ai."
KINDS = {"chat_client": "agent", "advisor": "chain", "tool_call": "tool"}
# The end of each chain of advisors: the call itself.
CALLS = frozenset({"call", "stream"})
CONVERSATION = OWN + "chat.client.conversation.id"
NO_CONVERSATION = "default"
QUERY = "db.vector.query."


def applies(span: Span, spoken: set[str]) -> bool:
    return "spring" in spoken


def read(reading: SpanReading) -> None:
    told, span = reading.attributes, reading.span
    kind = str(told.get(OWN + "kind", ""))
    reading.fill("kind", KINDS.get(kind), OWN + "kind")
    if kind == "tool_call":
        reading.fill_from("title", OWN + "tool.definition.name")
        reading.fill_payload("inputs", OWN + "tool.call.arguments")
        reading.fill_payload("outputs", OWN + "tool.call.result")
    elif kind == "advisor":
        name = str(told.get(OWN + "advisor.name") or "")
        reading.fill("title", name, OWN + "advisor.name")
        if name in CALLS and span.parent_span_id is not None and span.status != "error":
            reading.fill("folded", True, OWN + "advisor.name")
    elif kind == "vector_store" and told.get("db.operation.name") == "query":
        _read_query(reading)
    if told.get(CONVERSATION) != NO_CONVERSATION:
        reading.fill_run_from("conversation", CONVERSATION)


def _read_query(reading: SpanReading) -> None:
    told = reading.attributes
    reading.fill("kind", "retriever", OWN + "kind")
    names = ("content", "top_k", "filter", "similarity_threshold")
    asked = {name: told[QUERY + name] for name in names if told.get(QUERY + name)}
    reading.fill("inputs", asked or None, QUERY + "content")
    found = readable(told.get(QUERY + "response.documents"))
    if isinstance(found, list):
        documents = [one if isinstance(one, dict) else {"content": one} for one in found]
        reading.fill("outputs", {"documents": documents}, QUERY + "response.documents")
        reading.use((QUERY + "response.documents",))
