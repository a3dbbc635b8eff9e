"""TRACING: the steps of a run in order, and the panel of one execution; the same for machines."""

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
from nodes.trace.collapsing import TreeState
from nodes.trace.loading import WINDOW, RunPeriod, Trace, load_trace
from runs.access import ReadRequest, refusal, session_or_read_key
from runs.json.execution import stored_execution_json, with_placeholders
from runs.json.lineage import ExecutionDetailJson
from runs.json.values import json_response
from runs.lookup import execution_or_404, run_or_404
from runs.models import App, Run
from runs.pages.conversations.turns import read_all_turns
from runs.pages.graph.version_graph import nodes_leading_to
from runs.pages.lineage.lineage import lineage_context, links_json
from runs.pages.notes.notes import notes_of_step
from runs.pages.run_header.run_header import header_of
from runs.pages.span_links.span_links import links_of_step, span_links_json
from runs.pages.tracing.branches_not_taken import load_branches_not_taken
from runs.pages.tracing.origin import step_origin
from runs.pages.tracing.rows import trace_rows, with_branches_not_taken
from runs.pages.tracing.same_node import same_node_links
from runs.paging import BadCursor, page_size

JSON_PAGE = 1000
DIGITS = 8  # of the place of a step or row
# Regions of the page that an htmx request may ask for alone, by the id of its target.
REGIONS = {"tree": "tracing/_tree.html", "more-rows": "tracing/_rows.html"}


@require_safe
def tracing(request: HtmxHttpRequest, run_id: UUID) -> HttpResponse:
    run = run_or_404(run_id)
    if wants_fragment(request) and request.htmx.target in REGIONS:
        return _render_lines(request, run)
    return render_tracing(request, run)


@require_safe
def execution(request: HtmxHttpRequest, run_id: UUID, execution_id: UUID) -> HttpResponse:
    """Show TRACING with one row chosen; for htmx its panel alone."""
    run = run_or_404(run_id)
    if wants_fragment(request) and request.htmx.target in REGIONS:
        return _render_lines(request, run)
    chosen = execution_or_404(run_id, execution_id)
    if wants_fragment(request) and request.htmx.target == "side":
        back = TreeState.from_query(request.GET.dict()).query()
        context = {"run": run, "chosen": chosen.id, "back": back, **panel_context(run, chosen)}
        return render(request, "tracing/_side.html", context)
    return render_tracing(request, run, chosen)


def _render_lines(request: HtmxHttpRequest, run: Run) -> HttpResponse:
    """Render lines of the tree. The panel beside it stays as it is: the address bar, not this
    request's path, says which one is open, and goes on to say it."""
    target = request.htmx.target or ""
    chosen = _chosen_at(request.htmx.current_url_abs_path or "")
    context = tree_context(request, run, chosen)
    response = render(request, REGIONS[target], context)
    if target == "tree" and request.htmx.trigger not in ("tree", "branches-not-taken"):
        push_url(response, _page_url(run, chosen) + context["back"])
    return response


def _chosen_at(path: str) -> UUID | None:
    """Return the execution whose panel is open at a path of this site."""
    try:
        return resolve(path.partition("?")[0]).kwargs.get("execution_id")
    except Resolver404:
        return None


def _page_url(run: Run, chosen: UUID | None) -> str:
    if chosen:
        return reverse("run-execution", args=[run.id, chosen])
    return reverse("run-tracing", args=[run.id])


def render_tracing(
    request: HtmxHttpRequest, run: Run, chosen: NodeExecution | None = None
) -> HttpResponse:
    """Render the tree beside the panel of the chosen execution, or where the time went; a failed
    run shows the step that failed it."""
    context = tree_context(request, run, chosen.id if chosen else None)
    context |= {
        "tab": "tracing",
        "template": "tracing/_tracing.html",
        "header": header_of(run, request.GET.get("list", "")),
    }
    context |= panel_context(run, chosen or _failed_execution(run))
    context["turns"] = read_all_turns([run]) if run.mode == "chatflow" else []
    return render_region(request, "run/run.html", "run/_tab.html", context)


