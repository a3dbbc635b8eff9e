"""The conversations of an app, and the turns of one conversation, as tables."""

from collections.abc import Iterable
from typing import Any

from runs.pages.conversations.turns import ConversationTurn
from runs.tables import CellColumn, EmptyState, NumberColumn, RecordTable, TimeColumn

NO_CONVERSATIONS = EmptyState(
    "No conversations yet", "Runs that name a conversation, session or thread are grouped here."
)
NO_MATCH = EmptyState("No such conversation", "No conversation of this app has all of that.")


class ConversationTable(RecordTable):
    """Rows come from `Conversation.objects.for_list()`."""

    caption = "Conversations"
    empty = NO_CONVERSATIONS
    record_name = "conversation"

    last_status = CellColumn(
        "Last turn",
        '{% include "components/_status.html" with status=conversation.last_status'
        " label=conversation.last_status_label only %}",
        label="",
    )
    last_run_at = TimeColumn("When", "conversation.last_run_at")
    opening = CellColumn(
        "Opening message and last answer",
        '<a class="summary" href="{{ conversation.get_absolute_url }}">'
        '<span class="summary-line" dir="auto">'
        "{{ conversation.opening|default:conversation.source_id|visible }}</span>"
        "{% if conversation.last_answer %}"
        '<span class="summary-line muted" dir="auto">'
        "→ {{ conversation.last_answer|visible }}</span>"
        "{% endif %}</a>",
        css="cell-summary",
        label="",
    )
    turns = NumberColumn("Turns", "{{ conversation.turns }}")
    failures = NumberColumn(
        "Failed",
        "{{ conversation.failures }}",
        css="num{% if conversation.failures %} danger{% endif %}",
    )
    tokens = NumberColumn(
        "Tokens",
        "{% if conversation.tokens %}{{ conversation.tokens|tokens }}{% else %}–{% endif %}",
    )
    cost = NumberColumn("Cost", "{{ conversation.cost|money:conversation.cost_currency }}")
    user = CellColumn(
        "User",
        '<span dir="auto">{{ conversation.user|visible|default:"–" }}</span>',
        css="cell-word",
    )

    class Meta:
        attrs = {"class": "table conversations-table"}


class TurnTable(RecordTable):
    """Rows are ConversationTurn objects, numbered from `first_number`; the page's context has
    `note_counts` by run. Each row is written as a block: question and answer above what is known of
    the run."""

    caption = "Turns"
    empty = EmptyState("No turns", "The runs of this conversation have been removed.")
    row_attributes = 'class="turn" id="turn-{{ turn.key }}" data-row'

    question = CellColumn(
        "User", template="conversations/_question_cell.html", css="said said-user", label=""
    )
    answer = CellColumn(
        "Answer", template="conversations/_answer_cell.html", css="said said-app", label=""
    )
    status = CellColumn(
        "Status",
        "{% if turn.step %}"
        '{% include "components/_status.html" with status=turn.step.status'
        " label=turn.status_label only %}"
        '{% else %}{% include "components/_status.html" with run=run only %}{% endif %}',
        label="",
    )
    started_at = TimeColumn("When", "part.started_at", label="")
    duration_us = CellColumn(
        "Time",
        "{% if part.duration_us is not None %}{{ part.duration_us|duration }}{% endif %}",
        label="",
    )
    total_tokens = CellColumn(
        "Tokens",
        "{% if run.total_tokens and not turn.step %}"
        "{{ run.total_tokens|tokens }} tokens{% endif %}",
        label="",
    )
    cost = CellColumn(
        "Cost",
        "{% if run.cost is not None and not turn.step %}"
        "{{ run.cost|money:run.cost_currency }}{% endif %}",
        label="",
    )
    run = CellColumn(
        "Run",
        '<a href="{{ turn.url }}">Open {% if turn.step %}step{% else %}run{% endif %}'
        '<span class="visually-hidden"> of turn {{ number }}</span></a>',
        css="turn-run",
        label="",
    )
    # Notes are on a run: of one that holds several turns they stand at the last.
    notes = CellColumn(
        "Notes",
        "{% load notes %}{% if not turn.step or turn.step.turn == run.turns %}"
        '{% include "notes/_note_turn.html" with counts=note_counts|for_run:run %}{% endif %}',
        label="",
    )

    class Meta:
        attrs = {"class": "table turns-table"}

    def __init__(
        self, turns: Iterable[ConversationTurn], *, first_number: int = 1, **options: Any
    ) -> None:
        super().__init__(enumerate(turns, first_number), **options)

    def record_context(self, record: tuple[int, ConversationTurn]) -> dict[str, Any]:
        number, turn = record
        return {"number": number, "turn": turn, "run": turn.run, "part": turn.step or turn.run}
