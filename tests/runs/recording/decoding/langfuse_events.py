"""Events of Langfuse's REST ingestion, written by hand."""

from typing import Any

TRACE = "95591fad-6457-47e1-ae95-6a42684baee3"
START, END = "2026-11-20T10:00:00.000Z", "2026-11-20T10:00:02.500Z"


def langfuse_event(kind: str, body: dict[str, Any], envelope_id: str = "e1") -> dict[str, Any]:
    return {"id": envelope_id, "type": kind, "timestamp": START, "body": body}


# A trace with two observations, an update of each kind, and a score.
CHAT_EVENTS = [
    langfuse_event(
        "trace-create",
        {"id": TRACE, "timestamp": START, "name": "support", "userId": "u-1", "sessionId": "s-1",
         "input": {"question": "Where is my order?"}, "tags": ["web"], "version": "1.4"},
        "1",
    ),
    langfuse_event(
        "span-create",
        {"id": "o1", "traceId": TRACE, "name": "look up", "startTime": START,
         "input": {"order": "A-17"}},
        "2",
    ),
    langfuse_event(
        "generation-create",
        {"id": "o2", "traceId": TRACE, "parentObservationId": "o1", "name": "answer",
         "startTime": START, "endTime": END, "model": "gpt-4o", "level": "DEFAULT",
         "input": [{"role": "user", "content": "Where is my order?"}],
         "output": {"role": "assistant", "content": "On its way."},
         "usage": {"input": 12, "output": 5, "unit": "TOKENS"}},
        "3",
    ),
    langfuse_event(
        "span-update", {"id": "o1", "traceId": TRACE, "endTime": END, "output": "shipped"}, "4"
    ),
    langfuse_event("trace-create", {"id": TRACE, "output": "On its way."}, "5"),
    langfuse_event(
        "score-create",
        {"id": "sc1", "traceId": TRACE, "name": "quality", "value": 0.9, "comment": "good"},
        "6",
    ),
]  # fmt: skip
