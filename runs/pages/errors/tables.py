"""The kinds of failure as a table."""

from runs.tables import CellColumn, NumberColumn, RecordTable, TimeColumn


class ErrorTable(RecordTable):
    """Rows are the `Kinds.shown` of `groups`; the page's context has `kinds` and `app`."""

    caption = "Errors"
    record_name = "kind"
    row_attributes = (
        "data-row data-status="
        '"{% if kind.state == "resolved" %}succeeded{% else %}failed{% endif %}"'
    )

    group = CellColumn(
        "What failed", template="errors/_group_cell.html", css="cell-summary", label=""
    )
    count = NumberColumn("Runs", "{{ kind.count }}")
    bars = CellColumn(
        "When",
        '{% include "errors/_bars.html" with path=kind.path scale=kinds.scale count=kind.count'
        " only %}",
    )
    last_at = TimeColumn("Last", "kind.last_at")
    first_at = CellColumn("First ever", template="errors/_first_cell.html", css="nowrap")
    versions = CellColumn("Versions", template="errors/_versions_cell.html", css="error-versions")

    class Meta:
        attrs = {"class": "table errors-table"}
