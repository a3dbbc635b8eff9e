"""Template tags and filters for the rows and cells of a `runs.tables.RecordTable`."""

from datetime import datetime

from django import template
from django.template import Context
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from nodes import formats
from runs.choices import CostState
from runs.models import Run, Version
from runs.pages.notes.notes import NoteCounts
from runs.tables import RecordTable

register = template.Library()


@register.simple_tag(takes_context=True)
def table_rows(context: Context, table: RecordTable) -> SafeString:
    """Write the rows; their cells see the page's context."""
    return format_html_join("\n", "{}", ((row,) for row in table.rows_as_html(context)))


# A row of runs is one link, laid over its cells. What has a title of its own lies above it and is a
# link to the same page; the keyboard and its focus need only one of them.
LINK_ABOVE_ROW = '<a class="above-row" href="{}" tabindex="-1" title="{}">{}</a>'


@register.filter
def ago_linked(timestamp: datetime, href: str) -> SafeString:
    """Write how long ago a run was, with the exact time in the title. A page of the history has
    fifty: four filters in a template would take four times as long."""
    local = timezone.localtime(timestamp)
    ago = formats.ago(timestamp, timezone.now())
    time = format_html('<time datetime="{}">{}</time>', local.isoformat(), ago)
    exact = local.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    return format_html(LINK_ABOVE_ROW, href, exact, time)


@register.filter
def version_linked(version: Version | None, href: str) -> str:
    """Write the number of a run's version, with the producer's label in the title."""
    if version is None:
        return formats.NO_VALUE
    return format_html(LINK_ABOVE_ROW, href, formats.visible(str(version)), f"#{version.number}")


@register.filter
def word_with_title(word: str | None) -> str:
    """Write a word of the data that may be cut to the width of its column, whole in its title."""
    if not word:
        return formats.NO_VALUE
    text = formats.visible(word)
    return format_html('<span dir="auto" title="{}">{}</span>', text, text)


@register.filter
def tokens_with_parts(run: Run, href: str) -> str:
    """Write how many tokens a run used, in its title how many went in and how many came out."""
    if not run.total_tokens:
        return formats.NO_VALUE
    parts = f"{run.input_tokens} in, {run.output_tokens} out"
    return format_html(LINK_ABOVE_ROW, href, parts, formats.tokens(run.total_tokens))


@register.filter
def cost_with_reason(run: Run, href: str) -> SafeString:
    """Write what a run cost; in the title the whole amount, or why there is none."""
    state = run.get_cost_state_display()
    if run.cost is None:
        return format_html(LINK_ABOVE_ROW, href, state, formats.NO_VALUE)
    whole = f"{run.cost:f} {run.cost_currency}, {state.lower()}"
    sign = "+" if run.cost_state == CostState.PARTLY else ""
    amount = formats.money(run.cost, run.cost_currency or "USD") + sign
    return format_html(LINK_ABOVE_ROW, href, whole, amount)


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
