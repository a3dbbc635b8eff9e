"""Nodes over time as JSON."""

from decimal import Decimal

from django.urls import reverse

from runs.json.app import app_ref, version_ref
from runs.json.execution import execution_json
from runs.json.node import AppNodesJson, CostSumJson, NodeHistoryJson, NodeTotalsJson
from runs.json.values import decimal_text, iso_time
from runs.models import App
from runs.pages.nodes.app_nodes import AppNodes, NodeTotals
from runs.pages.nodes.history import NodeHistory


def _costs(costs: dict[str, Decimal]) -> list[CostSumJson]:
    return [
        {"amount": decimal_text(sum_), "currency": name or None} for name, sum_ in costs.items()
    ]


def _history_url(app: App, node_id: str, base_url: str) -> str | None:
    return base_url + reverse("node-history", args=[app.slug, node_id]) if node_id else None


def app_nodes_json(app: App, app_nodes: AppNodes, base_url: str = "") -> AppNodesJson:
    return {
        "app": app_ref(app),
        "over": {
            "runs": app_nodes.runs,
            "steps": app_nodes.steps,
            "since": iso_time(app_nodes.since),
            "older_runs": app_nodes.more_runs,
            "steps_left_out": app_nodes.cut,
        },
        "tokens": app_nodes.tokens,
        "costs": _costs(app_nodes.costs),
        "nodes": [_node_json(app, node, base_url) for node in app_nodes.nodes],
        "nodes_left_out": app_nodes.node_count - len(app_nodes.nodes),
    }


def _node_json(app: App, node: NodeTotals, base_url: str) -> NodeTotalsJson:
    return {
        "node_id": node.node_id or None,
        "title": node.title,
        "kind": node.kind_key,
        "url": _history_url(app, node.node_id, base_url),
        "executions": node.executions,
        "failures": node.failures,
        "failed": node.failed,
        "handled": node.handled,
        "retried": node.retried,
        "self_us": {"p50": node.p50_us, "p95": node.p95_us, "total": node.all_us},
        "tokens": node.tokens,
        "costs": _costs(node.costs),
        "cost_percent": decimal_text(round(node.share, 2)) if node.share is not None else None,
    }


def node_history_json(
    history: NodeHistory, following: str | None, base_url: str = ""
) -> NodeHistoryJson:
    """Return executions, newest first, with what they add up to; errors of at most 2,000
    characters."""
    figures = history.figures
    return {
        "app": app_ref(history.app),
        "node_id": history.node_id,
        "title": history.title,
        "url": _history_url(history.app, history.node_id, base_url),
        "figures": {
            "executions": figures.count,
            "ended": figures.ended,
            "succeeded": figures.succeeded,
            "duration_us": {"p50": figures.p50_us, "p95": figures.p95_us},
            "tokens": figures.tokens,
            "costs": _costs(figures.costs),
        },
        "searched_back_to": iso_time(history.searched),
        "executions": [
            {
                **execution_json(execution),
                "run": str(execution.run_id),
                "url": base_url + reverse("run-execution", args=[execution.run_id, execution.id]),
                "version": version_ref(execution.run.version),
            }
            for execution in history.page.rows
        ],
        "next": following,
    }
