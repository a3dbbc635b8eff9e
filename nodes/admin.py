"""The admin of payloads, and base classes that keep admin pages of large tables cheap and
read-only."""

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString

from nodes.ids import as_uuid
from nodes.models import OwnPrice, Payload, PayloadQuerySet

LISTED = 1000
DAYS = 14


def link(url: str, text: str) -> SafeString:
    return format_html('<a href="{}">{}</a>', url, text)


def payload_link(payload_id: uuid.UUID | None) -> str:
    """Return a link to the page that shows a payload: its body is loaded there, never here."""
    return link(reverse("payload", args=[payload_id]), "Open payload") if payload_id else "–"


class CappedPaginator(Paginator):
    """Counts the first LISTED rows only: a large table is never counted."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        if isinstance(rows, QuerySet):
            return len(rows.order_by().values_list("pk")[:LISTED])
        return min(len(rows), LISTED)


class DayFilter(admin.SimpleListFilter):
    """Filters by one of the last days, or any other by ?day=2026-11-02. The filter is a range, so
    that an index serves it; Django's date_hierarchy would first read the days of the whole
    table."""

    title = "day"
    parameter_name = "day"
    field = "started_at"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        today = timezone.localdate()
        days = [today - timedelta(days=back) for back in range(DAYS)]
        return [(day.isoformat(), f"{day:%a %d %b}") for day in days]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
        if not (value := self.value()):
            return queryset
        try:
            start = timezone.make_aware(datetime.fromisoformat(value))
        except ValueError as error:
            raise IncorrectLookupParameters(str(error)) from None
        if isinstance(queryset, PayloadQuerySet):
            return queryset.of_day(start.date())
        end = start + timedelta(days=1)
        return queryset.filter(**{f"{self.field}__gte": start, f"{self.field}__lt": end})


class RecordAdmin(admin.ModelAdmin):
    """Shows records without changing them: only recording writes them.

    Each field in `payload_fields` is shown as a link; `deferred` is left in the database."""

    paginator: ClassVar[type[Paginator]] = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 100
    list_max_show_all = 0
    # Shows the search box; `find` of each admin says what is searched.
    search_fields: ClassVar[tuple[str, ...]] = ("pk",)
    search_help_text = f"An id, Waylog's or the producer's. Lists end after {LISTED} rows."
    payload_fields: tuple[str, ...] = ()
    deferred: tuple[str, ...] = ()

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer(*self.deferred)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        plain = [
            field.name
            for field in self.model._meta.concrete_fields
            if field.name not in (*self.payload_fields, *self.deferred)
        ]
        links = [f"{name}_link" for name in self.payload_fields]
        return ["console", *plain, *links]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        return self.get_fields(request, obj)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        return (self.find(queryset, term) if term else queryset), False

    def find(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        """Return the records with this id."""
        record_id = as_uuid(term.strip())
        return queryset.filter(pk=record_id) if record_id else queryset.none()

    @admin.display(description="Console")
    def console(self, obj: Model) -> str:
        """Return a link to the page of the console that shows the record."""
        url = self.console_url(obj)
        return link(url, "Open in console") if url else "–"

    def console_url(self, obj: Any) -> str:
        return str(obj.get_absolute_url())

    @admin.display(description="Inputs")
    def inputs_link(self, obj: Any) -> str:
        return payload_link(obj.inputs_id)

    @admin.display(description="Outputs")
    def outputs_link(self, obj: Any) -> str:
        return payload_link(obj.outputs_id)

    @admin.display(description="Process data")
    def process_data_link(self, obj: Any) -> str:
        return payload_link(obj.process_data_id)

    @admin.display(description="Resource")
    def resource_link(self, obj: Any) -> str:
        return payload_link(obj.resource_id)


@admin.register(Payload)
class PayloadAdmin(RecordAdmin):
    list_display = ("id", "app", "day", "encoding", "size", "cut_of", "console")
    list_select_related = ("app",)
    list_filter = ("app", DayFilter)
    deferred = ("body",)

    def console_url(self, obj: Payload) -> str:
        return reverse("payload", args=[obj.pk])


@admin.register(OwnPrice)
class OwnPriceAdmin(admin.ModelAdmin):
    """Prices are set here as on their own page."""

    list_display = ("model", "provider", "since", "tier", "input", "output", "currency")
    list_filter = ("currency",)
    search_fields = ("model", "provider")
