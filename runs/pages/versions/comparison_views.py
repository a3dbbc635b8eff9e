"""Two versions of an app side by side: what changed in them, and how their runs went."""

from typing import Any

from django.http import Http404, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from nodes.diff.difference import changes_json
from nodes.diff.graphs import GraphDifference, GraphNodeChange, graph_difference
from nodes.diff.side_by_side import ComparedValue, compare_values
from nodes.graph.canvas_notes import without_places
from nodes.graph.graph import sent_graph
from nodes.http import HtmxHttpRequest, render_region
from runs.access import ReadRequest, session_or_read_key
from runs.json.app import version_ref
from runs.json.comparison import NodeChangeJson
from runs.lookup import app_or_404
from runs.models import App, Version
from runs.pages.graph.version_graph import version_graph
from runs.pages.prompts.observed_prompts import changed_prompts, prompt_changes_json
from runs.pages.versions.comparison import (
    compared_version_figures,
    model_changes,
    newest_runs,
    version_figures,
    version_figures_json,
)

MAX_VERSIONS = 200


def version_named(app: App, name: str) -> Version | None:
    """Return the version with that number ("#3" or "3") or label; None where `name` is empty.
    Raises Http404."""
    name = name.strip()
    if not name:
        return None
    version = "\0" not in name and app.versions.named(name[:200], app).first()
    if not version:
        raise Http404(f"{app.name} has no version with that number or label.")
    return version


def version_graph_difference(a: Version, b: Version) -> GraphDifference:
    """Compare the graphs that the producer sent; where one is missing, those known from runs."""
    if a.graph and b.graph:
        return graph_difference(sent_graph(a.graph), sent_graph(b.graph))
    before, after = (version_graph(version.app, version).graph for version in (a, b))
    return graph_difference(before, after)


def _configuration_difference(a: Version, b: Version) -> ComparedValue:
    return compare_values(
        "Configuration", without_places(a.configuration), without_places(b.configuration)
    )


@require_safe
def version_compare(request: HtmxHttpRequest, slug: str) -> HttpResponse:
    """Show what changed from `a` to `b`; without them, between the two newest versions."""
    app = app_or_404(slug)
    versions = list(app.versions.for_list()[:MAX_VERSIONS])
    a, b = (version_named(app, request.GET.get(name, "")) for name in ("a", "b"))
    b = b or next((version for version in versions if version != a), None)
    a = a or next((version for version in versions if b and version.number < b.number), None)
    context: dict[str, Any] = {"app": app, "tab": "versions", "versions": versions, "a": a, "b": b}
    if a and b:
        both_figures = version_figures(a), version_figures(b)
        newest = newest_runs(a), newest_runs(b)
        twin = reverse("app-versions-compare-json", args=[slug])
        context |= {
            "figures": compared_version_figures(*both_figures),
            "measured": [(a, both_figures[0]), (b, both_figures[1])],
            "graph": version_graph_difference(a, b),
            "models": model_changes(*newest),
            "prompts": changed_prompts(*newest),
            "configuration": _configuration_difference(a, b),
            "twin": f"{twin}?a={a.number}&b={b.number}",
        }
    return render_region(request, "versions/comparison.html", "versions/_comparison.html", context)


@require_safe
@session_or_read_key
def version_compare_twin(request: ReadRequest, slug: str) -> HttpResponse:
    app = app_or_404(slug, request.only_app)
    a, b = (version_named(app, request.GET.get(name, "")) for name in ("a", "b"))
    if a is None or b is None:
        raise Http404("Name two versions: versions/compare.json?a=<number>&b=<number>.")
    newest = newest_runs(a), newest_runs(b)
    graph = version_graph_difference(a, b)
    configuration = _configuration_difference(a, b).difference
    return JsonResponse({
        "a": {**(version_ref(a) or {}), **version_figures_json(version_figures(a))},
        "b": {**(version_ref(b) or {}), **version_figures_json(version_figures(b))},
        "inferred": graph.inferred,
        "nodes": [_node_change_json(change) for change in graph.nodes],
        "nodes_total": graph.node_count,
        "edges": [
            {"change": form, "source": source, "target": target, "handle": handle or None}
            for form, source, target, handle in graph.edges
        ],
        "edges_total": graph.edge_count,
        "models": [
            {"title": fact.label, "before": fact.a, "after": fact.b}
            for fact in model_changes(*newest)
        ],
        "prompts": prompt_changes_json(changed_prompts(*newest)),
        "configuration": changes_json(configuration) if configuration else [],
    })  # fmt: skip


def _node_change_json(change: GraphNodeChange) -> NodeChangeJson:
    return {
        "change": change.form,
        "id": change.node.id,
        "kind": change.node.kind,
        "title": change.node.title,
        "title_before": change.renamed or None,
        "kind_before": change.retyped or None,
        "settings": changes_json(change.settings) if change.settings else [],
    }
