"""The system prompts of a node: which there were, when, and how they differ."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from runs.access import ReadRequest, session_or_read_key
from runs.json.node import PromptHistoryJson
from runs.json.values import decimal_text, iso_time, json_response
from runs.lookup import app_or_404, printable
from runs.models import App
from runs.pages.prompts.observed_prompts import PromptHistory, prompt_change, prompt_history
from runs.pages.prompts.tables import PromptTable


def prompts_or_404(app: App, node_id: str) -> PromptHistory:
    history = prompt_history(app, node_id) if "\0" not in node_id else None
    if history is None:
        raise Http404(f"Node “{printable(node_id)[:80]}” of {app.name} has not run yet.")
    return history


@require_safe
def prompts(request: HttpRequest, slug: str, node_id: str) -> HttpResponse:
    """List the prompts; `a` and `b` name the two whose difference is shown."""
    app = app_or_404(slug)
    history = prompts_or_404(app, node_id)
    context = {
        "app": app,
        "tab": "nodes",
        "node_id": node_id,
        "history": history,
        "change": prompt_change(history, request.GET.get("a", ""), request.GET.get("b", "")),
        "table": PromptTable(history.prompts),
    }
    return render(request, "prompts/prompts.html", context)


@require_safe
@session_or_read_key
def prompts_twin(request: ReadRequest, slug: str, node_id: str) -> HttpResponse:
    history = prompts_or_404(app_or_404(slug, request.only_app), node_id)
    answer: PromptHistoryJson = {
        "node_id": node_id,
        "title": history.title,
        "executions_read": history.looked_at,
        "older_executions": history.is_cut,
        "prompts": [
            {
                "id": prompt.key,
                "text": prompt.text,
                "first_at": iso_time(prompt.first_at),
                "last_at": iso_time(prompt.last_at),
                "runs": len(prompt.runs),
                "executions": prompt.executions,
                "failed": prompt.failed,
                "models": sorted(prompt.models),
                "costs": [
                    {"amount": decimal_text(amount), "currency": currency or None}
                    for currency, amount in prompt.costs.items()
                ],
            }
            for prompt in history.prompts
        ],
        "prompts_left_out": history.left_out,
    }
    return json_response(answer)
