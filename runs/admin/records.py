"""Admin of runs and what came with them: read-only, but keys can be revoked."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse

from nodes.admin import DayFilter, RecordAdmin
from nodes.ids import as_uuid
from runs.models import (
    Conversation,
    ImportState,
    IngestKey,
    Note,
    ReceivedRequest,
    RefusedRecord,
    Run,
    RunSource,
    SpanLink,
    Version,
)

admin.site.site_header = admin.site.site_title = "Waylog admin"
admin.site.index_title = "Records and accounts"


class LastRunDayFilter(DayFilter):
    field = "last_run_at"
    title = "day of last run"


class ReceivedDayFilter(DayFilter):
    field = "received_at"


@admin.register(Version)
class VersionAdmin(RecordAdmin):
    list_display = ("__str__", "number", "app", "created_at", "console")
    list_select_related = ("app",)
    list_filter = ("app",)
    deferred = ("graph",)
    search_help_text = "The producer's full label."

    def find(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        return queryset.filter(label=term)

    def console_url(self, obj: Version) -> str:
        return f"{reverse('app-graph', args=[obj.app.slug])}?version={obj.number}"


class RunSourceInline(admin.TabularInline):
    """The producer's ids of a run."""

    model = RunSource
    fields = readonly_fields = ("kind", "source_id", "scope")
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Run)
class RunAdmin(RecordAdmin):
    list_display = ("id", "app", "version", "status", "started_at", "duration_us", "console")
    list_filter = ("app", "status", DayFilter)
    ordering = ("-started_at", "-id")
    payload_fields = ("inputs", "outputs")
    inlines = (RunSourceInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Run]:
        rows = super().get_queryset(request).select_related("app", "version", "conversation")
        return rows.defer("version__graph", "version__configuration")

    def find(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        by_source = Q(pk__in=RunSource.objects.filter(source_id=term).values("run_id"))
        record_id = as_uuid(term.strip())
        return queryset.filter(by_source | Q(pk=record_id) if record_id else by_source)


@admin.register(RunSource)
class RunSourceAdmin(RecordAdmin):
    list_display = ("source_id", "kind", "scope", "console")

    def find(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        record_id = as_uuid(term.strip())
        by_source = Q(source_id=term)
        return queryset.filter(by_source | Q(run_id=record_id) if record_id else by_source)

    def console_url(self, obj: RunSource) -> str:
        return reverse("run", args=[obj.run_id])


@admin.register(SpanLink)
class SpanLinkAdmin(RecordAdmin):
    list_display = ("trace", "span", "scope", "console")
    search_help_text = "The trace or span that is linked to."

    def find(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        return queryset.filter(Q(trace=term) | Q(span=term))

    def console_url(self, obj: SpanLink) -> str:
        return reverse("run-execution", args=[obj.run_id, obj.execution])


@admin.register(Conversation)
class ConversationAdmin(RecordAdmin):
    list_display = ("source_id", "app", "user", "last_run_at", "console")
    list_select_related = ("app",)
    list_filter = ("app", LastRunDayFilter)

    def find(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        record_id = as_uuid(term.strip())
        by_source = Q(source_id=term)
        return queryset.filter(by_source | Q(pk=record_id) if record_id else by_source)


@admin.register(Note)
class NoteAdmin(RecordAdmin):
    list_display = ("name", "number", "label", "source", "author", "created_at", "console")

    def find(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        record_id = as_uuid(term.strip())
        by_source = Q(about=term)
        return queryset.filter(
            by_source | Q(pk=record_id) | Q(run_id=record_id) if record_id else by_source
        )

    def console_url(self, obj: Note) -> str:
        return reverse("run", args=[obj.run_id]) if obj.run_id else ""


@admin.register(ReceivedRequest)
class ReceivedRequestAdmin(RecordAdmin):
    list_display = ("received_at", "door", "status", "key", "user_agent", "records", "refused")
    list_select_related = ("key",)
    list_filter = ("status", ReceivedDayFilter)
    search_help_text = "The beginning of the path."

    def find(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        return queryset.filter(door__startswith=term)

    def console_url(self, obj: ReceivedRequest) -> str:
        return reverse("inbox")


@admin.register(ImportState)
class ImportStateAdmin(RecordAdmin):
    """How far imports have come."""

    list_display = ("source", "updated_at")
    search_help_text = "A part of the source."

    def find(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        return queryset.filter(source__icontains=term)

    def console_url(self, obj: ImportState) -> str:
        return ""


@admin.register(RefusedRecord)
class RefusedRecordAdmin(RecordAdmin):
    """The inbox of what could not be recorded. `raw` is left out of lists."""

    list_display = ("received_at", "door", "reason", "key", "user_agent")
    list_select_related = ("key",)
    list_filter = (ReceivedDayFilter,)
    deferred = ("body",)
    search_help_text = "Words in the reason."

    def get_queryset(self, request: HttpRequest) -> QuerySet[RefusedRecord]:
        rows = super().get_queryset(request)
        match = request.resolver_match
        is_list = bool(match and (match.url_name or "").endswith("_changelist"))
        return rows.defer("raw") if is_list else rows

    def find(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        return queryset.filter(reason__icontains=term)

    def console_url(self, obj: RefusedRecord) -> str:
        return reverse("inbox-refused")


@admin.register(IngestKey)
class IngestKeyAdmin(RecordAdmin):
    """Keys are made on the keys page, which shows the secret once."""

    list_display = ("name", "hint", "can_ingest", "can_read", "app", "last_used_at", "revoked_at")
    list_select_related = ("app",)
    list_filter = ("can_ingest", "can_read")
    deferred = ("digest",)
    actions = ("revoke",)
    search_help_text = "A part of a name, or the first characters of a key."

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("runs.change_ingestkey")

    @admin.action(description="Revoke selected keys", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[IngestKey]) -> None:
        for key in queryset:
            key.revoke()
        messages.success(request, f"{len(queryset)} revoked.")

    def find(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        return queryset.filter(Q(name__icontains=term) | Q(hint__startswith=term))

    def console_url(self, obj: IngestKey) -> str:
        return reverse("keys")
