"""The graph of an app's version, and the side panel of a node: Settings, Last run, History."""

from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from nodes.graph.canvas_notes import canvas_notes
from nodes.graph.drawing.picture import Picture, draw_picture
from nodes.graph.graph import sent_graph
from nodes.http import HtmxHttpRequest, render_region, wants_fragment
from nodes.models import NodeExecution
from runs.access import ReadRequest, session_or_read_key
from runs.json.app import version_ref
from runs.json.execution import execution_json
from runs.json.node import GraphNodeJson
from runs.json.values import json_response
from runs.lookup import app_or_404, app_run_or_404, version_or_404
from runs.models import App, Run, Version
from runs.pages.graph.node_panel import NodePanel, node_panel
from runs.pages.graph.version_graph import VersionGraph, version_graph

MAX_VERSIONS = 100


def version_of_graph(app: App, number: str, run: Run | None = None) -> Version | None:
    """Return the version of this number, or Http404; where `number` is "", the version of `run`,
    else that of the newest run, which is the one in use. None: the app's runs name no version."""
    if number:
        return version_or_404(app, number)
    run = run or Run.objects.for_app(app).for_list().first()
    if not run:
        return app.versions.first()
    return app.versions.filter(pk=run.version_id).first() if run.version_id else None


def node_panel_or_404(
    app: App,
    node_id: str,
    tab: str,
    version: Version | None,
    completed: VersionGraph | None = None,
) -> NodePanel:
    """Return the panel of a node of the graph `completed` by runs; without it, of the graph as it
    was sent."""
    sent = sent_graph(version.graph) if version else None
    graph = completed.graph if completed else sent
    panel = "\0" not in node_id and node_panel(app, node_id, tab, graph)
    if not panel:
        raise Http404(f"{app.name} has no node “{node_id[:80]}”.")
    return panel


@require_safe
def graph_page(request: HtmxHttpRequest, slug: str) -> HttpResponse:
    app = app_or_404(slug)
    run_id = request.GET.get("run", "")
    run = app_run_or_404(app, run_id) if run_id else None
    version = version_of_graph(app, request.GET.get("version", ""), run)
    node_id, tab = request.GET.get("node", ""), request.GET.get("tab", "")
    graph_url = reverse("app-graph", args=[app.slug])
    context: dict[str, Any] = {"app": app, "tab": "graph", "graph_url": graph_url, "run": run}
    if node_id and wants_fragment(request):
        context["node_panel"] = node_panel_or_404(app, node_id, tab, version)
        return render_region(request, "graph/graph.html", "graph/_node_panel.html", context)
    completed = version_graph(app, version, run.pk if run else None)
    if node_id:
        context["node_panel"] = node_panel_or_404(app, node_id, tab, version, completed)
    steps = completed.runs.get(str(run.pk), []) if run else None
    context |= {
        "version": version,
        "versions": app.versions.defer("graph", "configuration")[:MAX_VERSIONS],
        "picture": draw_picture(
            completed.graph,
            node_id,
            steps,
            canvas_notes(version and version.configuration),
        ),
    }
    return render_region(request, "graph/graph.html", "graph/_graph.html", context)


@require_safe
def last_run(request: HtmxHttpRequest, slug: str, node_id: str) -> HttpResponse:
    """Show the newest execution of a node: its panel, or the graph with that panel open."""
    app = app_or_404(slug)
    graph_url = reverse("app-graph", args=[app.slug])
    panel = node_panel_or_404(app, node_id, "last-run", version_of_graph(app, ""))
    if not wants_fragment(request):
        return redirect(f"{graph_url}?{urlencode({'node': node_id, 'tab': 'last-run'})}")
    context = {"app": app, "node_panel": panel, "graph_url": graph_url}
    return render_region(request, "graph/graph.html", "graph/_node_panel.html", context)


@session_or_read_key
@require_safe
def last_run_twin(request: ReadRequest, slug: str, node_id: str) -> HttpResponse:
    app = app_or_404(slug, request.only_app)
    executions = NodeExecution.objects.of_node(app.pk, node_id)
    newest = None if "\0" in node_id else executions.first()
    if newest is None:
        raise Http404(f"Node “{node_id[:80]}” of {app.name} has not run yet.")
    return json_response(execution_json(newest))


@session_or_read_key
@require_safe
def graph_twin(request: ReadRequest, slug: str) -> HttpResponse:
    app = app_or_404(slug, request.only_app)
    version = version_of_graph(app, request.GET.get("version", ""))
    graph = version_graph(app, version).graph
    return json_response({
        "version": version_ref(version),
        "inferred": graph.inferred,
        "runs": graph.runs,
        "nodes": nodes_json(draw_picture(graph)),
        "edges": [
            {"source": e.source, "target": e.target, "handle": e.handle or None, "runs": e.runs}
            for e in graph.edges
        ],
        "notes": [asdict(note) for note in canvas_notes(version and version.configuration)],
    })  # fmt: skip


def nodes_json(picture: Picture) -> list[GraphNodeJson]:
    """Return the nodes with where they stand: as sent, else as drawn; null for those that are not
    drawn."""
    ids = [UUID(node.last_id) for node in picture.graph.nodes if node.last_id]
    newest = NodeExecution.objects.in_bulk(ids)
    drawn = {card.node.id: (card.x, card.y) for card in picture.cards()}
    nodes: list[GraphNodeJson] = []
    for node in picture.graph.nodes:
        x, y = drawn.get(node.id, (None, None))
        execution = newest.get(UUID(node.last_id)) if node.last_id else None
        nodes.append({
            "id": node.id,
            "kind": node.kind,
            "title": node.title,
            "x": x if node.x is None else node.x,
            "y": y if node.y is None else node.y,
            "parent": node.parent,
            "config": node.config,
            "runs": node.runs,
            "failed": node.failed,
            "handled": node.handled,
            "retried": node.retried,
            "last_run": execution_json(execution) if execution else None,
        })  # fmt: skip
    return nodes
