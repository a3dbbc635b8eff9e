"""Admin of apps: read-only, but an app can be given its upstream."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from nodes.admin import RecordAdmin
from runs.models import App
from runs.pages.app_settings.forms import UpstreamForm


class AppForm(UpstreamForm):
    """The form of the app's own page, in the style of the admin."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name in {"upstream_url", "new_key"} & self.fields.keys():
            self.fields[name].widget.attrs["class"] = "vTextField"


@admin.register(App)
class AppAdmin(RecordAdmin):
    """Only the upstream of an app is set by hand."""

    form = AppForm
    deferred = ("upstream_key",)  # a secret: written, never shown
    set_here = ("upstream_kind", "upstream_url", "new_key", "forget_key")
    list_display = ("name", "slug", "mode", "is_sample", "created_at", "console")
    list_filter = ("mode", "is_sample")
    search_help_text = "A part of a name."

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("runs.change_app")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        fields = super().get_fields(request, obj)
        if not self.has_change_permission(request, obj):
            return fields
        return [*(field for field in fields if field not in self.set_here), *self.set_here]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        fields = self.get_fields(request, obj)
        may_change = self.has_change_permission(request, obj)
        return [field for field in fields if not (may_change and field in self.set_here)]

    def find(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        return queryset.filter(Q(name__icontains=term) | Q(slug__icontains=term))
