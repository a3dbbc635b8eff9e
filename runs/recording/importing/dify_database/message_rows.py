"""Rows of `messages` and `message_agent_thoughts` as records, of feedback and annotations as notes.
Pure.

Facts: chat, agent and completion apps have messages only: each is a run. The message of a chatflow
belongs to a workflow run. A message has no status of its own while it is answered: once it is done
it has an answer, a latency or an error. A thought names its tools in one text, separated by `;`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from runs.recording.decoding.dify.vocabulary import THUMBS, duration_us, mapping, text
from runs.recording.importing.dify_database.columns import (
    DIALECT,
    NEAREST,
    TableRow,
    json_of,
    moment,
)
from runs.recording.records.record import Cost, NodeRecord, NoteRecord, RunFacts, Usage, Value
from runs.recording.records.usage import cost, to_count, usage

STATUSES = {"normal": "succeeded", "error": "failed", "stopped": "stopped", "paused": "paused"}


@dataclass(frozen=True, slots=True)
class Turn:
    """One message with what belongs to it: its thoughts in order, and who asked."""

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
        return text(self.row["workflow_run_id"])

    @property
    def status(self) -> str:
        row = self.row
        told = STATUSES.get(str(row["status"] or "normal"), "succeeded")
        asked = not (row["answer"] or row["error"] or duration_us(row["provider_response_latency"]))
        return "running" if told == "succeeded" and asked else told

    @property
    def times(self) -> tuple[int | None, int | None]:
        started = moment(self.row["created_at"])
        lasted = duration_us(self.row["provider_response_latency"])
        if self.status in ("running", "paused"):
            return started, None
        if started is not None and lasted is not None:
            return started, started + lasted
        return started, moment(self.row["updated_at"])


def turn_records(turn: Turn) -> list[NodeRecord]:
    """The message as the record of its run; of an app without a workflow also its model call, or
    the agent with its thoughts."""
    records = [_message(turn)]
    if turn.run_id is None:
        answer = f"{turn.id}/llm"
        records.append(_answer(turn, answer))
        records += [_thought(turn, thought, answer) for thought in turn.thoughts]
    return records


def _message(turn: Turn) -> NodeRecord:
    row, status = turn.row, turn.status
    started, ended = turn.times
    done = status not in ("running", "paused")
    inputs = mapping(json_of(row["inputs"]))
    ids = (("dify-run", turn.run_id), ("dify-message", turn.id))
    spent = cost(row["total_price"], row["currency"]) if done else None
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
        inputs={"query": row["query"], **inputs} if inputs else text(row["query"]),
        outputs=text(row["answer"]) if done else None,
        process_data=_metadata(row) if done else None,
        error=text(row["error"]),
        received={"attributes": _about(row)},
        read_from={"inputs": (DIALECT, "messages.query"), "outputs": (DIALECT, "messages.answer")},
        rank=NEAREST,
        run=RunFacts(
            mode="chatflow" if turn.is_chat else "workflow",
            conversation=text(row["conversation_id"]) if turn.is_chat else None,
            user=turn.user,
            trigger=text(row["invoke_from"]) or text(row["from_source"]),
            status=status if done and turn.run_id is None else None,
            source_ids=tuple((kind, value) for kind, value in ids if value),
            reported_cost=spent if spent and spent.amount else None,
        ),
    )  # fmt: skip


def _about(row: TableRow) -> dict[str, Any]:
    names = ("app_mode", "invoke_from", "from_source", "parent_message_id", "agent_based", "status")
    return {name: row[name] for name in names if row[name] is not None}


def _metadata(row: TableRow) -> Value:
    """Documents and annotations that the answer rests on; the usage is on the model call."""
    told = mapping(json_of(row["message_metadata"]))
    return {name: value for name, value in told.items() if value and name != "usage"} or None


def _answer(turn: Turn, source_id: str) -> NodeRecord:
    """The model call that made the answer, or the agent that thought it out."""
    row, status = turn.row, turn.status
    done = status not in ("running", "paused")
    started, ended = turn.times
    is_agent = bool(turn.thoughts)
    model = text(row["model_id"])
    return NodeRecord(
        trace=turn.id,
        source_id=source_id,
        service=turn.service,
        title="Agent" if is_agent else model or "llm",
        kind="agent" if is_agent else "llm",
        parent_source_id=turn.id,
        status=status,
        started_us=started,
        ended_us=ended,
        inputs=json_of(row["message"]) if done else None,
        outputs=text(row["answer"]) if done else None,
        model=model,
        provider=text(row["model_provider"]),
        usage=_usage(row["message_tokens"], row["answer_tokens"]) if done else None,
        cost=_cost(row["total_price"], row["currency"]) if done else None,
        error=text(row["error"]),
        read_from={
            "inputs": (DIALECT, "messages.message"),
            "outputs": (DIALECT, "messages.answer"),
        },
        rank=NEAREST,
    )


def _thought(turn: Turn, row: TableRow, agent: str) -> NodeRecord:
    """One round of an agent: what it thought, the tools that it called and what they gave back."""
    done = turn.status not in ("running", "paused")
    tool, said = text(row["tool"]), text(row["thought"])
    started, lasted = moment(row["created_at"]), duration_us(row["latency"])
    ended = started + lasted if started is not None and lasted is not None else None
    answer = text(row["observation"]) or text(row["answer"])
    return NodeRecord(
        trace=turn.id,
        source_id=str(row["id"]),
        service=turn.service,
        title=(tool or "").replace(";", ", ") or f"Thought {row['position'] or ''}".strip(),
        kind="tool" if tool else "task",
        parent_source_id=agent,
        status="succeeded" if done else "running",
        started_us=started,
        ended_us=ended if done else None,
        inputs=json_of(row["tool_input"]) if done else None,
        outputs=json_of(answer) if done else None,
        process_data={"thought": said} if done and said else None,
        usage=_usage(row["message_token"], row["answer_token"]),
        cost=_cost(row["total_price"], row["currency"]),
        rank=NEAREST,
    )


def _usage(asked: Any, answered: Any) -> Usage | None:
    found = usage(to_count(asked), to_count(answered))
    return found if found and found.total else None


def _cost(amount: Any, currency: Any) -> Cost | None:
    found = cost(amount, currency)
    return found if found and found.amount else None


def feedback_note(row: TableRow, author: str | None) -> NoteRecord:
    rating = text(row["rating"]) or ""
    return NoteRecord(
        about=str(row["message_id"]),
        source="dify-feedback",
        source_id=str(row["id"]),
        name="thumbs",
        number=THUMBS.get(rating),
        label=rating,
        text=text(row["content"]) or "",
        author=author or text(row["from_source"]) or "",
        created_us=moment(row["updated_at"]) or moment(row["created_at"]),
    )


def annotation_note(row: TableRow, author: str | None) -> NoteRecord:
    """The answer that somebody wrote in place of the model's."""
    return NoteRecord(
        about=str(row["message_id"]),
        source="dify-annotation",
        source_id=str(row["id"]),
        name="annotation",
        text=text(row["content"]) or "",
        author=author or "",
        created_us=moment(row["updated_at"]) or moment(row["created_at"]),
    )
