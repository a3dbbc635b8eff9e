"""The run history as a table."""

from typing import Any

import django_tables2 as tables
from django.utils.html import format_html

from nodes import formats
from runs.choices import CostState
from runs.models import Run

NUMBER = {"td": {"class": "num"}, "th": {"class": "num"}}


class RunTable(tables.Table):
    """Rows come from `Run.objects.for_list()`, already in order and cut to a page."""

    status = tables.TemplateColumn(template_name="runs/_run_status.html")
    started_at = tables.TemplateColumn(
        template_name="runs/_run_when.html", verbose_name="When", attrs={"td": {"class": "nowrap"}}
    )
    app = tables.Column(linkify=True, attrs={"td": {"class": "cell-app"}, "a": {"dir": "auto", "title": lambda record: record.app.name}})
    summary = tables.TemplateColumn(
        template_name="runs/_run_summary.html",
        empty_values=(),
        attrs={"td": {"class": "cell-summary"}},
    )
    version = tables.Column(attrs={"td": {"class": "cell-word"}})
    duration_us = tables.Column(verbose_name="Time", attrs=NUMBER, empty_values=())
    total_tokens = tables.Column(verbose_name="Tokens", attrs=NUMBER)
    cost = tables.Column(attrs=NUMBER, empty_values=())
    steps = tables.Column(attrs=NUMBER)
    user = tables.Column(attrs={"td": {"class": "cell-word"}})

    class Meta:
        model = Run
        fields = ("status", "started_at", "app", "summary", "version", "duration_us",
                  "total_tokens", "cost", "steps", "user")  # fmt: skip
        orderable = False
        attrs = {"class": "table runs-table"}
        row_attrs = {"data-row": "", "data-status": lambda record: record.status}
        empty_text = ""
        default = formats.NO_VALUE

    def render_duration_us(self, value: int | None) -> str:
        return formats.duration(value)

    def render_total_tokens(self, value: int, record: Run) -> str:
        if not value:
            return formats.NO_VALUE
        return format_html(
            '<span title="{} in, {} out">{}</span>',
            record.input_tokens, record.output_tokens, formats.tokens(value),
        )  # fmt: skip

    def render_cost(self, value: Any, record: Run) -> str:
        """The amount; without one, why there is none."""
        state = CostState(record.cost_state)
        if value is None:
            return format_html(
                '<span title="{}">{}</span>', state.label, formats.NO_VALUE
            )
        return format_html(
            '<span title="{} {}, {}">{}{}</span>',
            f"{value:f}", record.cost_currency, state.label.lower(),
            formats.money(value, record.cost_currency), "+" if state == CostState.PARTLY else "",
        )  # fmt: skip

    def render_user(self, value: str) -> str:
        return format_html('<span dir="auto" title="{}">{}</span>', value, value)

    def render_version(self, value: Any) -> str:
        return format_html('<span dir="auto" title="{}">{}</span>', value, value)