def panel_context(run: Run, execution: NodeExecution | None) -> dict[str, Any]:
    """Return what the panel of a step shows; None each for no step."""
    if execution is None:
        names = ("panel", "notes", "same_node_links", "span_links", "origin", "called_app")
        return dict.fromkeys(names)
    return {
        "panel": build_panel(execution),
        "notes": notes_of_step(run, execution),
        "same_node_links": same_node_links(execution),
        "span_links": links_of_step(run, execution),
        "origin": step_origin(run, execution),
        "called_app": _called_app(execution),
    }


def _called_app(execution: NodeExecution) -> App | None:
    """Return the app whose workflow a step used as a tool, where Dify says which."""
    name = execution.called_app
    return App.objects.filter(name=name).first() if name else None


def run_period(run: Run) -> RunPeriod:
    """Return the time from the start of a run to its end; of a live run to now."""
    return RunPeriod(run.started_at, timezone.now() if run.live else run.ended_at)


def tree_context(request: HtmxHttpRequest, run: Run, chosen: UUID | None) -> dict[str, Any]:
    state = TreeState.from_query(request.GET.dict())
    marked = chosen or run.failed_execution
    offset = whole_number(request.GET.get("from", ""), DIGITS)
    sources = cache(partial(nodes_leading_to, run.version_id))
    trace = load_trace(run.id, run_period(run), state, marked, offset, sources)
    wait = request.GET.get("ways") == "1"
    not_taken = {} if state.all_spans else load_branches_not_taken(run, wait=wait)
    rows = trace_rows(trace, run.id, marked, _page_url(run, chosen))
    return {
        "run": run,
        "trace": trace.without_lines(),
        "rows": with_branches_not_taken(rows, trace, not_taken or {}),
        "not_taken_query": state.query(ways=1) if not_taken is None else "",
        "chosen": chosen,
        "back": state.query(),
        "self_url": request.get_full_path(),
        "address": _page_url(run, chosen),
        **_other_views(trace, state),
    }


def _other_views(trace: Trace, state: TreeState) -> dict[str, str]:
    """Return query strings to the lines before and after those shown, and to all spans or steps
    only."""
    other_spans = replace(state, all_spans=not state.all_spans)
    end = trace.offset + len(trace.lines)
    before = max(0, trace.offset - WINDOW)
    return {
        "earlier": state.query(**{"from": str(before)}) if trace.offset else "",
        "later": state.query(**{"from": end}) if end < trace.total else "",
        "other_spans": other_spans.query() or "?",
        "whole": (replace(state, only="").query() or "?") if state.only else "",
        "other_path": replace(state, path=not state.path).query() or "?",
    }


def _failed_execution(run: Run) -> NodeExecution | None:
    if run.failed_execution is None:
        return None
    return (
        NodeExecution.objects.in_run(run.id).with_payloads().filter(id=run.failed_execution).first()
    )


@require_safe
@session_or_read_key
def tracing_twin(request: ReadRequest, run_id: UUID) -> HttpResponse:
    run = run_or_404(run_id, request.only_app)
    after = request.GET.get("after", "")
    index = whole_number(after, DIGITS)
    if after and index is None:
        return refusal(400, "“after” must be the index of an execution, a whole number.")
    try:
        size = page_size(request.GET.get("limit", ""), JSON_PAGE)
    except BadCursor as problem:
        return refusal(400, str(problem))
    steps = NodeExecution.objects.in_run(run.id).visible()
    page = list(steps.after_index(index)[: size + 1])
    orphans = {step.parent_id for step in page if step.orphan and step.parent_id}
    listed = steps.parents_listed_before(index, orphans) if after and orphans else ()
    following = None
    if len(page) > size:
        query = request.GET.copy()
        query["after"] = str(page[size - 1].index)
        following = request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
    executions = list(with_placeholders(page[:size], listed))
    return json_response({"run": str(run.id), "executions": executions, "next": following})


@require_safe
@session_or_read_key
def execution_twin(request: ReadRequest, run_id: UUID, execution_id: UUID) -> HttpResponse:
    run = run_or_404(run_id, request.only_app)
    execution = execution_or_404(run_id, execution_id)
    answer: ExecutionDetailJson = {
        **stored_execution_json(execution),
        "links": links_json(lineage_context(run, execution)),
        "linked_steps": span_links_json(
            links_of_step(run, execution, request.only_app), request.build_absolute_uri("/")[:-1]
        ),
    }
    return json_response(answer)
