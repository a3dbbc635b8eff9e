"""The conversation log of an app, and one conversation turn by turn; the same for machines."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from nodes.http import HtmxHttpRequest, render_region
from nodes.ids import as_uuid
from runs.access import ReadRequest, refusal, session_or_read_key
from runs.json.conversation import ConversationDetailJson, conversation_json
from runs.json.run import run_json
from runs.lookup import app_or_404, conversation_or_404
from runs.models import App, Conversation, Run
from runs.models.run import RunQuerySet
from runs.pages.conversations.forms import ConversationsForm
from runs.pages.conversations.tables import (
    NO_CONVERSATIONS,
    NO_MATCH,
    ConversationTable,
    TurnTable,
)
from runs.pages.conversations.turns import read_all_turns
from runs.pages.notes.notes import note_counts
from runs.paging import BadCursor, Order, Page, page_of

TURNS_BEFORE = 5  # shown before the turn that a link leads to
NEWEST_FIRST = Order("last_run_at")
OLDEST_FIRST = Order("started_at", descending=False)


def conversation_page(app: App, form: ConversationsForm, after: str) -> Page[Conversation]:
    """Return a page of the conversations that a form narrows. Raises BadCursor, also where the form
    is not valid."""
    if not form.is_valid():
        raise BadCursor(" ".join(form.sentences))
    conversations = Conversation.objects.of_app(app).narrowed(**form.cleaned_data)
    return page_of(conversations.for_list(), NEWEST_FIRST, after)


def turn_page(conversation: Conversation, after: str, runs: RunQuerySet) -> Page[Run]:
    """Return a page of the conversation's runs, read as `runs` says, oldest first."""
    return page_of(runs.turns_of(conversation), OLDEST_FIRST, after)


def cursor_before(conversation: Conversation, turn: str) -> str:
    """Return the cursor of the page that shows the turn of the run `turn` after a few others; ""
    for the first page."""
    turns = Run.objects.turns_of(conversation)
    run_id = as_uuid(turn)
    run = turns.filter(pk=run_id).first() if run_id else None
    if run is None:
        return ""
    [earlier] = OLDEST_FIRST.before(turns, run)
    last = earlier[TURNS_BEFORE : TURNS_BEFORE + 1].first()
    return OLDEST_FIRST.cursor(last) if last else ""


def _turns_until(conversation: Conversation, first: Run) -> int:
    """Return how many turns there are before `first`."""
    [earlier] = OLDEST_FIRST.before(Run.objects.turns_of(conversation), first)
    return earlier.count()


@require_safe
def conversation_list(request: HtmxHttpRequest, slug: str) -> HttpResponse:
    app = app_or_404(slug)
    form = ConversationsForm(request.GET)
    context: dict[str, Any] = {"app": app, "tab": "conversations", "form": form}
    try:
        page = conversation_page(app, form, request.GET.get("after", ""))
        empty = NO_MATCH if any(form.cleaned_data.values()) else NO_CONVERSATIONS
        context |= {"page": page, "table": ConversationTable(page.rows, empty=empty)}
    except BadCursor as problem:
        context["problems"] = [str(problem)]
    return render_region(
        request, "conversations/conversations.html", "conversations/_conversations.html", context
    )


@require_safe
def conversation(request: HtmxHttpRequest, conversation_id: UUID) -> HttpResponse:
    conversation = conversation_or_404(conversation_id)
    context: dict[str, Any] = {
        "conversation": conversation,
        "app": conversation.app,
        "tab": "conversations",
    }
    after = request.GET.get("after", "")
    if turn := request.GET.get("turn", ""):
        after = after or cursor_before(conversation, turn)
    try:
        page = turn_page(conversation, after, Run.objects.for_list())
        counts = note_counts([run.pk for run in page.rows], request.user.get_username())
        earlier = _turns_until(conversation, page.rows[0]) if after and page.rows else 0
        table = TurnTable(read_all_turns(page.rows), first_number=earlier + 1)
        context |= {"page": page, "table": table, "note_counts": counts}
    except BadCursor as problem:
        context["problems"] = [str(problem)]
    return render_region(
        request, "conversations/conversation.html", "conversations/_turns.html", context
    )


@require_safe
@session_or_read_key
def conversation_list_twin(request: ReadRequest, slug: str) -> HttpResponse:
    app = app_or_404(slug, request.only_app)
    base_url = request.build_absolute_uri("/")[:-1]
    try:
        form = ConversationsForm(request.GET)
        page = conversation_page(app, form, request.GET.get("after", ""))
    except BadCursor as problem:
        return refusal(400, str(problem))
    rows = [conversation_json(row, base_url) for row in page.rows]
    return JsonResponse({"conversations": rows, "next": _next_conversations_url(request, page)})


@require_safe
@session_or_read_key
def conversation_twin(request: ReadRequest, conversation_id: UUID) -> HttpResponse:
    conversation = conversation_or_404(conversation_id, request.only_app)
    base_url = request.build_absolute_uri("/")[:-1]
    try:
        runs = Run.objects.for_list().with_sources()
        page = turn_page(conversation, request.GET.get("after", ""), runs)
    except BadCursor as problem:
        return refusal(400, str(problem))
    payload: ConversationDetailJson = {
        **conversation_json(conversation, base_url),
        "runs": [run_json(run, base_url) for run in page.rows],
        "next": _next_conversations_url(request, page),
    }
    return JsonResponse(payload)


def _next_conversations_url(request: ReadRequest, page: Page[Any]) -> str | None:
    """Return the absolute URL of the next page, None after the last one."""
    if not page.next:
        return None
    query = request.GET.copy()
    query["after"] = page.next
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
