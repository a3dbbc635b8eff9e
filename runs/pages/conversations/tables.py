"""The conversations of an app as a table."""

from runs.tables import CellColumn, NumberColumn, RecordTable, TimeColumn


class ConversationTable(RecordTable):
    """Rows come from `Conversation.objects.for_list()`."""

    caption = "Conversations"
    record_name = "conversation"

    last_status = CellColumn(
        "Last turn",
        '<span class="status" data-status="{{ conversation.last_status }}">'
        "{{ conversation.last_status_label }}</span>",
        label="",
    )
    last_run_at = TimeColumn("When", "conversation.last_run_at")
    opening = CellColumn(
        "Began with",
        '<a class="summary" href="{{ conversation.get_absolute_url }}">'
        '<span class="summary-line" dir="auto">'
        "{{ conversation.opening|default:conversation.source_id|visible }}</span></a>",
        css="cell-summary",
        label="",
    )
    turns = NumberColumn("Turns", "{{ conversation.turns }}")
    failures = NumberColumn(
        "Failed",
        "{{ conversation.failures }}",
        css="num{% if conversation.failures %} danger{% endif %}",
    )
    user = CellColumn(
        "User",
        '<span dir="auto">{{ conversation.user|visible|default:"–" }}</span>',
        css="cell-word",
    )

    class Meta:
        attrs = {"class": "table conversations-table"}
