"""Dify's own OpenTelemetry (`ENABLE_OTEL`): spans of the running server, exported while it works.

Facts, read in Dify's `api/extensions/otel` and `core/app/workflow/layers/observability.py`, and
seen on the wire (1.14):
- A node span is named by the node's title; `node.id` is its id in the graph, `node.execution_id`
  that of the execution.
- Two spans are around a run: the service that takes the request, and the runner that does the work
  (named `….WorkflowAppRunner.run`, `….AdvancedChatAppRunner.run`). The id "unknown" means none.
- No price is sent, and no status but the span's own. The runner's span ends well whatever happens:
  the error that ended the run is an `exception` event of it. The step that failed ends well as
  well, without outputs.
- The run's id, the conversation and the question are among the outputs of the Start node (`sys.…`).
- A node that is tried again has a span for each attempt, all with the id of the one execution.
- No spans are sent for the steps inside iterations and loops.
- The same exporter sends every web request, task, query and HTTP call of the server, and calls of
  its own methods, whether they belong to a run or not. They are set aside.
- The service's version is `dify-<version>-<commit>`.
"""

from typing import Any

from runs.recording.decoding.dialects import dify_metadata
from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.decoding.dify.vocabulary import text_or_none
from runs.recording.records.json_text import object_or_empty
from runs.recording.records.span import Span

NAME = "dify-native"

# The service is Dify's server, not an app. The values are the engine's own: Dify's other tracing
# sends the prompt as the inputs of an LLM node, and the title in place of the graph id.
RANK = {"inputs": 1, "outputs": 1, "process_data": 1, "node_id": 1, "service": -2}
SERVER_WORK = (
    "Set aside: the work of Dify's server itself, such as web requests, queues and databases."
    " It is no part of a run."
)
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
        reading.ignored, reading.remark = True, SERVER_WORK
    reading.settle_run("version")  # that of the service is Dify's, not the workflow's


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
    # The id is the app's name only as long as nobody tells its name.
    reading.fields["rank"] = {"service": -1}
    for event in reversed(reading.span.events):
        if event.name == "exception":
            message = text_or_none(event.attributes.get("exception.message"))
            reading.fill("status", "failed", "exception")
            reading.fill("error", message, "exception.message")
            break
    if is_runner:
        mode = "chatflow" if any(f".{runner}." in name for runner in CHAT_RUNNERS) else "workflow"
        reading.fill_run("mode", mode, "name")


def _read_native_node(reading: SpanReading) -> None:
    execution_id = str(reading.attributes["node.execution_id"])
    kind = str(reading.attributes.get("node.type") or "task")
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
    outputs = object_or_empty(reading.fields.get("outputs"))
    dify_metadata.fill_branch(reading, kind, outputs, "output.value")
    if kind == "start":
        _read_system_variables(reading, outputs)
    reading.fields["attempt_of"] = execution_id
    if outputs:
        reading.fill("source_id", execution_id, "node.execution_id")
        return
    # It may have failed, and been tried again.
    reading.fill("source_id", f"{execution_id[:100]}/{reading.span.span_id}", "node.execution_id")
    if reading.span.status != "error":
        reading.fields["status"] = None


def _read_system_variables(reading: SpanReading, variables: dict[str, Any]) -> None:
    """Read what the outputs of a Start node say about the run."""
    if run_id := text_or_none(variables.get("sys.workflow_run_id")):
        reading.fill_run("source_ids", (("dify-run", run_id),), "output.value")
    for field, name in (("conversation", "sys.conversation_id"), ("user", "sys.user_id")):
        reading.fill_run(field, text_or_none(variables.get(name)), "output.value")
    query = text_or_none(variables.get("sys.query"))
    inputs = reading.fields.get("inputs")
    if query and isinstance(inputs, dict | None):
        reading.fields["inputs"] = {"sys.query": query, **(inputs or {})}


def _id_or_none(reading: SpanReading, attribute: str) -> Any:
    value = reading.attributes.get(attribute)
    return None if value in (None, "", "unknown") else str(value)
