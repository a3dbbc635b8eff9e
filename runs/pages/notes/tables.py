"""Notes as a table."""

from runs.tables import CellColumn, RecordTable, TimeColumn


class NoteTable(RecordTable):
    """Rows are NoteEntry objects (see `notes`)."""

    caption = "Notes"
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
