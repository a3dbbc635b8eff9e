"""The links to a run as a table."""

from collections.abc import Sequence
from typing import Any

from runs.models import ShareLink
from runs.tables import CellColumn, EmptyState, RecordTable, TimeColumn


class ShareLinkTable(RecordTable):
    """Rows are (link, what it masks, in words)."""

    caption = "Links to this run"
    empty = EmptyState("No links yet", "Links that you create with the form above are listed here.")

    created_by = CellColumn(
        "Created by", '<bdi>{{ link.created_by|default_if_none:"a deleted user" }}</bdi>'
    )
    created_at = TimeColumn("Created", "link.created_at")
    expires_at = CellColumn("Expires", '{{ link.expires_at|date:"Y-m-d H:i" }}', css="nowrap")
    last_opened_at = TimeColumn("Last opened", "link.last_opened_at", absent="never")
    masked = CellColumn(
        "Masked",
        '<span dir="auto">{{ masked|join:", "|visible|default:"nothing" }}</span>',
        css="share-masked",
    )
    state = CellColumn("State", template="share/_state_cell.html")

    class Meta:
        attrs = {"class": "table"}

    def record_context(self, record: tuple[ShareLink, Sequence[str]]) -> dict[str, Any]:
        link, masked = record
        return {"link": link, "masked": masked}
