"""Nodes over time: all nodes of an app over its newest runs, and the executions of one."""

from typing import Any

from django.http import Http404, HttpResponse
from django.views.decorators.http import require_safe

from nodes.choices import NodeStatus
from nodes.http import HtmxHttpRequest, render_region
from runs.access import ReadRequest, refusal, session_or_read_key
from runs.json.values import json_response
from runs.lookup import app_or_404, printable, version_or_404
from runs.models import App
from runs.pages.nodes.app_nodes import MAX_RUNS, MAX_STEPS, ORDERS, SHOWN, nodes_of
from runs.pages.nodes.forms import NodesForm
from runs.pages.nodes.history import MAX_EXECUTIONS, NodeHistory, node_history
from runs.pages.nodes.node_json import app_nodes_json, node_history_json
from runs.pages.nodes.tables import ExecutionTable, NodeTable, order_links
from runs.paging import BadCursor, page_size
from runs.tables import EmptyState

STATUSES = [
    ("failures", "Failed or handled"),
    *(choice for choice in NodeStatus.choices if choice[0] != NodeStatus.SKIPPED),
]
MAX_VERSIONS = 100


@require_safe
def app_nodes(request: HtmxHttpRequest, slug: str) -> HttpResponse:
    """List all nodes of an app, the most expensive first by default."""
    app = app_or_404(slug)
    form = NodesForm(request.GET)
    context: dict[str, Any] = {"app": app, "tab": "nodes", "form": form, "app_nodes": None}
    if form.is_valid():
        filters, order = form.cleaned_data, form.chosen_order
        context["app_nodes"] = nodes_of(app, filters["since"], filters["until"], order)
        context["table"] = NodeTable(context["app_nodes"].nodes, heading_links=order_links(form))
        context["columns"] = [
            (label, form.query(order=name), name == order) for name, label in ORDERS
        ]
    context |= {"max_runs": MAX_RUNS, "max_steps": MAX_STEPS, "most": SHOWN}
    return render_region(request, "nodes/nodes.html", "nodes/_nodes.html", context)


@require_safe
@session_or_read_key
def app_nodes_twin(request: ReadRequest, slug: str) -> HttpResponse:
    app = app_or_404(slug, request.only_app)
    form = NodesForm(request.GET)
    if not form.is_valid():
        return refusal(400, " ".join(form.sentences))
    filters = form.cleaned_data
    nodes = nodes_of(app, filters["since"], filters["until"], form.chosen_order)
    return json_response(app_nodes_json(app, nodes, request.build_absolute_uri("/")[:-1]))


def history_or_404(request: HtmxHttpRequest, app: App, node_id: str) -> NodeHistory:
    """Return the part of a node's history that the query string selects. Raises BadCursor."""
    parameters = request.GET
    status, number = parameters.get("status", ""), parameters.get("version", "")
    if status and status not in dict(STATUSES):
        raise Http404(f"A step has no status “{printable(status)[:40]}”.")
    version = version_or_404(app, number, with_graph=False) if number else None
    history = "\0" not in node_id and node_history(
        app,
        node_id,
        status=status,
        version=version,
        after=parameters.get("after", ""),
        size=page_size(parameters.get("limit", ""), MAX_EXECUTIONS),
    )
    if not history:
        raise Http404(f"Node “{printable(node_id)[:80]}” of {app.name} has not run yet.")
    return history


@require_safe
def history(request: HtmxHttpRequest, slug: str, node_id: str) -> HttpResponse:
    app = app_or_404(slug)
    try:
        node_history_page = history_or_404(request, app, node_id)
    except BadCursor as problem:
        raise Http404(printable(str(problem))) from None
    empty = EmptyState(
        "No such execution",
        "No execution matches among those that were searched.",
        action="Show all executions",
        href=request.path,
    )
    context = {
        "app": app,
        "tab": "nodes",
        "history": node_history_page,
        "table": ExecutionTable(node_history_page.lines, empty=empty),
        "page": node_history_page.page,
        "statuses": STATUSES,
        "versions": app.versions.defer("graph", "configuration")[:MAX_VERSIONS],
        "status": request.GET.get("status", ""),
        "version": request.GET.get("version", ""),
    }
    return render_region(request, "nodes/history.html", "nodes/_executions.html", context)


@require_safe
@session_or_read_key
def history_twin(request: ReadRequest, slug: str, node_id: str) -> HttpResponse:
    app = app_or_404(slug, request.only_app)
    try:
        history = history_or_404(request, app, node_id)
    except BadCursor as problem:
        return refusal(400, str(problem))
    following = None
    if history.page.next:
        query = request.GET.copy()
        query["after"] = history.page.next
        following = request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
    base_url = request.build_absolute_uri("/")[:-1]
    return json_response(node_history_json(history, following, base_url))
