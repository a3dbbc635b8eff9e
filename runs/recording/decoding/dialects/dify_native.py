"""Dify's own OpenTelemetry (`ENABLE_OTEL`): spans of the running server, exported while it works.

Facts, read in Dify's `api/extensions/otel` and `core/app/workflow/layers/observability.py`:
- A node span is named by the node's title; `node.id` is its id in the graph, `node.execution_id`
  that of the execution. Steps inside an iteration or loop are below its span; passes have no index.
- Two spans are around a run: the service that takes the request, and the runner that does the work
  (named `….WorkflowAppRunner.run`, `….AdvancedChatAppRunner.run`). The id "unknown" means none.
- Neither a run id nor a price is sent, and no status but the span's own.
- The same exporter sends every web request, task, query and HTTP call of the server, and calls of
  its own methods: details of the step that they happened in, and of no interest as steps. They are
  wrappers. A trace that holds nothing else is recorded like any other, in the app named by the
  service, as a run without steps: runs of apps go to apps of their own, by the app's id.
- The service's version is `dify-<version>-<commit>`.
"""

from typing import Any

from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.span import Span

NAME = "dify-native"

# Its values are the engine's own. Dify's other tracing sends the prompt as the inputs of an LLM
# node, and the title in place of the graph id.
RANK = {"inputs": 1, "outputs": 1, "process_data": 1, "node_id": 1}
# First parts of attribute names that spans of the server's own work never have.
STEP_PREFIXES = frozenset({"gen_ai", "dify", "openinference", "llm"})
# The runner's class is part of the span's name.
CHAT_RUNNERS = ("AdvancedChatAppRunner", "AgentChatAppRunner", "ChatAppRunner")
RUNNER = "AppRunner.run"
RUN_FACTS = (
    ("user", "gen_ai.user.id"),
    ("trigger", "dify.invoke_from"),
    ("version", "dify.workflow_id"),
)


def applies(span: Span, prefixes: set[str]) -> bool:
    attributes = span.attributes
    if "node.execution_id" in attributes and attributes.get("gen_ai.framework") == "dify":
        return True
    if "dify.app_id" in attributes and "dify.streaming" in attributes:
        return True
    return prefixes.isdisjoint(STEP_PREFIXES) and is_server(span.resource)


def is_server(resource: dict[str, Any]) -> bool:
    """Return whether a resource is Dify's server."""
    version = str(resource.get("service.version", ""))
    service = str(resource.get("service.name", ""))
    return version.startswith("dify-") or service.startswith("langgenius/dify")


def read(reading: SpanReading) -> None:
    if "node.execution_id" in reading.attributes:
        _read_native_node(reading)
    elif "dify.app_id" in reading.attributes:
        _read_native_run(reading)
    else:
        _read_server_span(reading)
    reading.settle_run("version")  # that of the service is Dify's, not the workflow's


def _read_server_span(reading: SpanReading) -> None:
    reading.fields["folded"] = True
    reading.fields["is_run"] = reading.span.parent_span_id is None
    reading.fill("kind", "http-request" if _is_http_call(reading.span) else "span", "resource")


def _is_http_call(span: Span) -> bool:
    return span.kind == "client" and not any(
        name.startswith(("db.", "messaging.")) for name in span.attributes
    )


def _read_native_run(reading: SpanReading) -> None:
    name = reading.span.name
    is_runner = name.endswith(RUNNER)
    reading.fields["is_run"] = True
    reading.fill("kind", "workflow" if is_runner else "chain", "name")
    reading.fill("title", name.rsplit(".", 2)[-2] if name.count(".") > 1 else name, "name")
    reading.fill("service", _id_or_none(reading, "dify.app_id"), "dify.app_id")
    for field, attribute in RUN_FACTS:
        reading.fill_run(field, _id_or_none(reading, attribute), attribute)
        reading.settle_run(field)
    if is_runner:
        mode = "chatflow" if any(f".{runner}." in name for runner in CHAT_RUNNERS) else "workflow"
        reading.fill_run("mode", mode, "name")


def _read_native_node(reading: SpanReading) -> None:
    kind = str(reading.attributes.get("node.type") or "task")
    reading.fill_from("source_id", "node.execution_id")
    reading.fields["span_ids"] = (reading.span.span_id,)
    reading.fields["is_run"] = False
    reading.fields["rank"] = RANK
    reading.fill("kind", kind, "node.type")
    reading.fill("title", reading.span.name, "name")
    reading.fill_from("node_id", "node.id")
    # As in Dify: inputs are the node's variables, and the prompts made of them are process data.
    reading.fill_payload("inputs", "input.value", is_json=True)
    reading.fill_payload("outputs", "output.value", is_json=True)
    prompts = reading.parsed("gen_ai.prompt")
    if isinstance(prompts, list) and prompts:
        reading.fill("process_data", {"prompts": prompts}, "gen_ai.prompt")
        reading.consume(("gen_ai.prompt",))


def _id_or_none(reading: SpanReading, attribute: str) -> Any:
    value = reading.attributes.get(attribute)
    return None if value in (None, "", "unknown") else str(value)
