"""The metadata that Dify's tracing providers put on their spans (Phoenix) and observations
(Langfuse), read from `SpanReading.metadata`.

Facts, read in Dify's `base_trace_instance` and its providers (1.6 to after 1.14): the metadata of a
node are those of its execution, of a run or message those of the trace task.
"""

from typing import Any

from runs.recording.decoding.dialects.span_reading import SpanReading
from runs.recording.decoding.dify.branches import branch_of
from runs.recording.decoding.dify.vocabulary import (
    ENDED_BADLY,
    NODE_STATUSES,
    RUN_STATUSES,
    duration_us,
    step_status,
    text_or_none,
)
from runs.recording.records.usage import cost, to_count, usage

MESSAGE_STATUSES = {
    "normal": "succeeded",
    "error": "failed",
    "stopped": "stopped",
    "paused": "paused",
}
MESSAGE_STEPS = {"moderation": "moderation", "dataset_retrieval": "knowledge-retrieval"}
TEST_REQUEST = "Dify's test request arrived, which it sends when tracing is set up. It is no run."
# Their times are those of the database; the engine's own events have whole seconds only.
RANK = {"started_us": 1, "ended_us": 1}


def read_node(reading: SpanReading, execution_id: Any, title: Any, attribute: str) -> None:
    """Read one execution of a node; `attribute` is where the title was sent. No graph id is sent,
    so that the title is the key of the node."""
    metadata = reading.metadata
    identify_by(reading, execution_id)
    reading.fields["rank"] = RANK
    reading.fill("kind", str(metadata["node_type"]), "metadata.node_type")
    reading.fill("title", text_or_none(title), attribute)
    reading.fill("node_id", text_or_none(title), attribute)
    _read_node_iteration(reading)
    read_status(reading, metadata.get("status"))
    reading.fields["handled"] = reading.fields.get("status") == "exception"
    read_usage(reading)
    for name in ("ls_model_name", "model_name"):
        reading.fill("model", text_or_none(metadata.get(name)), f"metadata.{name}")
    for name in ("ls_provider", "model_provider"):
        reading.fill("provider", text_or_none(metadata.get(name)), f"metadata.{name}")


def identify_by(reading: SpanReading, dify_id: Any) -> None:
    """Identify the step by Dify's own id, which every way of receiving it has. The id of the span
    is kept, because it may be the parent of other spans."""
    span_id = reading.span.span_id
    if isinstance(dify_id, str) and dify_id and dify_id != span_id:
        reading.fields["source_id"] = dify_id
        reading.fields["span_ids"] = (span_id,)
        reading.read_from["source_id"] = (reading.dialect, "metadata")


def fill_branch(
    reading: SpanReading, kind: str, outputs: Any, attribute: str, process_data: Any = None
) -> None:
    """Fill in the branch that a node chose."""
    branch = branch_of(kind, outputs, process_data, reading.metadata)
    reading.fill("taken", branch.name, attribute)
    if branch.rank:
        reading.fields["rank"] = {**reading.fields.get("rank", {}), "taken": branch.rank}


def _read_node_iteration(reading: SpanReading) -> None:
    attributes, metadata = reading.attributes, reading.metadata
    for kind in ("iteration", "loop"):
        for attribute, value in (
            (f"dify.node.{kind}_index", attributes.get(f"dify.node.{kind}_index")),
            (f"metadata.{kind}_index", metadata.get(f"{kind}_index")),
        ):
            reading.fill("iteration_index", to_count(value), attribute)
        reading.fill_from("container", f"dify.node.{kind}_id")
        reading.fill("container", text_or_none(metadata.get(f"{kind}_id")), f"metadata.{kind}_id")


def read_status(reading: SpanReading, status: Any) -> None:
    if isinstance(status, str) and status in NODE_STATUSES:
        reading.fill("status", status, "metadata.status")
    if reading.fields.get("status") in ENDED_BADLY:
        message = text_or_none(reading.metadata.get("status_message"))
        reading.fill("error", message, "metadata.status_message")


def read_usage(reading: SpanReading) -> None:
    attributes, metadata = reading.attributes, reading.metadata
    counts = [
        to_count(attributes.get(f"llm.token_count.{name}", metadata.get(f"{name}_tokens")))
        for name in ("prompt", "completion", "total")
    ]
    if any(counts):  # a node that uses no model has the usage 0
        reading.fill("usage", usage(*counts), "metadata.total_tokens")
    money = cost(metadata.get("total_price"), metadata.get("currency"))
    if money is not None and money.amount:
        reading.fill("cost", money, "metadata.total_price")


