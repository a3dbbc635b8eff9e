"""TRACING: the way a run took, and the panel of one execution; the same for machines."""

from dataclasses import replace
from functools import cache, partial
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone
from django.views.decorators.http import require_safe
from django_htmx.http import push_url

from nodes.execution_detail import build_panel
from nodes.http import HtmxHttpRequest, render_region, wants_fragment
from nodes.models import NodeExecution
from nodes.numbers import whole_number
from nodes.trace.folding import Folding
from nodes.trace.loading import WINDOW, Span, Trace, load_trace
from nodes.trace.rows import rows, with_other_ways
from nodes.trace.stepping import stepping_of
from runs.access import ReadRequest, refusal, session_or_read_key
from runs.json.execution import execution_detail_json, json_response, with_placeholders
from runs.lookup import execution_or_404, run_or_404
from runs.models import Run
from runs.pages.conversations.turns import read_turns
from runs.pages.graph.version_graph import leading_to
from runs.pages.lineage.lineage import lineage_context, links_json
from runs.pages.notes.notes import notes_of_step
from runs.pages.run.header import header_of
from runs.pages.tracing.branches_not_taken import other_ways

JSON_PAGE = 1000
DIGITS = 8  # of the place of a step or row
# Regions of the page that an htmx request may ask for alone, by the id of its target.
PARTS = {"tree": "tracing/_tree.html", "more-rows": "tracing/_rows.html"}


@require_safe
def tracing(request: HtmxHttpRequest, run_id: UUID) -> HttpResponse:
    run = run_or_404(run_id)
    if wants_fragment(request) and request.htmx.target in PARTS:
        return _part(request, run)
    return render_tracing(request, run)


@require_safe
def execution(request: HtmxHttpRequest, run_id: UUID, execution_id: UUID) -> HttpResponse:
    """TRACING with one row chosen; for htmx its panel alone."""
    run = run_or_404(run_id)
    if wants_fragment(request) and request.htmx.target in PARTS:
        return _part(request, run)
    found = execution_or_404(run_id, execution_id)
    if wants_fragment(request) and request.htmx.target == "side":
        back = Folding.from_query(request.GET.dict()).query()
        context = {"run": run, "panel": build_panel(found), "chosen": found.id, "back": back}
        context["notes"] = notes_of_step(run, found)
        context["stepping"] = stepping_of(found)
        return render(request, "tracing/_side.html", context)
    return render_tracing(request, run, found)


def _part(request: HtmxHttpRequest, run: Run) -> HttpResponse:
    """Lines of the tree. The panel beside it stays as it is: the address bar, not this request's
    path, tells which one is open, and keeps telling it."""
    target = request.htmx.target or ""
    chosen = _chosen_in(request.htmx.current_url_abs_path or "")
    context = tree_context(request, run, chosen)
    response = render(request, PARTS[target], context)
    if target == "tree" and request.htmx.trigger not in ("tree", "other-ways"):
        push_url(response, _address(run, chosen) + context["back"])
    return response


def _chosen_in(path: str) -> UUID | None:
    """The execution whose panel is open at a path of this site."""
    try:
        return resolve(path.partition("?")[0]).kwargs.get("execution_id")
    except Resolver404:
        return None


def _address(run: Run, chosen: UUID | None) -> str:
    if chosen:
        return reverse("run-execution", args=[run.id, chosen])
    return reverse("run-tracing", args=[run.id])


def render_tracing(
    request: HtmxHttpRequest, run: Run, chosen: NodeExecution | None = None
) -> HttpResponse:
    """The tree beside the panel of the chosen execution, or where the time went; a failed run shows
    the step that failed it."""
    context = tree_context(request, run, chosen.id if chosen else None)
    shown = chosen or _failed(run)
    context |= {"tab": "tracing", "template": "tracing/_tracing.html", "header": header_of(run)}
    context["panel"] = build_panel(shown) if shown else None
    context["notes"] = notes_of_step(run, shown) if shown else None
    context["stepping"] = stepping_of(shown) if shown else None
    context["turn"] = read_turns([run])[0] if run.mode == "chatflow" and not chosen else None
    return render_region(request, "run/run.html", "run/_tab.html", context)


def tree_context(request: HtmxHttpRequest, run: Run, chosen: UUID | None) -> dict[str, Any]:
    folding = Folding.from_query(request.GET.dict())
    marked = chosen or run.failed_execution
    end = timezone.now() if run.live else run.ended_at
    span = Span(run.started_at, end)
    offset = whole_number(request.GET.get("from", ""), DIGITS)
    sources = cache(partial(leading_to, run.version_id))
    trace = load_trace(run.id, span, folding, marked, offset, sources)
    other = {} if folding.all_spans else other_ways(run, wait=request.GET.get("ways") == "1")
    shown = rows(trace, run.id, marked, _address(run, chosen))
    return {
        "run": run,
        "trace": trace.without_lines(),
        "rows": with_other_ways(shown, trace, other or {}),
        "ask_ways": folding.query(ways=1) if other is None else "",
        "chosen": chosen,
        "back": folding.query(),
        "self_url": request.get_full_path(),
        "address": _address(run, chosen),
        **_ways(trace, folding),
    }


def _ways(trace: Trace, folding: Folding) -> dict[str, str]:
    """Query strings to the lines before and after those shown, and to all spans or steps only."""
    other = replace(folding, all_spans=not folding.all_spans)
    end = trace.offset + len(trace.shown)
    before = max(0, trace.offset - WINDOW)
    return {
        "earlier": folding.query(**{"from": str(before)}) if trace.offset else "",
        "later": folding.query(**{"from": end}) if end < trace.total else "",
        "other_spans": other.query() or "?",
        "whole": (replace(folding, only="").query() or "?") if folding.only else "",
        "other_path": replace(folding, path=not folding.path).query() or "?",
    }


def _failed(run: Run) -> NodeExecution | None:
    if run.failed_execution is None:
        return None
    return (
        NodeExecution.objects.in_run(run.id).with_payloads().filter(id=run.failed_execution).first()
    )


@require_safe
@session_or_read_key
def tracing_json(request: ReadRequest, run_id: UUID) -> HttpResponse:
    run = run_or_404(run_id, request.only_app)
    after = request.GET.get("after", "")
    index = whole_number(after, DIGITS)
    if after and index is None:
        return refusal(400, "“after” must be the index of an execution, a whole number.")
    steps = NodeExecution.objects.in_run(run.id).visible()
    page = list(steps.after_index(index)[: JSON_PAGE + 1])
    orphans = {step.parent_id for step in page if step.orphan and step.parent_id}
    seen = steps.parents_listed_before(index, orphans) if after and orphans else ()
    following = None
    if len(page) > JSON_PAGE:
        following = request.build_absolute_uri(f"{request.path}?after={page[JSON_PAGE - 1].index}")
    executions = list(with_placeholders(page[:JSON_PAGE], seen))
    return json_response({"run": str(run.id), "executions": executions, "next": following})


@require_safe
@session_or_read_key
def execution_json(request: ReadRequest, run_id: UUID, execution_id: UUID) -> HttpResponse:
    run = run_or_404(run_id, request.only_app)
    found = execution_or_404(run_id, execution_id)
    data = execution_detail_json(found)
    # What OpenTelemetry calls links: other spans that the producer names.
    data["span_links"] = data["links"]
    data["links"] = links_json(lineage_context(run, found))
    return json_response(data)
