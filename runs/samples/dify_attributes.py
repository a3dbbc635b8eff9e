"""What Dify's trace provider writes the same way everywhere: sender, failures, usage and prices."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from opentelemetry.proto.trace.v1 import trace_pb2

from runs.samples.calls import ModelCall
from runs.samples.schedule import SECOND
from runs.samples.spans import ERROR, Producer, SampleEvent, dumps

MILLION = Decimal("0.000001")


def producer(project: str) -> Producer:
    return Producer(
        (("openinference.project.name", project), ("model_id", project)),
        f"arize_phoenix_tracer_{project}",
    )


def failure(
    message: str, at_us: int
) -> "tuple[tuple[trace_pb2.Status.StatusCode.ValueType, str], list[SampleEvent]]":
    """Status and event of a span that failed: the provider knows a text, no exception."""
    event = SampleEvent(
        "exception",
        at_us,
        {
            "exception.type": "str",
            "exception.message": message,
            "exception.escaped": False,
            "exception.stacktrace": message,
        },
    )
    return (ERROR, message), [event]


def usage(call: ModelCall) -> dict[str, Any]:
    """`usage` of a model node, with Dify's prices as strings and seconds as numbers."""
    model = call.model
    prompt_price = call.input_tokens * model.input_price * MILLION
    completion_price = call.output_tokens * model.output_price * MILLION
    return {
        "prompt_tokens": call.input_tokens,
        "prompt_unit_price": str(model.input_price),
        "prompt_price_unit": str(MILLION),
        "prompt_price": format(prompt_price, "f"),
        "completion_tokens": call.output_tokens,
        "completion_unit_price": str(model.output_price),
        "completion_price_unit": str(MILLION),
        "completion_price": format(completion_price, "f"),
        "total_tokens": call.total_tokens,
        "total_price": format(prompt_price + completion_price, "f"),
        "currency": "USD",
        "latency": call.took_us / SECOND,
        "time_to_first_token": call.first_token_us / SECOND,
        "time_to_generate": (call.took_us - call.first_token_us) / SECOND,
    }


def prompt(role: str, text: str) -> dict[str, Any]:
    """A message as a model node's process data keep it."""
    return {"role": role, "text": text, "files": []}


def plugin_of(call: ModelCall) -> str:
    """The provider as Dify's plugins name it."""
    return f"langgenius/{call.model.provider}/{call.model.provider}"


def model_attributes(call: ModelCall, prompts: list[dict[str, Any]]) -> dict[str, Any]:
    """Model and messages; the prompts take the place of the node's inputs."""
    attributes = {
        "input.value": dumps(prompts),
        "llm.provider": plugin_of(call),
        "llm.model_name": call.model.name,
    }
    for number, one in enumerate(prompts):
        attributes[f"llm.input_messages.{number}.message.role"] = one["role"]
        attributes[f"llm.input_messages.{number}.message.content"] = one["text"]
    return attributes


def price_of(used: dict[str, Any]) -> dict[str, Any]:
    return {key: used[key] for key in ("total_tokens", "total_price", "currency")}


def version_label(published_us: int) -> str:
    """Dify names a version by the moment of its publication (UTC, without a zone)."""
    moment = datetime.fromtimestamp(published_us // SECOND, UTC).replace(tzinfo=None)
    return moment.isoformat(" ") + ".120000"
