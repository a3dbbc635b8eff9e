"""Write the rows of a `runs.tables.RecordTable`, and what its cells need."""

from datetime import datetime
from decimal import Decimal

from django import template
from django.template import Context
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from nodes import formats
from runs.pages.notes.notes import NoteCounts
from runs.tables import RecordTable

register = template.Library()


@register.simple_tag(takes_context=True)
def table_rows(context: Context, table: RecordTable) -> SafeString:
    """Write the rows; their cells see the page's context."""
    return format_html_join("\n", "{}", ((row,) for row in table.rows_as_html(context)))


@register.filter
def ago_and_exact(timestamp: datetime) -> SafeString:
    """Write how long ago a time was, as components/_time.html does, and below it the time itself.
    A page of the history has fifty: four filters in a template would take four times as long."""
    local = timezone.localtime(timestamp)
    return format_html(
        '<time datetime="{}" title="{}">{}</time><span class="when-exact">{}</span>',
        local.isoformat(),
        local.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3],
        formats.ago(timestamp, timezone.now()),
        f"{local:%b} {local.day} {local:%H:%M:%S}",
    )


@register.filter
def plain_decimal(amount: Decimal) -> str:
    return f"{amount:f}"


@register.filter
def marks_in_signs(counts: NoteCounts) -> str:
    return " ".join(sign for sign, _ in _note_marks(counts))


@register.filter
def marks_in_words(counts: NoteCounts) -> str:
    return ", ".join(words for _, words in _note_marks(counts))


def _note_marks(counts: NoteCounts) -> list[tuple[str, str]]:
    """Return (sign, words) of a pin, thumbs and other notes."""
    marks = [
        ("★", "pinned", counts.pinned),
        (f"👍{counts.up}", f"{counts.up} up", counts.up),
        (f"👎{counts.down}", f"{counts.down} down", counts.down),
        (f"✎{counts.others}", f"notes: {counts.others}", counts.others),
    ]
    return [(sign, words) for sign, words, present in marks if present]
