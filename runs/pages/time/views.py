"""Where the time of a run went, and what each node cost."""

from typing import Any, get_args
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from nodes import formats
from nodes.http import HtmxHttpRequest, render_region
from nodes.kinds import kind_of
from nodes.trace.loading import Span
from nodes.trace.run_time import RunTime, load_run_time
from nodes.trace.time_spent import PathLine, Sort, Spent
from runs.access import ReadRequest, refusal, session_or_read_key
from runs.json.execution import amount, json_response
from runs.lookup import run_or_404
from runs.models import Run
from runs.pages.run.header import header_of

COLUMNS: tuple[tuple[Sort, str], ...] = (
    ("own", "Own time"),
    ("path", "On the critical path"),
    ("most", "Longest"),
    ("times", "Executions"),
    ("tokens", "Tokens"),
    ("cost", "Cost"),
)


def sort_of(text: str) -> Sort:
    """The column asked for; what is unknown is the first."""
    return next((sort for sort in get_args(Sort) if sort == text), "own")


@require_safe
def page(request: HtmxHttpRequest, run_id: UUID) -> HttpResponse:
    run = run_or_404(run_id)
    sort = sort_of(request.GET.get("sort", ""))
    found = load_run_time(run.id, span_of(run), sort)
    base = reverse("run-tracing", args=[run.id])
    context: dict[str, Any] = {
        "tab": "time",
        "template": "time/_time.html",
        "run": run,
        "header": header_of(run),
        "found": found,
        "sort": sort,
        "columns": COLUMNS,
        "nodes": [_spent(one, found, base) for one in found.nodes],
        "kinds": [_spent(one, found) for one in found.kinds],
        "gaps": [
            {"name": name, "lasted": lasted, "times": times} for name, lasted, times in found.gaps
        ],
        "lines": [_line(line, found, base) for line in found.lines],
    }
    return render_region(request, "run/run.html", "run/_tab.html", context)


def span_of(run: Run) -> Span:
    """From its start to its end; of a run that goes on to now."""
    return Span(run.started_at, timezone.now() if run.live else run.ended_at)


def _share(lasted: int, found: RunTime) -> int:
    """In percent of the run without waits for people; parallel steps add up to more than 100."""
    return round(lasted * 100 / found.worked)


def _spent(one: Spent, found: RunTime, base: str = "") -> dict[str, Any]:
    text = found.texts.get(one.example)
    title = formats.visible(text.title) if text and base else ""
    return {
        "spent": one,
        "title": title or one.key or "(no name)",
        "kind": kind_of(one.kind),
        "share": None if one.kind == "human-input" else _share(one.own, found),
        "url": f"{base}{UUID(one.example)}/" if base else "",
        "cost": " + ".join(formats.money(cost, currency) for currency, cost in one.costs.items()),
    }


def _line(line: PathLine, found: RunTime, base: str) -> dict[str, Any]:
    entry = line.entry
    text = found.texts.get(entry.id) if entry and entry.id else None
    title = formats.visible(text.title) if text else ""
    if entry and entry.form == "pass":
        title = f"Pass {entry.number}"
    return {
        "line": line,
        "title": title,
        "kind": kind_of(entry.step.kind) if entry and entry.step else None,
        "url": f"{base}{UUID(entry.id)}/" if text and entry else "",
        "limited": line.start in found.limited,
        "first_token": found.first_tokens.get(entry.id) if entry else None,
        "bar": found.scale.place(line.start, line.start + line.lasted),
    }


@require_safe
@session_or_read_key
def twin(request: ReadRequest, run_id: UUID) -> HttpResponse:
    """Times in microseconds; `path` are the stretches of the critical path, short ones together."""
    run = run_or_404(run_id, request.only_app)
    told = request.GET.get("sort", "own")
    if told not in get_args(Sort):
        return refusal(400, f"“sort” must be one of {', '.join(get_args(Sort))}.")
    found = load_run_time(run.id, span_of(run), sort_of(told))
    return json_response(
        {
            "run": str(run.id),
            "duration_us": found.scale.end - found.scale.start,
            "worked_us": found.worked,
            "nodes": [_spent_json(one) for one in found.nodes],
            "nodes_in_all": found.node_count,
            "kinds": [_spent_json(one) for one in found.kinds],
            "gaps": [
                {"name": name, "duration_us": lasted, "times": times}
                for name, lasted, times in found.gaps
            ],
            "path": [_line_json(line, found) for line in found.lines],
            "steps_left_out": found.left_out,
        }
    )


def _spent_json(one: Spent) -> dict[str, Any]:
    return {
        "key": one.key,
        "kind": one.kind,
        "times": one.times,
        "self_us": one.own,
        "longest_us": max(one.most, 0),
        "critical_us": one.path,
        "tokens": one.tokens,
        "cost": amount(one.cost),
        "currency": one.currency or None,
        "costs": {currency: amount(cost) for currency, cost in one.costs.items()},
        "longest_execution": str(UUID(one.example)),
    }


def _line_json(line: PathLine, found: RunTime) -> dict[str, Any]:
    entry = line.entry
    return {
        "after_us": line.start - found.scale.start,
        "duration_us": line.lasted,
        "execution": str(UUID(entry.id)) if entry and entry.id else None,
        "node_id": entry.step.node_id if entry and entry.step else None,
        "gap": line.gap or None,
        "rate_limited": line.start in found.limited,
        "first_token_us": found.first_tokens.get(entry.id) if entry else None,
        "short_parts": line.short or None,
    }
