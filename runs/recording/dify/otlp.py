"""Dify's Phoenix exporter: OpenInference with peculiarities.

Facts, read in Dify's `arize_phoenix_trace.py` (1.6 to after 1.14) and seen on the wire:
- `metadata` (JSON text) tells nearly everything. On a node span `node_id` is the id of the
  execution and `app_name` the title of the node; no graph id is sent, so the title is its key.
- The root span ("Dify", or named by the run) has the time of the dispatch, after its own children.
- Before 1.14.1 the run is a span `workflow` and nodes are named by their bare type, directly
  below it. Since then the run is `workflow_<run id>`, and a node is the child of its predecessor.
- Passes of iterations and loops are synthetic spans, in newer versions only.
- `exception` (an error that a strategy handled) is told by `metadata.status` alone.
- `session.id` is the conversation, or else the run itself.
"""

from decimal import Decimal, InvalidOperation
from typing import Any

from runs.recording.dialects.reading import Reading
from runs.recording.dialects.usage import cost, usage, whole
from runs.recording.jsontext import readable
from runs.recording.spans import Span

NAME = "dify"

RUN_STATUSES = frozenset(
    {"running", "paused", "succeeded", "partial-succeeded", "failed", "stopped"}
)
NODE_STATUSES = frozenset(
    {"running", "paused", "succeeded", "failed", "exception", "retry", "stopped"}
)
MESSAGE_STATUSES = {
    "normal": "succeeded",
    "error": "failed",
    "stopped": "stopped",
    "paused": "paused",
}
MESSAGE_STEPS = {"moderation": "moderation", "dataset_retrieval": "knowledge-retrieval"}
# Its times are those of the database; what the engine's own events say has only whole seconds.
RANK = {"started_us": 1, "ended_us": 1}
MARKS = ("dify.node.execution_id", "dify_trace_id", "dify.wrapper.synthetic")


def applies(span: Span, spoken: set[str]) -> bool:
    told = span.attributes
    if span.scope.startswith("arize_phoenix_tracer_"):
        return True
    for mark in MARKS:
        if mark in told:
            return True
    metadata = told.get("metadata")
    return isinstance(metadata, str) and '"created_from"' in metadata and '"Dify"' in metadata


def read(reading: Reading) -> None:
    told, metadata = reading.attributes, reading.metadata
    if reading.span.name == "api_check" and "test" in told:
        reading.ignored = True
        return
    _read_service(reading)
    if "dify_trace_id" in told:
        _read_dispatch(reading)
    elif "dify.wrapper.synthetic" in told:
        _read_pass(reading)
    elif "node_type" in metadata:
        _read_node(reading)
    elif metadata.get("trace_entity_type") == "workflow" or "workflow_run_version" in metadata:
        _read_run(reading, "workflow")
    elif reading.span.name == "message":
        _read_run(reading, "message")
    else:
        _read_message_step(reading)
    reading.settle_run("conversation")  # session.id, which comes next, may be the run itself


def _read_service(reading: Reading) -> None:
    """The project names the app; where it was left at its default, the app's name or id does."""
    project = reading.span.resource.get("openinference.project.name")
    if project != "default":
        return
    metadata = reading.metadata
    if "node_type" not in metadata:
        reading.fill("service", _text(metadata.get("app_name")), "metadata.app_name")
    reading.fill("service", _text(metadata.get("app_id")), "metadata.app_id")


def _read_dispatch(reading: Reading) -> None:
    # Its id may be an X-Trace-Id that several runs share, so it joins nothing.
    fields = reading.fields
    fields.update(
        folded=True, is_run=False, started_us=None, ended_us=None, status=None, error=None
    )
    reading.fill("title", "Dify", "name")
    reading.fill("kind", "span", "")


def _read_pass(reading: Reading) -> None:
    told = reading.attributes
    reading.fields["folded"] = True
    reading.fill("kind", "chain", "")
    reading.fill("pass_index", whole(told.get("dify.wrapper.index")), "dify.wrapper.index")
    reading.fill_from("container", "dify.wrapper.container_execution_id")


def _read_node(reading: Reading) -> None:
    metadata = reading.metadata
    node_type = str(metadata["node_type"])
    name = reading.span.name
    reading.fields["chained"] = True
    _know_by(reading, reading.attributes.get("dify.node.execution_id") or metadata.get("node_id"))
    reading.fields["rank"] = RANK
    reading.fill("kind", node_type, "metadata.node_type")
    reading.fill("title", _text(metadata.get("app_name")), "metadata.app_name")
    reading.fill("title", name.removeprefix(f"{node_type}_"), "name")
    reading.fill("node_id", _text(metadata.get("app_name")), "metadata.app_name")
    _read_iteration(reading)
    _read_status(reading, metadata.get("status"), NODE_STATUSES)
    reading.fields["handled"] = reading.fields.get("status") == "exception"
    _read_usage(reading)
    reading.fill("model", _text(metadata.get("ls_model_name")), "metadata.ls_model_name")
    reading.fill("provider", _text(metadata.get("ls_provider")), "metadata.ls_provider")


def _know_by(reading: Reading, dify_id: Any) -> None:
    """By Dify's own id the step is the same through every door; its span may be a parent."""
    if isinstance(dify_id, str) and dify_id:
        reading.fill("source_id", dify_id, "dify.node.execution_id")
        reading.fields["span_ids"] = (reading.span.span_id,)


