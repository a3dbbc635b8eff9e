"""Where the time of a run went, and what each node cost."""

from typing import Any, get_args
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from nodes import formats
from nodes.http import HtmxHttpRequest, render_region
from nodes.kinds import kind_of
from nodes.trace.time_spent import CriticalPathLine, TimeSort, TimeSpent
from runs.access import ReadRequest, refusal, session_or_read_key
from runs.json.time import PathStretchJson, TimeSpentJson
from runs.json.values import decimal_text, json_response
from runs.lookup import run_or_404
from runs.pages.run_header.run_header import header_of
from runs.pages.time.run_time import RunTime, load_run_time
from runs.pages.tracing.views import run_period

COLUMNS: tuple[tuple[TimeSort, str], ...] = (
    ("own", "Own time"),
    ("path", "On the critical path"),
    ("most", "Longest"),
    ("times", "Executions"),
    ("tokens", "Tokens"),
    ("cost", "Cost"),
)


def sort_of(text: str) -> TimeSort:
    """Return the column named `text`; for an unknown name the first."""
    return next((sort for sort in get_args(TimeSort) if sort == text), "own")


@require_safe
def time_page(request: HtmxHttpRequest, run_id: UUID) -> HttpResponse:
    run = run_or_404(run_id)
    sort = sort_of(request.GET.get("sort", ""))
    run_time = load_run_time(run.id, run_period(run), sort)
    tracing_url = reverse("run-tracing", args=[run.id])
    context: dict[str, Any] = {
        "tab": "time",
        "template": "time/_time.html",
        "run": run,
        "header": header_of(run, request.GET.get("list", "")),
        "run_time": run_time,
        "sort": sort,
        "columns": COLUMNS,
        "nodes": [_spent_row(spent, run_time, tracing_url) for spent in run_time.nodes],
        "kinds": [_spent_row(spent, run_time) for spent in run_time.kinds],
        "gaps": [
            {"name": name, "lasted": lasted, "times": times}
            for name, lasted, times in run_time.gaps
        ],
        "lines": [_path_row(line, run_time, tracing_url) for line in run_time.lines],
    }
    return render_region(request, "run/run.html", "run/_tab.html", context)


def _share(lasted: int, run_time: RunTime) -> int:
    """Return `lasted` in percent of the run without waits for people; parallel steps add up to more
    than 100."""
    return round(lasted * 100 / run_time.worked)


def _spent_row(spent: TimeSpent, run_time: RunTime, tracing_url: str = "") -> dict[str, Any]:
    execution = run_time.executions.get(spent.example)
    title = formats.visible(execution.title) if execution and tracing_url else ""
    costs = [formats.money(cost, currency) for currency, cost in spent.costs.items()]
    return {
        "spent": spent,
        "title": title or spent.key or "(no name)",
        "kind": kind_of(spent.kind),
        "share": None if spent.kind == "human-input" else _share(spent.own, run_time),
        "url": f"{tracing_url}{UUID(spent.example)}/" if tracing_url else "",
        "cost": " + ".join(costs),
    }


def _path_row(line: CriticalPathLine, run_time: RunTime, tracing_url: str) -> dict[str, Any]:
    entry = line.entry
    execution = run_time.executions.get(entry.id) if entry and entry.id else None
    title = formats.visible(execution.title) if execution else ""
    if entry and entry.form == "pass":
        title = f"Iteration {entry.number}"
    return {
        "line": line,
        "title": title,
        "kind": kind_of(entry.step.kind) if entry and entry.step else None,
        "url": f"{tracing_url}{UUID(entry.id)}/" if execution and entry else "",
        "limited": line.start in run_time.limited,
        "first_token": run_time.first_tokens.get(entry.id) if entry else None,
        "bar": run_time.scale.place(line.start, line.start + line.lasted),
    }


@require_safe
@session_or_read_key
def time_json(request: ReadRequest, run_id: UUID) -> HttpResponse:
    """Return the page as JSON. Times in microseconds; `path` are the stretches of the critical
    path, short ones together."""
    run = run_or_404(run_id, request.only_app)
    sort = request.GET.get("sort", "own")
    if sort not in get_args(TimeSort):
        return refusal(400, f"“sort” must be one of {', '.join(get_args(TimeSort))}.")
    run_time = load_run_time(run.id, run_period(run), sort_of(sort))
    return json_response(
        {
            "run": str(run.id),
            "duration_us": run_time.scale.end - run_time.scale.start,
            "worked_us": run_time.worked,
            "nodes": [_spent_json(spent) for spent in run_time.nodes],
            "nodes_in_all": run_time.node_count,
            "kinds": [_spent_json(spent) for spent in run_time.kinds],
            "gaps": [
                {"name": name, "duration_us": lasted, "times": times}
                for name, lasted, times in run_time.gaps
            ],
            "path": [_path_json(line, run_time) for line in run_time.lines],
            "steps_left_out": run_time.left_out,
        }
    )


def _spent_json(spent: TimeSpent) -> TimeSpentJson:
    return {
        "key": spent.key,
        "kind": spent.kind,
        "times": spent.times,
        "self_us": spent.own,
        "longest_us": max(spent.most, 0),
        "critical_us": spent.path,
        "tokens": spent.tokens,
        "cost": decimal_text(spent.cost),
        "currency": spent.currency or None,
        "costs": {currency: decimal_text(cost) for currency, cost in spent.costs.items()},
        "longest_execution": str(UUID(spent.example)),
    }


def _path_json(line: CriticalPathLine, run_time: RunTime) -> PathStretchJson:
    entry = line.entry
    return {
        "after_us": line.start - run_time.scale.start,
        "duration_us": line.lasted,
        "execution": str(UUID(entry.id)) if entry and entry.id else None,
        "node_id": entry.step.node_id if entry and entry.step else None,
        "gap": line.gap or None,
        "rate_limited": line.start in run_time.limited,
        "first_token_us": run_time.first_tokens.get(entry.id) if entry else None,
        "short_parts": line.short or None,
    }
