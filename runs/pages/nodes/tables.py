"""The nodes of an app, and the executions of one node, as tables."""

from typing import Any

from runs.pages.nodes.app_nodes import ORDERS
from runs.pages.nodes.forms import NodesForm
from runs.tables import CellColumn, EmptyState, HeadingLink, NumberColumn, RecordTable


class NodeTable(RecordTable):
    """Rows are NodeTotals; the page's context has `app`. The columns are named as the orders of the
    list, without their sign."""

    caption = "Nodes"
    empty = EmptyState("No steps", "No run in this period has steps.")
    record_name = "node"
    row_attributes = 'data-row data-kind="{{ node.kind.group }}"'

    name = CellColumn("Node", template="nodes/_name_cell.html", css="cell-summary", label="")
    executions = NumberColumn("Executions", "{{ node.executions }}")
    failures = NumberColumn(
        "Failed",
        template="nodes/_failures_cell.html",
        css="num",
    )
    p50 = NumberColumn("p50 own time", "{{ node.p50_us|duration }}", label="p50 own")
    p95 = NumberColumn("p95 own time", "{{ node.p95_us|duration }}", label="p95 own")
    time = NumberColumn(
        "Total own time",
        "{% if node.self_us %}{{ node.all_us|duration }}{% else %}–{% endif %}",
        label="Own time",
    )
    tokens = NumberColumn(
        "Tokens", "{% if node.tokens %}{{ node.tokens|tokens }}{% else %}–{% endif %}"
    )
    cost = NumberColumn(
        "Cost",
        "{% for currency, amount in node.costs.items %}{% if not forloop.first %}<br>{% endif %}"
        "{{ amount|money:currency }}{% empty %}–{% endfor %}",
    )
    share = NumberColumn(
        "Share of cost",
        "{% if node.share is not None %}{{ node.share|stringformat:'.1f' }} %"
        "{% else %}–{% endif %}",
        css="num node-share",
        attributes="{% if node.share is not None %}"
        " style=\"--share: {{ node.share|stringformat:'.1f' }}%\"{% endif %}",
    )

    class Meta:
        attrs = {"class": "table nodes-table"}


def order_links(form: NodesForm) -> dict[str, HeadingLink]:
    """Return the links of the headings, by column, for the list that a valid form describes."""
    return {
        name.lstrip("-"): HeadingLink(
            form.query(order=name), "descending" if name == form.chosen_order else ""
        )
        for name, _ in ORDERS
    }


class ExecutionTable(RecordTable):
    """Rows are the lines of a NodeHistory."""

    caption = "Executions"
    row_attributes = 'data-row data-status="{{ execution.status }}"'
    after_row = (
        '{% if line.prompt %}{% include "nodes/_prompt_boundary.html" %}{% endif %}'
        '{% if line.boundary %}{% include "nodes/_version_boundary.html" %}{% endif %}'
    )

    started_at = CellColumn("When", template="nodes/_started_cell.html", css="nowrap")
    status = CellColumn(
        "Status",
        '{% include "components/_status.html" with status=execution.status'
        " label=execution.get_status_display only %}",
    )
    version = CellColumn(
        "Version",
        "{% with version=execution.run.version %}{% if version %}"
        '<span title="{{ version|visible }}">#{{ version.number }} '
        "<bdi>{{ version.short|visible }}</bdi></span>"
        "{% else %}–{% endif %}{% endwith %}",
        css="cell-word cell-version",
    )
    duration_us = NumberColumn("Time", "{{ execution.duration_us|duration }}")
    total_tokens = NumberColumn("Tokens", "{{ execution.total_tokens|tokens }}")
    cost = NumberColumn("Cost", template="nodes/_cost_cell.html")
    values = CellColumn(
        "Input and output",
        template="nodes/_values_cell.html",
        css="cell-summary execution-values",
        label="",
    )

    class Meta:
        attrs = {"class": "table executions-table"}

    def record_context(self, record: Any) -> dict[str, Any]:
        return {"line": record, "execution": record.execution}
