"""The API keys as a table."""

from runs.tables import CellColumn, EmptyState, RecordTable, TimeColumn


class KeyTable(RecordTable):
    """Rows come from `IngestKey.objects.for_list()`."""

    caption = "Keys"
    empty = EmptyState(
        "No keys yet",
        "Producers need a key to record runs; scripts need one to read them.",
    )
    record_name = "key"
    row_attributes = ""

    name = CellColumn(
        "Name", '<span dir="auto">{{ key.name|visible }}</span>', css="cell-summary", label=""
    )
    hint = CellColumn(
        "Begins with", "{% if key.hint %}{{ key.hint }}…{% else %}–{% endif %}", css="mono"
    )
    scopes = CellColumn(
        "Can",
        "{% if key.can_ingest %}record{% endif %}"
        "{% if key.can_ingest and key.can_read %}, {% endif %}"
        "{% if key.can_read %}read{% endif %}",
    )
    app = CellColumn("App", '<bdi>{{ key.app.name|visible|default:"all" }}</bdi>')
    created_at = TimeColumn("Created", "key.created_at")
    last_used_at = TimeColumn("Last used", "key.last_used_at", absent="never")
    state = CellColumn("State", template="keys/_state_cell.html")

    class Meta:
        attrs = {"class": "table keys-table"}
