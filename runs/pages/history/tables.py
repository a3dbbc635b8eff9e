"""The run history as a table."""

from collections.abc import Sequence
from typing import Any

from django.urls import reverse_lazy
from django.utils.html import format_html, format_html_join

from runs.models import Run
from runs.pages.notes.notes import note_counts
from runs.query.address import NEWEST, query_string
from runs.query.run_filters import RunFilters
from runs.search import SearchResult
from runs.tables import CellColumn, EmptyState, HeadingLink, NumberColumn, RecordTable, WordColumn

# A row of its own for where a search found its words.
HITS_ROW = (
    '{% if run.hits %}<tr class="hits-row"><td colspan="{{ table.columns|length }}">'
    '{% include "history/_hits.html" %}</td></tr>{% endif %}'
)


class RunTable(RecordTable):
    """Rows come from `Run.objects.for_list()`; runs that a search found have `hits`. `list_query`
    names the list to the pages of its runs."""

    caption = "Runs"
    record_name = "run"
    row_attributes = 'id="row-{{ run.pk.hex }}" data-row data-status="{{ run.shown_status }}"'
    status = CellColumn("Status", template="history/_status_cell.html")
    started_at = CellColumn("When", "{{ run.started_at|ago_linked:run_href }}", css="nowrap")
    app = CellColumn(
        "App",
        "{% with name=run.app.name|visible %}"
        '<a href="{{ run.app.get_absolute_url }}" dir="auto" title="{{ name }}">{{ name }}</a>'
        "{% endwith %}",
        css="cell-app",
    )
    summary = CellColumn("Summary", template="history/_summary_cell.html", css="cell-summary")
    version = CellColumn("Version", "{{ run.version|version_linked:run_href }}", css="nowrap")
    duration_us = NumberColumn("Time", "{{ run.duration_us|duration }}")
    total_tokens = NumberColumn("Tokens", "{{ run|tokens_with_parts:run_href }}")
    cost = NumberColumn("Cost", "{{ run|cost_with_reason:run_href }}")
    steps = NumberColumn("Steps", "{{ run.steps }}")
    user = WordColumn("User", "run.user")

    class Meta:
        attrs = {"class": "table runs-table"}

    def __init__(self, runs: Sequence[Run], *, list_query: str = "", **options: Any) -> None:
        super().__init__(runs, **options)
        self.list_query = list_query
        counts = note_counts(run.pk for run in runs)
        for run in runs:
            run.note_counts = counts.get(run.pk)  # type: ignore[attr-defined]
        if any(hasattr(run, "hits") for run in runs):
            self.after_row = HITS_ROW

    def record_context(self, record: Run) -> dict[str, Any]:
        return {"run": record, "run_href": record.get_absolute_url() + self.list_query}


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


NO_RUNS_YET = EmptyState(
    "No runs yet",
    "Runs appear here as soon as a producer sends them.",
    action="How to connect a producer",
    href=reverse_lazy("apps"),
)


def empty_history(
    filters: RunFilters, path: str, search: SearchResult | None, is_first_page: bool, shown: int
) -> EmptyState | None:
    """Return what the history at `path` shows without runs; None where its search goes on. `shown`:
    how many runs it found on the pages before."""
    if search and search.next:
        return None
    if shown:
        href = f"{path}{query_string(filters.query)}"
        return EmptyState("No further runs match", action="Show those that were found", href=href)
    if shorter_searches := filters.searches_without_a_word:
        links = format_html_join(
            ", ",
            '<a href="{}{}" dir="auto">“{}”</a>',
            ((path, href, word) for word, href in shorter_searches),
        )
        text = "Each word must occur in a run or one of its steps. Search again without"
        return EmptyState("No run has all of these words", format_html("{} {}.", text, links))
    if filters.in_use or not is_first_page:
        text = "Loosen a filter, or clear all of them."
        return EmptyState("No runs match", text, action="Show all runs", href=path)
    return NO_RUNS_YET


class ChangedRunTable(RunTable):
    """Rows that take the place of the same runs' rows on the page."""

    row_attributes = f'{RunTable.row_attributes} hx-swap-oob="true"'
