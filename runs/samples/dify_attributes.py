"""Attributes that Dify's trace provider writes the same on every span: sender, failures, usage and
prices, model and messages."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from opentelemetry.proto.trace.v1 import trace_pb2

from runs.samples.calls import ModelCall
from runs.samples.schedule import SECOND
from runs.samples.spans import ERROR, Producer, SampleEvent, dumps

MILLION = Decimal("0.000001")
JSON_TYPE = "application/json"


def dify_producer(project: str) -> Producer:
    return Producer(
        (("openinference.project.name", project), ("model_id", project)),
        f"arize_phoenix_tracer_{project}",
    )


def input_and_output(inputs: Any, outputs: Any) -> dict[str, Any]:
    return {
        "input.value": dumps(inputs),
        "input.mime_type": JSON_TYPE,
        "output.value": dumps(outputs),
        "output.mime_type": JSON_TYPE,
    }


def dify_failure(
    message: str, at_us: int
) -> "tuple[tuple[trace_pb2.Status.StatusCode.ValueType, str], list[SampleEvent]]":
    """Return status and events of a span that failed: the provider knows a text, no exception."""
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


def dify_usage(call: ModelCall) -> dict[str, Any]:
    """Return the `usage` of a model node, with Dify's prices as strings and seconds as numbers."""
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


def usage_totals(usage: dict[str, Any]) -> dict[str, Any]:
    return {key: usage[key] for key in ("total_tokens", "total_price", "currency")}


def prompt_message(role: str, text: str) -> dict[str, Any]:
    """Return a message as a model node's process data keep it."""
    return {"role": role, "text": text, "files": []}


def plugin_name(call: ModelCall) -> str:
    """Return the provider as Dify's plugins name it."""
    return f"langgenius/{call.model.provider}/{call.model.provider}"


def model_attributes(call: ModelCall, prompts: list[dict[str, Any]]) -> dict[str, Any]:
    """Return model and messages; the prompts take the place of the node's inputs."""
    attributes = {
        "input.value": dumps(prompts),
        "llm.provider": plugin_name(call),
        "llm.model_name": call.model.name,
    }
    for number, prompt in enumerate(prompts):
        attributes[f"llm.input_messages.{number}.message.role"] = prompt["role"]
        attributes[f"llm.input_messages.{number}.message.content"] = prompt["text"]
    return attributes


def version_label(published_us: int) -> str:
    """Return the name that Dify gives a version: when it was published (UTC, without a zone)."""
    published = datetime.fromtimestamp(published_us // SECOND, UTC).replace(tzinfo=None)
    return published.isoformat(" ") + ".120000"
