"""Two versions of an app: what changed in them, and how their runs went."""

from typing import Any

from django.http import Http404, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from nodes.diff.difference import changes_json
from nodes.diff.graphs import GraphDifference, GraphNodeChange, graph_difference
from nodes.diff.side_by_side import compare_values
from nodes.graph.graph import sent_graph
from nodes.http import HtmxHttpRequest, render_region
from runs.access import ReadRequest, session_or_read_key
from runs.json.app import version_ref
from runs.json.comparison import NodeChangeJson
from runs.lookup import app_or_404
from runs.models import App, Version
from runs.pages.graph.version_graph import version_graph
from runs.pages.versions.comparison import (
    compared_version_figures,
    model_changes,
    version_figures,
    version_figures_json,
)

SHOWN_VERSIONS = 200


def named(app: App, text: str) -> Version | None:
    """The version of that number ("#3" or "3") or label; None for no name."""
    text = text.strip()
    if not text:
        return None
    found = "\0" not in text and app.versions.named(text[:200], app).first()
    if not found:
        raise Http404(f"{app.name} has no version of that number or label.")
    return found


def graphs(a: Version, b: Version) -> GraphDifference:
    """Of what was sent, where both were; else of what is known of them."""
    if a.graph and b.graph:
        return graph_difference(sent_graph(a.graph), sent_graph(b.graph))
    seen = [version_graph(version.app, version).graph for version in (a, b)]
    return graph_difference(seen[0], seen[1])


@require_safe
def version_compare(request: HtmxHttpRequest, slug: str) -> HttpResponse:
    """What changed from `a` to `b`; without them the two newest versions."""
    app = app_or_404(slug)
    versions = list(app.versions.for_list()[:SHOWN_VERSIONS])
    a, b = (named(app, request.GET.get(name, "")) for name in ("a", "b"))
    b = b or next((one for one in versions if one != a), None)
    a = a or next((one for one in versions if b and one.number < b.number), None)
    context: dict[str, Any] = {"app": app, "tab": "versions", "versions": versions, "a": a, "b": b}
    if a and b:
        told = version_figures(a), version_figures(b)
        context |= {
            "figures": compared_version_figures(*told),
            "told": told,
            "graph": graphs(a, b),
            "models": model_changes(a, b),
            "configuration": compare_values("Configuration", a.configuration, b.configuration),
            "twin": f"{reverse('app-versions-compare-json', args=[slug])}?{_query(a, b)}",
        }
    return render_region(request, "versions/comparison.html", "versions/_comparison.html", context)


def _query(a: Version, b: Version) -> str:
    return f"a={a.number}&b={b.number}"


@require_safe
@session_or_read_key
def version_compare_twin(request: ReadRequest, slug: str) -> HttpResponse:
    app = app_or_404(slug, request.only_app)
    a, b = (named(app, request.GET.get(name, "")) for name in ("a", "b"))
    if a is None or b is None:
        raise Http404("Name two versions: versions/compare.json?a=<number>&b=<number>.")
    found = graphs(a, b)
    configuration = compare_values("Configuration", a.configuration, b.configuration).difference
    return JsonResponse({
        "a": {**(version_ref(a) or {}), **version_figures_json(version_figures(a))},
        "b": {**(version_ref(b) or {}), **version_figures_json(version_figures(b))},
        "inferred": found.inferred,
        "nodes": [_node_json(one) for one in found.nodes],
        "nodes_total": found.node_count,
        "edges": [
            {"change": form, "source": source, "target": target, "handle": handle or None}
            for form, source, target, handle in found.edges
        ],
        "edges_total": found.edge_count,
        "models": [
            {"title": one.label, "before": one.a, "after": one.b} for one in model_changes(a, b)
        ],
        "configuration": changes_json(configuration) if configuration else [],
    })  # fmt: skip


def _node_json(one: GraphNodeChange) -> NodeChangeJson:
    return {
        "change": one.form,
        "id": one.node.id,
        "kind": one.node.kind,
        "title": one.node.title,
        "title_before": one.renamed or None,
        "kind_before": one.retyped or None,
        "settings": changes_json(one.settings) if one.settings else [],
    }
