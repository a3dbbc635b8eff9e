"""Notes as a table."""

from runs.tables import CellColumn, RecordTable, TimeColumn


class NoteTable(RecordTable):
    """Rows are NoteViews (see `notes`)."""

    caption = "Notes"
    record_name = "one"

    created_at = TimeColumn("When", "one.note.created_at")
    note = CellColumn(
        "Note",
        '{% include "notes/_note_value.html" with one=one only %}'
        '{% include "notes/_note_text.html" with one=one only %}',
        css="cell-note",
        label="",
    )
    run = CellColumn("On", template="notes/_run_cell.html", css="cell-run")
    author = CellColumn(
        "By",
        '<span dir="auto">{{ one.note.author|visible }}</span>'
        '{% if not one.is_of_person %} <span class="muted">{{ one.note.source }}</span>{% endif %}',
    )

    class Meta:
        attrs = {"class": "table notes-table"}
