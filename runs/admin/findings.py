"""Admin of what people and the console add to runs: error groups, saved views, share links, reruns,
and the queue of the search index."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet

from nodes.admin import RecordAdmin
from runs.models import ErrorGroup, Rerun, SavedView, SearchDue, ShareLink


@admin.register(ErrorGroup)
class ErrorGroupAdmin(RecordAdmin):
    list_display = ("__str__", "app", "title", "error_type", "resolved_at")
    list_select_related = ("app",)
    list_filter = ("app",)


@admin.register(SavedView)
class SavedViewAdmin(RecordAdmin):
    list_display = ("name", "owner", "app", "shared", "created_at")
    list_select_related = ("app", "owner")
    search_help_text = "The full name of the view."

    def find(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        return queryset.filter(name=term)


@admin.register(ShareLink)
class ShareLinkAdmin(RecordAdmin):
    list_display = ("run_id", "created_by", "created_at", "expires_at", "revoked_at")
    list_select_related = ("created_by",)
    deferred = ("digest",)


@admin.register(Rerun)
class RerunAdmin(RecordAdmin):
    list_display = ("original_id", "run_id", "state", "requested_by", "created_at")
    list_select_related = ("requested_by",)


@admin.register(SearchDue)
class SearchDueAdmin(RecordAdmin):
    list_display = ("run_id", "started_at", "ready_at")
