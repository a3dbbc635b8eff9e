"""The graph of one run: its version's graph with the way that the run took, and how each node went.
A node opens the step that ran it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from nodes.choices import ERRORS
from nodes.graph.canvas_notes import canvas_notes
from nodes.graph.drawing.picture import Picture, draw_picture
from nodes.graph.graph import edges_taken
from nodes.graph.loading import load_graph_steps
from nodes.graph.steps import GraphStep
from nodes.http import HtmxHttpRequest, render_region, wants_fragment
from runs.access import ReadRequest, session_or_read_key
from runs.json.app import version_ref
from runs.json.node import RunGraphJson, RunGraphNodeJson
from runs.json.values import json_response
from runs.lookup import execution_or_404, printable, run_or_404
from runs.models import Run, Version
from runs.pages.graph.version_graph import version_graph
from runs.pages.run_header.run_header import header_of
from runs.pages.tracing.views import panel_context


@require_safe
def run_graph(request: HtmxHttpRequest, run_id: UUID) -> HttpResponse:
    """Show the graph as a tab of the run; with `node`, the panel of its step beside it."""
    run = run_or_404(run_id)
    node_id = request.GET.get("node", "")
    context: dict[str, Any] = {
        "tab": "graph",
        "template": "run_graph/_run_graph.html",
        "run": run,
        "graph_url": reverse("run-graph", args=[run.pk]),
    }
    if node_id and wants_fragment(request) and request.htmx.target == "side":
        steps = load_graph_steps([run.pk]).get(str(run.pk), [])
        context |= _step_context(run, node_id, steps)
        return render(request, "run_graph/_step.html", context)
    version, picture, steps = _draw_run(run, node_id)
    if node_id:
        context |= _step_context(run, node_id, steps)
    context |= {
        "version": version,
        "picture": picture,
        "header": header_of(run, request.GET.get("list", "")),
    }
    return render_region(request, "run/run.html", "run/_tab.html", context)


def _draw_run(run: Run, node_id: str = "") -> tuple[Version | None, Picture, list[GraphStep]]:
    version = run.app.versions.filter(pk=run.version_id).first() if run.version_id else None
    completed = version_graph(run.app, version, run.pk)
    steps = completed.runs.get(str(run.pk), [])
    notes = canvas_notes(version and version.configuration)
    return version, draw_picture(completed.graph, node_id, steps, notes), steps


def _step_context(run: Run, node_id: str, steps: Sequence[GraphStep]) -> dict[str, Any]:
    """Return the context of the panel of a node's step in this run: of several the newest that
    failed, else the newest. Raises Http404 where the run did not come to the node."""
    step = _step_to_show([step for step in steps if step.key == node_id])
    if step is None:
        raise Http404(f"This run did not come to the node “{printable(node_id)[:80]}”.")
    execution = execution_or_404(run.pk, UUID(step.id))
    times = sum(other.key == node_id for other in steps)
    return {"chosen": execution, "times": times, **panel_context(run, execution)}


def _step_to_show(own: Sequence[GraphStep]) -> GraphStep | None:
    newest = sorted(own, key=lambda step: (step.started_us or 0, step.index), reverse=True)
    failed = (step for step in newest if step.status in ERRORS)
    return next(failed, newest[0] if newest else None)


@require_safe
@session_or_read_key
def run_graph_twin(request: ReadRequest, run_id: UUID) -> HttpResponse:
    run = run_or_404(run_id, request.only_app)
    version, picture, steps = _draw_run(run)
    taken = edges_taken(picture.graph, steps)
    answer: RunGraphJson = {
        "run": str(run.pk),
        "version": version_ref(version),
        "inferred": picture.graph.inferred,
        "nodes": _nodes_json(picture, steps),
        "edges": [
            {
                "source": edge.source,
                "target": edge.target,
                "handle": edge.handle or None,
                "taken": edge.key in taken,
            }
            for edge in picture.graph.edges
        ],
    }
    return json_response(answer)


def _nodes_json(picture: Picture, steps: Sequence[GraphStep]) -> list[RunGraphNodeJson]:
    places = {card.node.id: (card.x, card.y) for card in picture.cards()}
    nodes: list[RunGraphNodeJson] = []
    for node in picture.graph.nodes:
        own = [step for step in steps if step.key == node.id]
        shown = _step_to_show(own)
        x, y = places.get(node.id, (None, None))
        nodes.append({
            "id": node.id,
            "kind": node.kind,
            "title": node.title,
            "x": x if node.x is None else node.x,
            "y": y if node.y is None else node.y,
            "parent": node.parent,
            "status": shown.status if shown else None,
            "executions": len(own),
            "duration_us": sum(step.lasted_us or 0 for step in own) if own else None,
            "execution": str(UUID(shown.id)) if shown else None,
        })  # fmt: skip
    return nodes