def read_run(reading: SpanReading, entity: str) -> None:
    metadata = reading.metadata
    conversation, message_id = metadata.get("conversation_id"), metadata.get("message_id")
    reading.fields["is_run"] = True
    # A workflow that another one uses as a tool: its parent is the tool's node.
    reading.fields["nested"] = bool(metadata.get("parent_trace_context"))
    if reading.fields["nested"]:
        reading.fields["called_app"] = text_or_none(metadata.get("app_name"))
    elif caller := text_or_none(metadata.get("linked_parent_workflow_run_id")):
        reading.fields["links"] = (f"{caller}:",)
    reading.fields["rank"] = RANK
    identify_by(reading, metadata.get("workflow_run_id") if entity == "workflow" else message_id)
    reading.fill("kind", "workflow" if entity == "workflow" else "chain", "name")
    reading.fill("title", text_or_none(metadata.get("app_name")) or entity, "metadata.app_name")
    is_chat = entity == "message" or bool(conversation or message_id)
    reading.fill_run("mode", "chatflow" if is_chat else "workflow", "metadata.conversation_id")
    reading.fill_run("conversation", text_or_none(conversation), "metadata.conversation_id")
    for name in ("workflow_run_version", "version"):
        reading.fill_run("version", text_or_none(metadata.get(name)), f"metadata.{name}")
    _read_run_user(reading)
    for name in ("triggered_from", "from_source"):
        reading.fill_run("trigger", text_or_none(metadata.get(name)), f"metadata.{name}")
    status = metadata.get("status")
    status = status if entity == "workflow" else MESSAGE_STATUSES.get(str(status))
    if isinstance(status, str) and status in RUN_STATUSES:
        reading.fill_run("status", status, "metadata.status")
    read_status(reading, step_status(str(status)))
    _read_source_ids(reading)
    tokens = to_count(metadata.get("total_tokens"))
    reading.fill_run("reported_tokens", tokens, "metadata.total_tokens")
    reading.fill_run("reported_duration_us", _run_duration_us(metadata), "metadata.elapsed_time")


def _read_run_user(reading: SpanReading) -> None:
    """Read the user: the caller's own user id first, then Dify's ids of end user and account."""
    for name in ("end_user_id", "from_end_user_id", "user_id", "from_account_id"):
        reading.fill_run("user", text_or_none(reading.metadata.get(name)), f"metadata.{name}")


def _read_source_ids(reading: SpanReading) -> None:
    metadata = reading.metadata
    ids = tuple(
        (kind, str(metadata[name]))
        for kind, name in (("dify-run", "workflow_run_id"), ("dify-message", "message_id"))
        if metadata.get(name)
    )
    if ids:
        reading.fill_run("source_ids", ids, "metadata")


def read_message_step(reading: SpanReading) -> None:
    """Read a step of a chat app's turn; some are traces of their own that only the message id
    joins."""
    metadata = reading.metadata
    entity = str(metadata.get("trace_entity_type", ""))
    reading.fill("kind", MESSAGE_STEPS.get(entity), "metadata.trace_entity_type")
    _read_source_ids(reading)
    conversation = text_or_none(metadata.get("conversation_id"))
    reading.fill_run("conversation", conversation, "metadata.conversation_id")
    if entity != "message":
        return
    if metadata.get("workflow_run_id"):
        # In a chatflow the nodes did the work; this span repeats the sum of their usage.
        reading.fields.update(folded=True, usage=None)
    elif message_id := text_or_none(metadata.get("message_id")):
        identify_by(reading, f"{message_id[:120]}/llm")
    if metadata.get("ls_model_name"):
        reading.fill("title", str(metadata["ls_model_name"]), "metadata.ls_model_name")
    reading.fill("model", text_or_none(metadata.get("ls_model_name")), "metadata.ls_model_name")
    status = MESSAGE_STATUSES.get(str(metadata.get("status")))
    read_status(reading, status)


def _run_duration_us(metadata: dict[str, Any]) -> int | None:
    seconds = metadata.get("workflow_run_elapsed_time") or metadata.get("elapsed_time")
    return duration_us(seconds)
