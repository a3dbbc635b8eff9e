"""The run history as a table."""

from datetime import datetime
from typing import Any

import django_tables2 as tables
from django.utils import timezone
from django.utils.html import format_html

from nodes import formats
from runs.choices import CostState
from runs.models import Run

NUMBER = {"td": {"class": "num"}, "th": {"class": "num"}}


class RunTable(tables.Table):
    """Rows come from `Run.objects.for_list()`, already in order and cut to a page."""

    status = tables.Column()
    started_at = tables.Column(verbose_name="When", attrs={"td": {"class": "nowrap"}})
    app = tables.Column(
        linkify=True,
        attrs={
            "td": {"class": "cell-app"},
            "a": {"dir": "auto", "title": lambda record: record.app.name},
        },
    )
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

    # Two short cells are written here, as components/_status.html and _time.html write them:
    # without a template for each, the page makes an eighth fewer calls.

    def render_status(self, value: str, record: Run) -> str:
        if record.stalled:
            return format_html(
                '<span class="status" data-status="stalled" title="{}">Stalled</span>',
                "Says running, but has sent nothing for long",
            )
        return format_html('<span class="status" data-status="{}">{}</span>', record.status, value)

    def render_started_at(self, value: datetime) -> str:
        """How long ago, and at what time."""
        local = timezone.localtime(value)
        return format_html(
            '<time datetime="{}" title="{}">{}</time><span class="when-exact">{}</span>',
            local.isoformat(),
            local.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3],
            formats.ago(value, timezone.now()),
            f"{local:%b} {local.day} {local:%H:%M:%S}",
        )

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
            return format_html('<span title="{}">{}</span>', state.label, formats.NO_VALUE)
        return format_html(
            '<span title="{} {}, {}">{}{}</span>',
            f"{value:f}", record.cost_currency, state.label.lower(),
            formats.money(value, record.cost_currency), "+" if state == CostState.PARTLY else "",
        )  # fmt: skip

    def render_user(self, value: str) -> str:
        return format_html('<span dir="auto" title="{}">{}</span>', value, value)

    def render_version(self, value: Any) -> str:
        return format_html('<span dir="auto" title="{}">{}</span>', value, value)
