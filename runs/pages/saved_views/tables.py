"""Saved views as a table."""

from typing import Any

from runs.models import SavedView
from runs.tables import CellColumn, EmptyState, RecordTable


class SavedViewTable(RecordTable):
    """Rows are (view, its filters as text); the page's context has `user`."""

    caption = "Saved views"
    empty = EmptyState(
        "No views yet",
        "Save filters that you use often under a name, for yourself or for everyone.",
    )

    name = CellColumn(
        "View",
        '<a href="{{ view.get_absolute_url }}" dir="auto">{{ view.name|visible }}</a>',
        label="",
    )
    app = CellColumn("Runs of", '<bdi>{{ view.app.name|visible|default:"all apps" }}</bdi>')
    filters = CellColumn("Filters", '<code dir="auto">{{ text|visible }}</code>')
    owner = CellColumn(
        "Whose",
        "{% if view.owner == user %}yours{% else %}{{ view.owner.get_username }}{% endif %}"
        "{% if view.shared %}, shared{% endif %}",
    )
    change = CellColumn("Change", template="saved_views/_change_cell.html")

    class Meta:
        attrs = {"class": "table views-table"}

    def record_context(self, record: tuple[SavedView, str]) -> dict[str, Any]:
        view, text = record
        return {"view": view, "text": text}
