"""Rows of `messages` and `message_agent_thoughts` as records, of feedback and annotations as notes.
Pure.

Facts: chat, agent and completion apps have messages only: each is a run. The message of a chatflow
belongs to a workflow run. A message has no status of its own while it is answered: once it is done
it has an answer, a latency or an error. A thought names its tools in one text, separated by `;`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from runs.recording.decoding.dify.vocabulary import THUMBS, duration_us, text_or_none
from runs.recording.importing.dify_database.column_values import (
    DIALECT,
    NEAREST,
    TableRow,
    column_us,
    json_value,
)
from runs.recording.records.json_text import object_or_empty
from runs.recording.records.record import Cost, NodeRecord, NoteRecord, RunFacts, Usage, Value
from runs.recording.records.usage import cost, to_count, usage

STATUSES = {"normal": "succeeded", "error": "failed", "stopped": "stopped", "paused": "paused"}
# Columns that are kept as what was received.
MESSAGE_DETAILS = (
    "app_mode", "invoke_from", "from_source", "parent_message_id", "agent_based", "status",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class MessageTurn:
    """One message with what belongs to it: its thoughts in order, and the user who sent it."""

    row: TableRow
    service: str
    user: str | None = None
    is_chat: bool = True  # False: a completion app, whose conversations are one message each
    thoughts: Sequence[TableRow] = ()

    @property
    def id(self) -> str:
        return str(self.row["id"])

    @property
    def run_id(self) -> str | None:
        return text_or_none(self.row["workflow_run_id"])

    @property
    def status(self) -> str:
        row = self.row
        status = STATUSES.get(str(row["status"] or "normal"), "succeeded")
        latency = duration_us(row["provider_response_latency"])
        is_unanswered = not (row["answer"] or row["error"] or latency)
        return "running" if status == "succeeded" and is_unanswered else status

    @property
    def is_done(self) -> bool:
        return self.status not in ("running", "paused")

    @property
    def times(self) -> tuple[int | None, int | None]:
        """Start and end in microseconds."""
        started = column_us(self.row["created_at"])
        latency = duration_us(self.row["provider_response_latency"])
        if not self.is_done:
            return started, None
        if started is not None and latency is not None:
            return started, started + latency
        return started, column_us(self.row["updated_at"])


def turn_records(turn: MessageTurn) -> list[NodeRecord]:
    """Return the message as the record of its run; in an app without a workflow also its model
    call, or the agent with its thoughts."""
    records = [_message_record(turn)]
    if turn.run_id is None:
        answer_id = f"{turn.id}/llm"
        records.append(_answer_record(turn, answer_id))
        records += [_thought_record(turn, thought, answer_id) for thought in turn.thoughts]
    return records


def _message_record(turn: MessageTurn) -> NodeRecord:
    row, status, is_done = turn.row, turn.status, turn.is_done
    started, ended = turn.times
    inputs = object_or_empty(json_value(row["inputs"]))
    ids = (("dify-run", turn.run_id), ("dify-message", turn.id))
    reported_cost = cost(row["total_price"], row["currency"]) if is_done else None
    return NodeRecord(
        trace=turn.run_id or turn.id,
        source_id=turn.id,
        service=turn.service,
        title="message",
        kind="chain",
        is_run=True,
        status=status,
        started_us=started,
        ended_us=ended,
        inputs={"query": row["query"], **inputs} if inputs else text_or_none(row["query"]),
        outputs=text_or_none(row["answer"]) if is_done else None,
        process_data=_answer_sources(row) if is_done else None,
        error=text_or_none(row["error"]),
        received={
            "attributes": {name: row[name] for name in MESSAGE_DETAILS if row[name] is not None}
        },
        read_from={"inputs": (DIALECT, "messages.query"), "outputs": (DIALECT, "messages.answer")},
        rank=NEAREST,
        run=RunFacts(
            mode="chatflow" if turn.is_chat else "workflow",
            conversation=text_or_none(row["conversation_id"]) if turn.is_chat else None,
            user=turn.user,
            trigger=text_or_none(row["invoke_from"]) or text_or_none(row["from_source"]),
            status=status if is_done and turn.run_id is None else None,
            source_ids=tuple((kind, value) for kind, value in ids if value),
            reported_cost=reported_cost if reported_cost and reported_cost.amount else None,
        ),
    )  # fmt: skip


def _answer_sources(row: TableRow) -> Value:
    """Return documents and annotations that the answer rests on; the usage is on the model call."""
    metadata = object_or_empty(json_value(row["message_metadata"]))
    return {name: value for name, value in metadata.items() if value and name != "usage"} or None


def _answer_record(turn: MessageTurn, source_id: str) -> NodeRecord:
    """Return the model call that made the answer, or the agent that thought it out."""
    row, is_done = turn.row, turn.is_done
    started, ended = turn.times
    is_agent = bool(turn.thoughts)
    model = text_or_none(row["model_id"])
    return NodeRecord(
        trace=turn.id,
        source_id=source_id,
        service=turn.service,
        title="Agent" if is_agent else model or "llm",
        kind="agent" if is_agent else "llm",
        parent_source_id=turn.id,
        status=turn.status,
        started_us=started,
        ended_us=ended,
        inputs=json_value(row["message"]) if is_done else None,
        outputs=text_or_none(row["answer"]) if is_done else None,
        model=model,
        provider=text_or_none(row["model_provider"]),
        usage=_usage_unless_zero(row["message_tokens"], row["answer_tokens"]) if is_done else None,
        cost=_cost_unless_zero(row["total_price"], row["currency"]) if is_done else None,
        error=text_or_none(row["error"]),
        read_from={
            "inputs": (DIALECT, "messages.message"),
            "outputs": (DIALECT, "messages.answer"),
        },
        rank=NEAREST,
    )


def _thought_record(turn: MessageTurn, row: TableRow, agent: str) -> NodeRecord:
    """Return one round of an agent: what it thought, the tools that it called and what they
    returned. `agent` is the source id of the step above."""
    is_done = turn.is_done
    tool, thought = text_or_none(row["tool"]), text_or_none(row["thought"])
    started, latency = column_us(row["created_at"]), duration_us(row["latency"])
    ended = started + latency if started is not None and latency is not None else None
    answer = text_or_none(row["observation"]) or text_or_none(row["answer"])
    return NodeRecord(
        trace=turn.id,
        source_id=str(row["id"]),
        service=turn.service,
        title=(tool or "").replace(";", ", ") or f"Thought {row['position'] or ''}".strip(),
        kind="tool" if tool else "task",
        parent_source_id=agent,
        status="succeeded" if is_done else "running",
        started_us=started,
        ended_us=ended if is_done else None,
        inputs=json_value(row["tool_input"]) if is_done else None,
        outputs=json_value(answer) if is_done else None,
        process_data={"thought": thought} if is_done and thought else None,
        usage=_usage_unless_zero(row["message_token"], row["answer_token"]),
        cost=_cost_unless_zero(row["total_price"], row["currency"]),
        rank=NEAREST,
    )


def _usage_unless_zero(input_tokens: Any, output_tokens: Any) -> Usage | None:
    reported = usage(to_count(input_tokens), to_count(output_tokens))
    return reported if reported and reported.total else None


def _cost_unless_zero(amount: Any, currency: Any) -> Cost | None:
    reported = cost(amount, currency)
    return reported if reported and reported.amount else None


def feedback_note(row: TableRow, author: str | None) -> NoteRecord:
    rating = text_or_none(row["rating"]) or ""
    return NoteRecord(
        about=str(row["message_id"]),
        source="dify-feedback",
        source_id=str(row["id"]),
        name="thumbs",
        number=THUMBS.get(rating),
        label=rating,
        text=text_or_none(row["content"]) or "",
        author=author or text_or_none(row["from_source"]) or "",
        created_us=column_us(row["updated_at"]) or column_us(row["created_at"]),
    )


def annotation_note(row: TableRow, author: str | None) -> NoteRecord:
    """Return the answer that somebody wrote in place of the model's."""
    return NoteRecord(
        about=str(row["message_id"]),
        source="dify-annotation",
        source_id=str(row["id"]),
        name="annotation",
        text=text_or_none(row["content"]) or "",
        author=author or "",
        created_us=column_us(row["updated_at"]) or column_us(row["created_at"]),
    )
