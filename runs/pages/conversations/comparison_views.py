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
from runs.pages.conversations.comparison import MAX_TURNS, TurnColumn, turn_columns

CHOICES = 50  # turns to choose from, the newest
USUAL = 3  # turns that are shown where none are chosen


def chosen_runs(
    request: HtmxHttpRequest, conversation: Conversation
) -> tuple[list[Run], list[Run]]:
    """(the turns asked for, six at most, else the newest three; those to choose from), in order.
    `runs` may be repeated, or one list with commas. Three queries."""
    turns = Run.objects.turns_of(conversation).for_list()
    newest = list(turns[:CHOICES])[::-1]
    told = [part for one in request.GET.getlist("runs") for part in one.split(",")]
    ids = [found for part in told[: MAX_TURNS * 4] if (found := as_uuid(part.strip()))]
    chosen = list(turns.filter(pk__in=ids)[:MAX_TURNS]) if ids else []
    return chosen[::-1] or newest[-USUAL:], newest


@require_safe
def turn_compare(request: HtmxHttpRequest, conversation_id: UUID) -> HttpResponse:
    found = conversation_or_404(conversation_id)
    runs, newest = chosen_runs(request, found)
    context: dict[str, Any] = {
        "conversation": found,
        "app": found.app,
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
    found = conversation_or_404(conversation_id, request.only_app)
    base_url = request.build_absolute_uri("/")[:-1]
    runs, _ = chosen_runs(request, found)
    told = [column_json(column, base_url) for column in turn_columns(runs)]
    return json_response({"conversation": str(found.id), "turns": told})


def column_json(column: TurnColumn, base_url: str) -> TurnJson:
    way: list[TurnStepJson] = [
        {"title": one.title, "status": one.status, "taken": one.taken or None} for one in column.way
    ]
    return {
        "run": run_json(column.run, base_url),
        "question": column.turn.asked.text or None,
        "answer": column.turn.answered.text or None,
        "way": way,
        "way_left_out": column.left_out,
    }
