"""The run history as a table."""

from collections.abc import Collection, Sequence
from typing import Any

from django.urls import reverse_lazy
from django.utils.html import format_html, format_html_join

from runs.models import Note, Run
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


DEFAULT_COLUMNS = (
    *("status", "started_at", "app", "summary", "version"),
    *("duration_us", "total_tokens", "cost", "steps"),
)


class RunTable(RecordTable):
    """Rows come from `Run.objects.for_list()`; runs that a search found have `hits`. `list_query`
    names the list to the pages of its runs. Of the `columns` those that `exclude` names are left
    out."""

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
    environment = WordColumn("Environment", "run.environment")
    trigger = WordColumn("Trigger", "run.trigger")
    source_kind = WordColumn("Source", "run.source_kind")
    tags = WordColumn("Tags", "run.tags_in_words")
    model_calls = NumberColumn("Model calls", "{{ run.model_calls }}")
    tool_calls = NumberColumn("Tool calls", "{{ run.tool_calls }}")
    retries = NumberColumn("Retries", "{{ run.retries }}")
    notes = NumberColumn("Notes", "{{ run.note_counts.count|default:0 }}")
    exact_start = CellColumn("Started", "{{ run.started_at|clock }}", css="nowrap")

    class Meta:
        attrs = {"class": "table runs-table"}

    def __init__(
        self,
        runs: Sequence[Run],
        *,
        list_query: str = "",
        columns: Collection[str] = DEFAULT_COLUMNS,
        exclude: Collection[str] = (),
        **options: Any,
    ) -> None:
        left_out = {name for name in self.base_columns if name not in columns}
        super().__init__(runs, exclude=left_out.union(exclude), **options)
        self.list_query = list_query
        if "tags" in columns:
            _set_tags(runs)
        counts = note_counts(run.pk for run in runs)
        for run in runs:
            run.note_counts = counts.get(run.pk)  # type: ignore[attr-defined]
        if any(hasattr(run, "hits") for run in runs):
            self.after_row = HITS_ROW

    def record_context(self, record: Run) -> dict[str, Any]:
        return {"run": record, "run_href": record.get_absolute_url() + self.list_query}


def _set_tags(runs: Sequence[Run]) -> None:
    """Give each run `tags_in_words`: those of its producer, then those of people. One query."""
    tags = {run.pk: [str(tag) for tag in run.tags or ()] for run in runs}
    notes = Note.objects.named("tag").filter(run_id__in=tags).order_by("created_at", "id")
    for run_id, label in notes.values_list("run_id", "label"):
        tags[run_id].append(label)
    for run in runs:
        words = ", ".join(dict.fromkeys(tags[run.pk]))
        run.tags_in_words = words  # type: ignore[attr-defined]


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
