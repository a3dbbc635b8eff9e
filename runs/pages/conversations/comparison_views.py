"""Several turns of one conversation side by side."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from nodes.http import HtmxHttpRequest, render_region
from nodes.ids import as_uuid
from runs.access import ReadRequest, session_or_read_key
from runs.json.conversation import TurnJson, TurnStepJson
from runs.json.run import run_json
from runs.json.values import json_response
from runs.lookup import conversation_or_404
from runs.models import Conversation, Run
from runs.models.run import RunQuerySet
from runs.pages.conversations.comparison import MAX_TURNS, TurnColumn, turn_columns

CHOICES = 50  # newest turns that the page offers to choose from


def chosen_runs(
    request: HtmxHttpRequest, conversation: Conversation
) -> tuple[list[Run], list[Run]]:
    """Return (the turns to compare, those to choose from), oldest first. The parameter `runs` names
    up to MAX_TURNS turns, repeated or as one list with commas; without it the first turn and the
    newest are compared. Four queries at most."""
    turns = Run.objects.turns_of(conversation).for_list()
    newest = list(turns[:CHOICES])[::-1]
    names = [name for names in request.GET.getlist("runs") for name in names.split(",")]
    ids = [run_id for name in names[: MAX_TURNS * 4] if (run_id := as_uuid(name.strip()))]
    chosen = list(turns.filter(pk__in=ids)[:MAX_TURNS]) if ids else []
    return chosen[::-1] or _first_and_newest(turns, newest), newest


def _first_and_newest(turns: RunQuerySet, newest: list[Run]) -> list[Run]:
    """Return the turn with which the conversation began, and the newest."""
    if len(newest) <= MAX_TURNS:
        return newest
    first = newest[0] if len(newest) < CHOICES else turns.reverse().first()
    return [*([first] if first else []), *newest[1 - MAX_TURNS :]]


@require_safe
def turn_compare(request: HtmxHttpRequest, conversation_id: UUID) -> HttpResponse:
    conversation = conversation_or_404(conversation_id)
    runs, newest = chosen_runs(request, conversation)
    context: dict[str, Any] = {
        "conversation": conversation,
        "app": conversation.app,
        "columns": turn_columns(runs),
        "chosen": {run.pk for run in runs},
        "turns": newest,
        "most": MAX_TURNS,
        "query": ",".join(str(run.pk) for run in runs),
    }
    return render_region(
        request, "conversations/compare_turns.html", "conversations/_compare_turns.html", context
    )


@require_safe
@session_or_read_key
def turn_compare_twin(request: ReadRequest, conversation_id: UUID) -> HttpResponse:
    conversation = conversation_or_404(conversation_id, request.only_app)
    base_url = request.build_absolute_uri("/")[:-1]
    runs, _ = chosen_runs(request, conversation)
    turns = [_turn_json(column, base_url) for column in turn_columns(runs)]
    return json_response({"conversation": str(conversation.id), "turns": turns})


def _turn_json(column: TurnColumn, base_url: str) -> TurnJson:
    path: list[TurnStepJson] = [
        {"title": step.title, "status": step.status, "taken": step.taken or None}
        for step in column.path
    ]
    return {
        "run": run_json(column.run, base_url),
        "question": column.turn.question.text or None,
        "answer": column.turn.answer.text or None,
        "way": path,
        "way_left_out": column.left_out,
    }
