"""Admin of executions: read-only."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse

from nodes.admin import DayFilter, RecordAdmin
from nodes.ids import as_uuid
from nodes.models import NodeExecution


@admin.register(NodeExecution)
class NodeExecutionAdmin(RecordAdmin):
    list_display = ("title", "kind", "status", "app", "started_at", "duration_us", "console")
    list_select_related = ("app",)
    list_filter = ("app", "status", DayFilter)
    payload_fields = ("inputs", "outputs", "process_data", "resource")
    deferred = ("received_body",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[NodeExecution]:
        return super().get_queryset(request).select_related("app")

    def find(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        """Return executions by their id or their run's, else by a producer's id of the run, else by
        their own producer's id."""
        if record_id := as_uuid(term.strip()):
            by_id = queryset.filter(Q(pk=record_id) | Q(run_id=record_id))
            if by_id.exists():
                return by_id
        by_run_source = queryset.filter(run__sources__source_id=term.lower())
        return by_run_source if by_run_source.exists() else queryset.filter(source_id=term)

    def console_url(self, obj: NodeExecution) -> str:
        return reverse("run-execution", args=[obj.run_id, obj.pk])