def _read_iteration(reading: Reading) -> None:
    told, metadata = reading.attributes, reading.metadata
    for kind in ("iteration", "loop"):
        for attribute, value in (
            (f"dify.node.{kind}_index", told.get(f"dify.node.{kind}_index")),
            (f"metadata.{kind}_index", metadata.get(f"{kind}_index")),
        ):
            reading.fill("iteration_index", whole(value), attribute)
        reading.fill_from("container", f"dify.node.{kind}_id")
        reading.fill("container", _text(metadata.get(f"{kind}_id")), f"metadata.{kind}_id")


def _read_status(reading: Reading, status: Any, known: frozenset[str]) -> None:
    if isinstance(status, str) and status in known:
        reading.fill("status", status, "metadata.status")
    if reading.fields.get("status") not in ("failed", "exception", "retry", "stopped"):
        return
    reading.fill("error", _text(reading.metadata.get("status_message")), "metadata.status_message")
    output = reading.attributes.get("output.value")
    if isinstance(output, str) and '"error_type"' in output:
        from_output = _json(output).get("error_type")
        reading.fill("error_type", _text(from_output), "output.value.error_type")
    # The exception event has "str" for its type, because Dify records a text as an exception.
    if all(event.attributes.get("exception.type") == "str" for event in reading.span.events):
        reading.fields.setdefault("error_type", None)


def _read_usage(reading: Reading) -> None:
    told, metadata = reading.attributes, reading.metadata
    counts = [
        whole(told.get(f"llm.token_count.{name}", metadata.get(f"{name}_tokens")))
        for name in ("prompt", "completion", "total")
    ]
    reading.fill("usage", usage(*counts), "metadata.total_tokens")
    money = cost(metadata.get("total_price"), metadata.get("currency"))
    reading.fill("cost", money, "metadata.total_price")


def _read_run(reading: Reading, entity: str) -> None:
    metadata = reading.metadata
    conversation, message = metadata.get("conversation_id"), metadata.get("message_id")
    reading.fields["is_run"] = True
    reading.fields["rank"] = RANK
    _know_by(reading, metadata.get("workflow_run_id") if entity == "workflow" else None)
    reading.fill("kind", "workflow" if entity == "workflow" else "chain", "name")
    reading.fill("title", _text(metadata.get("app_name")) or entity, "metadata.app_name")
    is_chat = entity == "message" or bool(conversation or message)
    reading.fill_run("mode", "chatflow" if is_chat else "workflow", "metadata.conversation_id")
    reading.fill_run("conversation", _text(conversation), "metadata.conversation_id")
    for name in ("workflow_run_version", "version"):
        reading.fill_run("version", _text(metadata.get(name)), f"metadata.{name}")
    _read_user(reading)
    for name in ("triggered_from", "from_source"):
        reading.fill_run("trigger", _text(metadata.get(name)), f"metadata.{name}")
    status = metadata.get("status")
    status = status if entity == "workflow" else MESSAGE_STATUSES.get(str(status))
    if isinstance(status, str) and status in RUN_STATUSES:
        reading.fill_run("status", status, "metadata.status")
    # A step has no "partial-succeeded"; the run span itself did end well.
    _read_status(reading, "succeeded" if status == "partial-succeeded" else status, NODE_STATUSES)
    _read_source_ids(reading)
    reading.fill_run(
        "reported_tokens", whole(metadata.get("total_tokens")), "metadata.total_tokens"
    )
    reading.fill_run("reported_duration_us", _duration(metadata), "metadata.elapsed_time")


def _read_user(reading: Reading) -> None:
    """Whoever asked: the caller's own user id first, then Dify's ids of end user and account."""
    for name in ("end_user_id", "from_end_user_id", "user_id", "from_account_id"):
        reading.fill_run("user", _text(reading.metadata.get(name)), f"metadata.{name}")


def _read_source_ids(reading: Reading) -> None:
    metadata = reading.metadata
    ids = tuple(
        (kind, str(metadata[name]))
        for kind, name in (("dify-run", "workflow_run_id"), ("dify-message", "message_id"))
        if metadata.get(name)
    )
    if ids:
        reading.fill_run("source_ids", ids, "metadata")


def _read_message_step(reading: Reading) -> None:
    """Steps of a chat app's turn, some in traces of their own that only the message id joins."""
    metadata = reading.metadata
    entity = str(metadata.get("trace_entity_type", ""))
    reading.fill("kind", MESSAGE_STEPS.get(entity), "metadata.trace_entity_type")
    _read_source_ids(reading)
    reading.fill_run(
        "conversation", _text(metadata.get("conversation_id")), "metadata.conversation_id"
    )
    if entity != "message":
        return
    if metadata.get("workflow_run_id"):
        # In a chatflow the nodes did the work; this span repeats the sum of their usage.
        reading.fields.update(folded=True, usage=None)
    if metadata.get("ls_model_name"):
        reading.fill("title", str(metadata["ls_model_name"]), "metadata.ls_model_name")
    reading.fill("model", _text(metadata.get("ls_model_name")), "metadata.ls_model_name")
    status = MESSAGE_STATUSES.get(str(metadata.get("status")))
    _read_status(reading, status, NODE_STATUSES)


def _duration(metadata: dict[str, Any]) -> int | None:
    """Seconds as Dify writes them, a float, to whole microseconds."""
    told = metadata.get("workflow_run_elapsed_time") or metadata.get("elapsed_time")
    if told is None or isinstance(told, bool):
        return None
    try:
        seconds = Decimal(str(told))
    except InvalidOperation:
        return None
    if not seconds.is_finite() or not 0 < seconds < 10**10:
        return None
    return int(seconds * 1_000_000)


def _json(text: str) -> dict[str, Any]:
    value = readable(text)
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return str(value) if value is not None and value != "" else None
