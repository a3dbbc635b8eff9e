"""Notes as a table."""

from django.urls import reverse_lazy

from runs.tables import CellColumn, EmptyState, RecordTable, TimeColumn

NO_NOTES_MATCH = EmptyState(
    "No notes match",
    "Loosen a filter, or clear all of them.",
    action="Show all notes",
    href=reverse_lazy("notes"),
)


class NoteTable(RecordTable):
    """Rows are NoteEntry objects (see `notes`)."""

    caption = "Notes"
    empty = EmptyState(
        "No notes yet",
        "Add notes to runs and steps, or send scores to /api/notes.",
        action="Show the runs",
        href=reverse_lazy("runs"),
    )
    record_name = "entry"

    created_at = TimeColumn("When", "entry.note.created_at")
    note = CellColumn(
        "Note",
        '{% include "notes/_note_value.html" with entry=entry only %}'
        '{% include "notes/_note_text.html" with entry=entry only %}',
        css="cell-note",
        label="",
    )
    run = CellColumn("On", template="notes/_run_cell.html", css="cell-run")
    author = CellColumn(
        "By",
        '<span dir="auto">{{ entry.note.author|visible }}</span>'
        "{% if not entry.is_by_person %}"
        ' <span class="muted">{{ entry.note.source }}</span>{% endif %}',
    )

    class Meta:
        attrs = {"class": "table notes-table"}
