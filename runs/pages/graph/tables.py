"""The newest executions of a node as a table of its panel."""

from runs.tables import CellColumn, EmptyState, NumberColumn, RecordTable


class PanelExecutionTable(RecordTable):
    """Rows come from `NodeExecution.objects.for_history()`."""

    caption = "Executions"
    empty = EmptyState("Not run yet", "No run has reached this node.")
    record_name = "execution"

    started_at = CellColumn("When", template="graph/_started_cell.html", css="nowrap", label="")
    status = CellColumn(
        "Status",
        '{% include "components/_status.html" with status=execution.status'
        " label=execution.get_status_display only %}",
        label="",
    )
    duration_us = NumberColumn("Duration", "{{ execution.duration_us|duration }}")
    total_tokens = NumberColumn("Tokens", "{{ execution.total_tokens|tokens }}")
    version = CellColumn(
        "Version",
        "<bdi>{{ execution.run.version.short|visible }}</bdi>",
        css="nowrap",
        attributes=' title="{{ execution.run.version|visible }}"',
    )

    class Meta:
        attrs = {"class": "table"}
