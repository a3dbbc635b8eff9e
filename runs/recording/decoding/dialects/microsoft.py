"""Microsoft's frameworks: workflows of the Agent Framework, and the spans of AutoGen's runtime and
Semantic Kernel around model and tool calls, which follow the GenAI conventions.

Facts: their own sources. A workflow is `workflow.run`; below it are `executor.process ID` for each
step and, between them, `edge_group.process …` and `message.send`. AutoGen's spans of messages are
named `autogen create|send|publish|process|ack …`. An agent of AutoGen gives the error of a tool
back to its model and goes on; its own span is an error where the agent raised.
"""

import re

from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.records.span import Span

NAME = "microsoft"
WORKFLOW_SPANS = ("workflow.run", "workflow_invoke")
EXECUTOR = "executor.process"
EDGE_SPANS = ("edge_group.process", "message.send")
AUTOGEN = "autogen "
AUTOGEN_SCOPE = "autogen-core"
TEAM_NAMES = ("messaging.destination", "recipient_agent_type", "sender_agent_type")
TEAM_ID = re.compile(r"(?<=_)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
FUNCTION_LOOP = "AutoFunctionInvocationLoop"


def applies(span: Span, prefixes: set[str]) -> bool:
    names = (*WORKFLOW_SPANS, EXECUTOR, *EDGE_SPANS, AUTOGEN, FUNCTION_LOOP)
    return span.name.startswith(names) or span.scope.startswith(AUTOGEN_SCOPE)


def read(reading: SpanReading) -> None:
    span, attributes = reading.span, reading.attributes
    if span.name.startswith(WORKFLOW_SPANS) and "workflow.id" in attributes:
        reading.fill("kind", "workflow", "name")
        reading.fill("is_run", True, "name")
        reading.fill_from("title", "workflow.name")
        reading.fill_run_from("name", "workflow.name")
    elif "executor.id" in attributes:
        reading.fill("kind", "task", "executor.id")
        reading.fill_from("node_id", "executor.id")
        reading.fill_from("title", "executor.id")
    elif span.name.startswith(AUTOGEN) and _read_autogen_team(reading):
        reading.fill("folded", True, "name")
        if span.parent_span_id is None:  # the team has no span of its own
            reading.fields |= {"is_run": True, "envelope": True}
    elif attributes.get("gen_ai.operation.name") == "execute_tool":
        reading.fill("handled", True, "scope")
    elif _is_wrapper_span(span):
        reading.fill("folded", True, "name")


def _read_autogen_team(reading: SpanReading) -> bool:
    """Read the id of a team, which all agents and topics of one run of it have in their names: its
    messages are traces of their own. Return whether there is one."""
    for name in TEAM_NAMES:
        if match := TEAM_ID.search(str(reading.attributes.get(name, ""))):
            reading.fill_run("source_ids", (("autogen-team", match[0]),), name)
            return True
    return False


def _is_wrapper_span(span: Span) -> bool:
    if span.parent_span_id is None:
        return False
    attributes = span.attributes
    if span.name.startswith(AUTOGEN):
        return "messaging.operation" in attributes
    if span.name.startswith(FUNCTION_LOOP):
        return span.scope.startswith("semantic_kernel")
    return any(name.startswith(("edge_group.", "message.")) for name in attributes)
