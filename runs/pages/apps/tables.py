"""The apps as a table."""

from django.utils.html import format_html

from runs.tables import CellColumn, EmptyState, NumberColumn, RecordTable, TimeColumn


class AppTable(RecordTable):
    """Rows are AppRows (see `overview`)."""

    caption = "Apps"
    empty = EmptyState("No apps yet", "An app appears here when its first run arrives.")
    group_headings = "apps/_group_headings.html"
    record_name = "row"

    name = CellColumn("App", template="apps/_name_cell.html", css="cell-summary", label="")
    squares = CellColumn("Latest runs, newest on the right", template="apps/_strip_cell.html")
    last_run = TimeColumn("Last run", "row.last_run.started_at")
    runs_today = NumberColumn("Runs", "{{ row.runs_today }}", label="Runs today")
    failures_today = NumberColumn(
        "Failed",
        "{% if row.failures_today %}"
        '<a class="danger" href="{{ row.app.get_absolute_url }}?status=failed">'
        "{{ row.failures_today }}</a>{% else %}0{% endif %}",
        label="Failed today",
    )
    p95_us = NumberColumn(
        format_html('<abbr title="{}">{}</abbr>', "95 % of the runs were faster", "p95 time"),
        "{{ row.p95_us|duration }}",
        label="p95, 24 h",
    )
    tokens = NumberColumn(
        "Tokens",
        "{% if row.tokens %}{{ row.tokens|tokens }}{% else %}–{% endif %}",
        label="Tokens, 24 h",
    )
    costs = NumberColumn("Cost", template="apps/_cost_cell.html", label="Cost, 24 h")

    class Meta:
        attrs = {"class": "table apps-table"}
