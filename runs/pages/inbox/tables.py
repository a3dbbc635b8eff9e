"""The requests of the inbox, and the refused records, as tables."""

from collections.abc import Sequence
from typing import Any

from django.urls import reverse_lazy
from django.utils.html import format_html

from runs.models import ReceivedRequest, Run
from runs.tables import CellColumn, EmptyState, NumberColumn, RecordTable, TimeColumn, WordColumn


class CountColumn(NumberColumn):
    """A count of a request, linked to the steps of its first run. `title` explains the heading."""

    def __init__(self, heading: str, variable: str, title: str) -> None:
        super().__init__(
            format_html('<abbr title="{}">{}</abbr>', title, heading),
            f"{{% if {variable} and runs %}}"
            f"<a href=\"{{% url 'run-tracing' runs.0.pk %}}\">{{{{ {variable} }}}}</a>"
            f"{{% else %}}{{{{ {variable} }}}}{{% endif %}}",
            css=f"num{{% if not {variable} %}} none{{% endif %}}",
            label=heading,
        )


NO_FAILED_REQUESTS = EmptyState(
    "No failed requests",
    "Every recent request was accepted.",
    action="Show all requests",
    href=reverse_lazy("inbox"),
)


class RequestTable(RecordTable):
    """Rows are (request, those of its runs that still exist, the ones with orphans first)."""

    caption = "Requests"
    empty = EmptyState(
        "Nothing has arrived yet",
        "Every request to a receiving endpoint is listed here, even if it was rejected.",
    )
    row_attributes = 'data-row data-status="{{ row.outcome }}"'

    status = CellColumn(
        "Status",
        '{% include "components/_status.html" with status=row.outcome label=row.status only %}',
        label="",
    )
    received_at = TimeColumn("When", "row.received_at")
    door = CellColumn("Endpoint", template="inbox/_door_cell.html", css="cell-door", label="")
    key = WordColumn("Key", "row.key.name")
    producer = WordColumn("Producer", "row.user_agent")
    runs = CellColumn(
        "Runs",
        template="inbox/_runs_cell.html",
        css="cell-runs{% if not row.run_count %} none{% endif %}",
    )
    records = NumberColumn(
        format_html('<abbr title="{}">{}</abbr>', "Spans, events or logs in it", "Records"),
        "{{ row.records }}",
        label="Records",
    )
    refused = NumberColumn(
        "Refused",
        '{% if row.refused %}<a class="danger" href="{% url \'inbox-refused\' %}">'
        "{{ row.refused }}</a>{% else %}0{% endif %}",
        css="num{% if not row.refused %} none{% endif %}",
    )
    duplicates = CountColumn(
        "Duplicates", "row.duplicates", "Records that added nothing to a step already stored"
    )
    late = CountColumn("Late", "row.late", "Records that arrived after their run had ended")
    orphans = CountColumn(
        "Orphans", "row.orphans", "Steps of these runs whose parent has not been received"
    )
    size = NumberColumn("Size", "{{ row.size|size }}")
    duration_us = NumberColumn("Time", "{{ row.duration_us|duration }}")

    class Meta:
        attrs = {"class": "table inbox-table"}

    def record_context(self, record: tuple[ReceivedRequest, Sequence[Run]]) -> dict[str, Any]:
        row, runs = record
        return {"row": row, "runs": runs}


class RefusedRecordTable(RecordTable):
    """Rows come from `RefusedRecord.objects.for_list()`; the page's context has `user`."""

    caption = "Refused records"
    empty = EmptyState("No refused records", "Every record that was received could be read.")

    reason = CellColumn(
        "Reason", template="inbox/_refused_reason_cell.html", css="cell-summary", label=""
    )
    received_at = TimeColumn("When", "record.received_at")
    door = CellColumn("Endpoint", '<span dir="auto">{{ record.door|visible }}</span>', css="mono")
    key = WordColumn("Key", "record.key.name")
    producer = WordColumn("Producer", "record.user_agent")
    file = CellColumn("File", "<a href=\"{% url 'inbox-raw' record.pk %}\" download>Download</a>")
    state = CellColumn("State", template="inbox/_refused_state_cell.html", label="")

    class Meta:
        attrs = {"class": "table refused-table"}
