"""The time to the first token, in each form in which producers report it."""

from datetime import UTC, datetime

import orjson
import pytest

from nodes.compression import pack
from nodes.models import NodeExecution
from nodes.trace.first_token import first_token_us

BEGAN = datetime(2026, 12, 1, 12, tzinfo=UTC)
BEGAN_US = 1_796_126_400_000_000


def chunk(name, after_us):
    return {"name": name, "time_us": BEGAN_US + after_us, "attributes": {}}


@pytest.mark.parametrize(
    "received",
    [
        {"attributes": {"gen_ai.response.time_to_first_chunk": 0.25}},
        {"attributes": {"ai.response.msToFirstChunk": 250}},
        {"attributes": {"gen_ai.server.time_to_first_token": 0.25}},
        {"attributes": {"langfuse.observation.completion_start_time": "2026-12-01T12:00:00.25Z"}},
        {"events": [chunk("First Token Stream Event", 250_000)]},
        {"events": [chunk("llm.content.completion.chunk", at) for at in (900_000, 250_000)]},
    ],
)
@pytest.mark.parametrize("moved_us", [0, 7_200_000_000])
def test_each_form_is_read_by_the_clock_of_its_own_service(received, moved_us):
    step = NodeExecution(started_at=BEGAN)
    if moved_us:
        step.started_at = datetime(2026, 12, 1, 14, tzinfo=UTC)
        step.hints = f'{{"clock":["parts",{moved_us}]}}'
    step.received_body = pack(orjson.dumps(received))[1]
    assert first_token_us(step) == 250_000


@pytest.mark.parametrize(
    "received",
    [
        {},
        {"events": [chunk("exception", 5)]},
        {"events": [chunk("First Token Stream Event", -5)]},
        {"attributes": {"gen_ai.response.time_to_first_chunk": "soon"}},
    ],
)
def test_nothing_is_made_up(received):
    step = NodeExecution(started_at=BEGAN, received_body=pack(orjson.dumps(received))[1])
    assert first_token_us(step) is None
