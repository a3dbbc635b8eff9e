"""Microsoft's frameworks: workflows of the Agent Framework, and what AutoGen's runtime and Semantic
Kernel put around model and tool calls, which follow the GenAI conventions.

Facts: their own sources. A workflow is `workflow.run`; below it are `executor.process ID` for each
step and, between them, `edge_group.process …` and `message.send`. AutoGen's spans of messages are
named `autogen create|send|publish|process|ack …`.
"""

from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.span import Span

NAME = "microsoft"
WORKFLOWS = ("workflow.run", "workflow_invoke")
STEP = "executor.process"
BETWEEN = ("edge_group.process", "message.send")
RUNTIME = "autogen "
LOOP = "AutoFunctionInvocationLoop"


def applies(span: Span, spoken: set[str]) -> bool:
    return span.name.startswith((*WORKFLOWS, STEP, *BETWEEN, RUNTIME, LOOP))


def read(reading: SpanReading) -> None:
    span, told = reading.span, reading.attributes
    if span.name.startswith(WORKFLOWS) and "workflow.id" in told:
        reading.fill("kind", "workflow", "name")
        reading.fill("is_run", True, "name")
        reading.fill_from("title", "workflow.name")
        reading.fill_run_from("name", "workflow.name")
    elif "executor.id" in told:
        reading.fill("kind", "task", "executor.id")
        reading.fill_from("node_id", "executor.id")
        reading.fill_from("title", "executor.id")
    elif _is_between(span):
        reading.fill("folded", True, "name")


def _is_between(span: Span) -> bool:
    if span.parent_span_id is None or span.status == "error":
        return False
    told = span.attributes
    if span.name.startswith(RUNTIME):
        return "messaging.operation" in told
    if span.name.startswith(LOOP):
        return span.scope.startswith("semantic_kernel")
    return any(name.startswith(("edge_group.", "message.")) for name in told)
