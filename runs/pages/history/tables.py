"""The run history as a table."""

from collections.abc import Sequence
from typing import Any

from runs.models import Run
from runs.pages.notes.notes import note_counts
from runs.query.address import NEWEST, query_string
from runs.query.run_filters import RunFilters
from runs.tables import CellColumn, HeadingLink, NumberColumn, RecordTable

# A row of its own for where a search found its words.
HITS_ROW = (
    '{% if run.hits %}<tr class="hits-row"><td colspan="{{ table.columns|length }}">'
    '{% include "history/_hits.html" %}</td></tr>{% endif %}'
)


class RunTable(RecordTable):
    """Rows come from `Run.objects.for_list()`; runs that a search found have `hits`."""

    caption = "Runs"
    record_name = "run"
    row_attributes = 'id="row-{{ run.pk.hex }}" data-row data-status="{{ run.shown_status }}"'
    status = CellColumn("Status", template="history/_status_cell.html")
    started_at = CellColumn("When", "{{ run.started_at|ago_and_exact }}", css="nowrap")
    app = CellColumn(
        "App",
        "{% with name=run.app.name|visible %}"
        '<a href="{{ run.app.get_absolute_url }}" dir="auto" title="{{ name }}">{{ name }}</a>'
        "{% endwith %}",
        css="cell-app",
    )
    summary = CellColumn("Summary", template="history/_summary_cell.html", css="cell-summary")
    version = CellColumn(
        "Version",
        "{% if run.version %}"
        '<span dir="auto" title="{{ run.version|visible }}">{{ run.version.short|visible }}</span>'
        "{% else %}–{% endif %}",
        css="cell-word cell-version",
    )
    duration_us = NumberColumn("Time", "{{ run.duration_us|duration }}")
    total_tokens = NumberColumn(
        "Tokens",
        "{% if run.total_tokens %}"
        '<span title="{{ run.input_tokens }} in, {{ run.output_tokens }} out">'
        "{{ run.total_tokens|tokens }}</span>{% else %}–{% endif %}",
    )
    cost = NumberColumn("Cost", template="history/_cost_cell.html")
    steps = NumberColumn("Steps", "{{ run.steps }}")
    user = CellColumn(
        "User",
        "{% if run.user %}{% with user=run.user|visible %}"
        '<span dir="auto" title="{{ user }}">{{ user }}</span>'
        "{% endwith %}{% else %}–{% endif %}",
        css="cell-word",
    )

    class Meta:
        attrs = {"class": "table runs-table"}

    def __init__(self, runs: Sequence[Run], **options: Any) -> None:
        super().__init__(runs, **options)
        counts = note_counts(run.pk for run in runs)
        for run in runs:
            run.note_counts = counts.get(run.pk)  # type: ignore[attr-defined]
        if any(hasattr(run, "hits") for run in runs):
            self.after_row = HITS_ROW


# By column: the orders of the list that an index serves, the first one first.
ORDERS_BY_COLUMN = {
    "started_at": (NEWEST, "started_at"),
    "duration_us": ("-duration",),
    "total_tokens": ("-tokens",),
    "cost": ("-cost",),
}


def order_links(filters: RunFilters) -> dict[str, HeadingLink]:
    """Return the headings' links; none for what a search finds, which has one order only."""
    if filters.search_terms:
        return {}
    links = {}
    for column, orders in ORDERS_BY_COLUMN.items():
        order, direction = orders[0], ""
        if filters.order in orders:
            direction = "descending" if filters.order.startswith("-") else "ascending"
            order = orders[(orders.index(filters.order) + 1) % len(orders)]
        links[column] = HeadingLink(query_string(filters.query, order), direction)
    return links


class ChangedRunTable(RunTable):
    """Rows that take the place of the same runs' rows on the page."""

    row_attributes = f'{RunTable.row_attributes} hx-swap-oob="true"'
