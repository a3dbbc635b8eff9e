"""Apps, the nodes of an app, and one node over time."""

from typing import Any

from pydantic import Field

from runs.json.app import AppListJson
from runs.json.execution import NodeExecutionJson
from runs.json.node import AppNodesJson, CostSumJson, NodeHistoryJson, NodeTotalsJson
from runs.mcp.text import facts, lasted, listing, money, on_a_line, quantiles, second
from runs.mcp.tool import Tool, ToolArguments
from runs.mcp.twins import TwinReader, cursor
from runs.pages.apps.views import app_list_twin
from runs.pages.nodes.views import app_nodes_twin, history_twin

EXECUTIONS = 20  # at a time


class NodeHistoryArguments(ToolArguments):
    app: str = ""
    """An app, by the name in its address. Without it the apps are listed"""
    node: str = ""
    """A node, by its id. Without it all nodes of the app are listed, the most expensive first"""
    status: str = ""
    """Of the executions: failures, or one status"""
    version: int = Field(0, ge=0, description="Of the app, by number")
    after: str = ""
    """Where to read on, from the end of the answer before"""


def history_of(reader: TwinReader, arguments: NodeHistoryArguments) -> str:
    if not arguments.app:
        return _list_of_apps(reader.read(app_list_twin))
    if not arguments.node:
        return _list_of_nodes(reader.read(app_nodes_twin, arguments.app))
    page: NodeHistoryJson = _page_of(reader, arguments, EXECUTIONS)
    whole = page if arguments.after else _page_of(reader, arguments, 0)
    return _executions(page, whole)


def _page_of(reader: TwinReader, arguments: NodeHistoryArguments, limit: int) -> Any:
    """Read so many executions; 0: as many as a page has."""
    return reader.read(
        history_twin,
        arguments.app,
        arguments.node,
        status=arguments.status,
        version=arguments.version,
        after=arguments.after,
        limit=limit,
    )


def _list_of_apps(answer: AppListJson) -> str:
    entries = [
        facts(
            f"- {app['slug']}", on_a_line(app["name"], 60), app["mode"],
            f"{app['counts']['runs_today']} runs today, {app['counts']['failures_today']} failed",
            f"last run {second(app['last_run']['started_at'])}" if app["last_run"] else "",
        )
        for app in answer["apps"]
    ]  # fmt: skip
    heading = "Apps, the most recently active first:"
    return listing(heading, entries, lambda shown: _left_out(len(entries) - shown))


def _list_of_nodes(answer: AppNodesJson) -> str:
    over = answer["over"]
    heading = facts(
        f"Nodes of {answer['app']['slug']} over its newest {over['runs']} runs",
        _costs(answer["costs"]),
        "p50 and p95 of own time",
    )
    entries = [_node_line(node) for node in answer["nodes"]]
    return listing(heading, entries, lambda shown: _left_out(len(entries) - shown))


def _node_line(node: NodeTotalsJson) -> str:
    times, percent = node["self_us"], node["cost_percent"]
    return facts(
        f"- {on_a_line(node['title'], 60)}",
        f"node {on_a_line(node['node_id'], 80)}" if node["node_id"] else "",
        node["kind"],
        f"{node['executions']} executions",
        f"{node['failures']} failed" if node["failures"] else "",
        quantiles(times["p50"], times["p95"]),
        f"{node['tokens']} tokens" if node["tokens"] else "",
        _costs(node["costs"]),
        f"{percent} % of the cost" if percent else "",
    )


def _executions(page: NodeHistoryJson, whole: NodeHistoryJson) -> str:
    figures = whole["figures"]
    times = figures["duration_us"]
    heading = facts(
        f"{on_a_line(page['title'], 60)}: the newest {figures['executions']} executions",
        f"{figures['succeeded']} of {figures['ended']} succeeded",
        quantiles(times["p50"], times["p95"]),
        f"{figures['tokens']} tokens" if figures["tokens"] else "",
        _costs(figures["costs"]),
    )
    entries = [_execution_line(it) for it in page["executions"]]
    following = cursor(page["next"])
    read_on = f"There are more: after={following}" if following else "These are all."
    return listing(heading, entries, lambda _: read_on, EXECUTIONS)


def _execution_line(execution: NodeExecutionJson) -> str:
    version, cost = execution["version"], execution["cost"]
    error, outputs = execution["error"], execution["outputs_preview"]
    return facts(
        f"- {second(execution['started_at'])}",
        execution["status"],
        lasted(execution["duration_us"]),
        f"version {version['number']}" if version else "",
        execution["model"],
        money(cost["amount"], cost["currency"]) if cost else "",
        f"run {execution['run']}",
        f"execution {execution['id']}",
        f"error: {on_a_line(error, 150)}" if error else on_a_line(outputs, 100),
    )


def _costs(costs: list[CostSumJson]) -> str:
    return " + ".join(money(cost["amount"], cost["currency"]) for cost in costs)


def _left_out(count: int) -> str:
    return f"{count} more are not shown." if count else ""


NODE_HISTORY = Tool(
    "node_history",
    "Nodes over time",
    "Without arguments: the apps. With app: its nodes with their failures, times and cost. With"
    " node: its executions over all runs, newest first.",
    NodeHistoryArguments,
    history_of,
)
