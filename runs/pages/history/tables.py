"""The run history as a table."""

from collections.abc import Callable, Iterator
from uuid import UUID

import django_tables2 as tables
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from nodes import formats
from runs.choices import CostState
from runs.models import Run
from runs.pages.notes.notes import NoteCounts, note_counts

WORD = {"td": {"class": "cell-word"}}
NUMBER = {"td": {"class": "num"}, "th": {"class": "num"}}
ERROR_SHOWN = 200


class RunTable(tables.Table):
    """Rows come from `Run.objects.for_list()`, already in order and cut to a page.

    Each `render_…` writes one cell of a run. They are written here, not in a template each: a page
    has five hundred of them.
    """

    # Rows that take the place of those of the page (htmx).
    swap = ""

    status = tables.Column()
    started_at = tables.Column(verbose_name="When", attrs={"td": {"class": "nowrap"}})
    app = tables.Column(attrs={"td": {"class": "cell-app"}})
    summary = tables.Column(empty_values=(), attrs={"td": {"class": "cell-summary"}})
    version = tables.Column(attrs={"td": {"class": "cell-word cell-version"}})
    duration_us = tables.Column(verbose_name="Time", attrs=NUMBER)
    total_tokens = tables.Column(verbose_name="Tokens", attrs=NUMBER)
    cost = tables.Column(attrs=NUMBER)
    steps = tables.Column(attrs=NUMBER)
    user = tables.Column(attrs=WORD)

    class Meta:
        model = Run
        fields = ("status", "started_at", "app", "summary", "version", "duration_us",
                  "total_tokens", "cost", "steps", "user")  # fmt: skip
        orderable = False
        attrs = {"class": "table runs-table"}
        empty_text = ""

    marks: dict[UUID, NoteCounts]

    def lines(self) -> Iterator[SafeString]:
        """The rows as HTML. What is the same in all cells of a column is worked out once;
        django-tables2's own rows work it out for every cell, which takes most of the page's time.
        """
        columns = [
            (
                format_html('<td {} data-label="{}">', column.attrs["td"].as_html(), column.header),
                getattr(self, f"render_{column.name}"),
            )
            for column in self.columns
        ]
        self.marks = note_counts(run.pk for run in self.data)
        for run in self.data:
            cells = format_html_join("", "{}{}</td>", ((td, write(run)) for td, write in columns))
            yield format_html(
                '<tr id="row-{}" data-row data-status="{}"{}>{}</tr>{}',
                run.pk.hex, run.shown_status, self.swap, cells,
                self._hits(run, len(columns)),
            )  # fmt: skip

    @staticmethod
    def _hits(run: Run, columns: int) -> str:
        """A row of its own for where a search found its words."""
        if not getattr(run, "hits", None):
            return ""
        hits = render_to_string("history/_hits.html", {"run": run})
        return format_html('<tr class="hits-row"><td colspan="{}">{}</td></tr>', columns, hits)

    def render_status(self, record: Run) -> str:
        """As components/_status.html writes it."""
        title = record.shown_status_reason
        return format_html(
            '<span class="status" data-status="{}"{}>{}</span>{}',
            record.shown_status, format_html(' title="{}"', title) if title else "",
            record.shown_status_label, "" if title else _marks(self.marks.get(record.pk)),
        )  # fmt: skip

    def render_started_at(self, record: Run) -> str:
        """How long ago, and at what time; as components/_time.html writes it."""
        local = timezone.localtime(record.started_at)
        return format_html(
            '<time datetime="{}" title="{}">{}</time><span class="when-exact">{}</span>',
            local.isoformat(),
            local.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3],
            formats.ago(record.started_at, timezone.now()),
            f"{local:%b} {local.day} {local:%H:%M:%S}",
        )

    def render_app(self, record: Run) -> str:
        app, name = record.app, formats.visible(record.app.name)
        return format_html(
            '<a href="{}" dir="auto" title="{}">{}</a>', app.get_absolute_url(), name, name
        )

    def render_summary(self, record: Run) -> str:
        """What a run was asked and what came of it, in two lines; the link to the run."""
        return format_html(
            '<a class="summary" href="{}" id="run-{}">'
            '<span class="summary-line" dir="auto">{}</span>{}</a>',
            record.get_absolute_url(), record.pk,
            record.inputs_preview or formats.visible(record.name) or "No input recorded",
            _outcome(record),
        )  # fmt: skip

    def render_version(self, record: Run) -> str:
        return _word(record.version, formats.timestamp_label)

    def render_duration_us(self, record: Run) -> str:
        return formats.duration(record.duration_us)

    def render_total_tokens(self, record: Run) -> str:
        if not record.total_tokens:
            return formats.NO_VALUE
        return format_html(
            '<span title="{} in, {} out">{}</span>',
            record.input_tokens, record.output_tokens, formats.tokens(record.total_tokens),
        )  # fmt: skip

    def render_cost(self, record: Run) -> str:
        """The amount; without one, why there is none."""
        state = CostState(record.cost_state)
        if record.cost is None:
            return format_html('<span title="{}">{}</span>', state.label, formats.NO_VALUE)
        return format_html(
            '<span title="{} {}, {}">{}{}</span>',
            f"{record.cost:f}", record.cost_currency, state.label.lower(),
            formats.money(record.cost, record.cost_currency),
            "+" if state == CostState.PARTLY else "",
        )  # fmt: skip

    def render_steps(self, record: Run) -> str:
        return str(record.steps)

    def render_user(self, record: Run) -> str:
        return _word(record.user)


def _word(value: object, short: Callable[[str], str] = str) -> str:
    """One word of a producer's, which may be long."""
    if not value:
        return formats.NO_VALUE
    text = formats.visible(str(value))
    return format_html('<span dir="auto" title="{}">{}</span>', text, short(text))


def _marks(marks: NoteCounts | None) -> str:
    """Pin, thumbs and how many other notes, in signs."""
    if marks is None:
        return ""
    told = [
        ("★", "pinned") if marks.pinned else None,
        (f"👍{marks.up}", f"{marks.up} up") if marks.up else None,
        (f"👎{marks.down}", f"{marks.down} down") if marks.down else None,
        (f"✎{marks.others}", f"notes: {marks.others}") if marks.others else None,
    ]
    signs, words = zip(*filter(None, told), strict=True)
    return format_html(
        '<span class="run-marks" role="img" aria-label="{}" title="{}">{}</span>',
        ", ".join(words), ", ".join(words), " ".join(signs),
    )  # fmt: skip


def _outcome(run: Run) -> str:
    if run.error:
        where = (
            format_html("<b>{}:</b> ", formats.visible(run.failed_title))
            if run.failed_title
            else ""
        )
        return format_html(
            '<span class="summary-line danger" dir="auto">{}{}</span>',
            where, formats.visible(Truncator(run.error).chars(ERROR_SHOWN)),
        )  # fmt: skip
    if run.outputs_preview:
        return format_html(
            '<span class="summary-line muted" dir="auto">'
            '<span class="arrow" aria-hidden="true">→</span>{}</span>',
            run.outputs_preview,
        )
    if run.is_unfinished:
        return format_html('<span class="summary-line muted">{}</span>', "No output yet")
    return ""


class ChangedRunTable(RunTable):
    """Rows that take the place of the same runs' rows on the page."""

    swap = format_html(' {}="true"', "hx-swap-oob")
