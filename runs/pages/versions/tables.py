"""The versions of an app as a table."""

from collections.abc import Sequence
from typing import Any

from runs.models import Version
from runs.tables import CellColumn, EmptyState, NumberColumn, RecordTable, TimeColumn


class VersionTable(RecordTable):
    """Rows are versions, newest first, with the figures of their runs of the last `days` days; the
    page's context has `app` and `days`."""

    caption = "Versions"
    empty = EmptyState("No versions", "The producer of this app does not report versions.")
    record_name = "version"

    name = CellColumn(
        "Version",
        '<a href="{{ version.get_absolute_url }}">#{{ version.number }} '
        '<span dir="auto" title="{{ version.label|visible }}">{{ version.short|visible }}</span>'
        "</a>",
        css="cell-summary",
        label="",
    )
    first_run_at = TimeColumn("First run", "version.first_run_at")
    last_run_at = TimeColumn("Last run", "version.last_run_at")
    runs = NumberColumn(
        "Runs",
        "<a href=\"{% url 'app' app.slug %}?version=%23{{ version.number }}\">"
        "{{ version.figures.runs|default:0 }}"
        '<span class="visually-hidden"> runs of version {{ version.number }}</span></a>',
        label="Runs, {{ days }} days",
    )
    failures = NumberColumn(
        "Failed",
        "{{ version.figures.failures|default:0 }}",
        css="num{% if version.figures.failures %} danger{% endif %}",
        label="Failed, {{ days }} days",
    )
    graph = CellColumn(
        "Graph",
        "<a href=\"{% url 'app-graph' app.slug %}?version={{ version.number }}\">Graph"
        '<span class="visually-hidden"> of version {{ version.number }}</span></a>',
    )
    changes = CellColumn(
        "Changes",
        '{% if version == table.oldest %}<span class="muted">–</span>{% else %}'
        "<a href=\"{% url 'app-versions-compare' app.slug %}?b={{ version.number }}\">"
        "since the previous one"
        '<span class="visually-hidden">, before version {{ version.number }}</span></a>{% endif %}',
    )

    class Meta:
        attrs = {"class": "table versions-table"}

    def __init__(self, versions: Sequence[Version], days: int, **options: Any) -> None:
        super().__init__(versions, **options)
        self.oldest = versions[-1] if versions else None
        for name in ("runs", "failures"):
            column = self.columns[name].column
            column.verbose_name = f"{column.verbose_name}, {days} days"
