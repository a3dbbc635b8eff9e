"""Conversations and their turns as JSON."""

from typing_extensions import TypedDict

from runs.json.app import AppRefJson, app_ref
from runs.json.node import CostSumJson
from runs.json.run import ConversationRefJson, RunJson
from runs.json.values import decimal_text, iso_time, page_url
from runs.models import Conversation


class ConversationJson(ConversationRefJson):
    """A conversation of an app; each of its runs is a turn, or holds several."""

    url: str
    app: AppRefJson
    user: str | None
    """The producer's id of the user."""
    started_at: str | None
    last_run_at: str | None
    turns: int
    failures: int
    """How many of its runs failed."""
    opening: str | None
    """The beginning of the first message."""
    last_status: str | None
    last_answer: str | None
    """The beginning of the newest answer."""
    tokens: int
    cost: CostSumJson | None
    """Null where no run has a known cost, or they are in several currencies."""


class ConversationListJson(TypedDict):
    """Conversations of an app, the most recently active first."""

    conversations: list[ConversationJson]
    next: str | None
    """The address of the next page."""


class ConversationDetailJson(ConversationJson):
    """A conversation with a page of its turns, in order."""

    runs: list[RunJson]
    next: str | None
    """The address of the next page."""


class TurnStepJson(TypedDict):
    """A step on the path of a turn."""

    title: str
    status: str
    taken: str | None
    """The branch that a branching step took."""


class TurnJson(TypedDict):
    """A turn: its question, its answer, and the path to the answer."""

    run: RunJson
    question: str | None
    answer: str | None
    way: list[TurnStepJson]
    way_left_out: int
    """How many steps of the path are left out."""


class TurnComparisonJson(TypedDict):
    """Turns of a conversation side by side."""

    conversation: str
    turns: list[TurnJson]


def conversation_json(conversation: Conversation, base_url: str = "") -> ConversationJson:
    """Return a conversation as lists show it. Rows come from `for_list()`."""
    return {
        "id": str(conversation.id),
        "source_id": conversation.source_id,
        "url": page_url(conversation, base_url),
        "app": app_ref(conversation.app),
        "user": conversation.user or None,
        "started_at": iso_time(conversation.started_at),
        "last_run_at": iso_time(conversation.last_run_at),
        "turns": conversation.turns,
        "failures": conversation.failures,
        "opening": conversation.opening or None,
        "last_status": conversation.last_status,
        "last_answer": conversation.last_answer or None,
        "tokens": conversation.tokens,
        "cost": None
        if conversation.cost is None
        else {
            "amount": decimal_text(conversation.cost),
            "currency": conversation.cost_currency or None,
        },
    }
