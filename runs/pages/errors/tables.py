"""Error groups as a table."""

from runs.tables import CellColumn, EmptyState, NumberColumn, RecordTable, TimeColumn

NO_RESOLVED_ERRORS = EmptyState(
    "No resolved errors",
    "No error in this period is marked as resolved, or all of them have occurred again.",
)
NO_OPEN_ERRORS = EmptyState(
    "No open errors",
    "Every error in this period is marked as resolved.",
)
NO_RUNS_LEFT = EmptyState(
    "No runs left",
    "The runs that failed like this have been deleted, or turned out not to have failed.",
)


class ErrorTable(RecordTable):
    """Rows are the `shown` of an ErrorGroupPage; the page's context has `error_groups`, which is
    that page, and `app`."""

    caption = "Errors"
    empty = EmptyState(
        "No failed runs",
        "Failed runs are grouped here by what failed. Failures that were handled are shown in"
        " their runs.",
    )
    record_name = "listed"
    row_attributes = (
        "data-row data-status="
        '"{% if listed.state == "resolved" %}succeeded{% else %}failed{% endif %}"'
    )

    group = CellColumn(
        "What failed", template="errors/_group_cell.html", css="cell-summary", label=""
    )
    count = NumberColumn("Runs", "{{ listed.count }}")
    bars = CellColumn(
        "When",
        '{% include "errors/_bars.html" with path=listed.path scale=error_groups.scale'
        " count=listed.count only %}",
    )
    last_at = TimeColumn("Last", "listed.last_at")
    first_at = CellColumn("First seen", template="errors/_first_cell.html", css="nowrap")
    versions = CellColumn("Versions", template="errors/_versions_cell.html", css="error-versions")

    class Meta:
        attrs = {"class": "table errors-table"}
