"""Admin of apps: read-only, but an app can be given its upstream."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from nodes.admin import RecordAdmin
from runs.models import App
from runs.recording.receiving.upstream_address import problem_of


class AppForm(forms.ModelForm):
    """Where an app can be asked to run. The address may be a host of the private network
    ("http://nginx/v1"), which Django's check of URLs does not know. The key is written and never
    shown; it is no field of the model here, because an empty one would forget it."""

    upstream_url = forms.CharField(
        label="Upstream",
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text="The app's Dify API, such as https://dify.example.com/v1: the recording proxy"
        " forwards to it, and runs can be run again. Or a webhook of your own that runs the app."
        " Leave it empty for neither.",
    )
    new_key = forms.CharField(
        label="Key",
        required=False,
        max_length=500,
        widget=forms.PasswordInput(attrs={"class": "vTextField", "autocomplete": "new-password"}),
        help_text="The key that the upstream requires, sent as “Authorization: Bearer …” when a run"
        " is run again. It is never shown; leave this empty to keep it.",
    )
    forget_key = forms.BooleanField(label="Forget the key", required=False)

    def clean_upstream_url(self) -> str:
        address = str(self.cleaned_data["upstream_url"])
        if address and (problem := problem_of(address)):
            raise forms.ValidationError(problem)
        return address

    def clean_new_key(self) -> str:
        key = str(self.cleaned_data["new_key"])
        if not (key.isascii() and key.isprintable()):
            raise forms.ValidationError("A key has no line breaks and only ASCII characters.")
        return key

    def _get_validation_exclusions(self) -> set[str]:
        return {*super()._get_validation_exclusions(), "upstream_url"}  # type: ignore[misc]


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

    def save_model(self, request: HttpRequest, obj: App, form: Any, change: bool) -> None:
        if form.cleaned_data["new_key"]:
            obj.upstream_key = form.cleaned_data["new_key"]
        elif form.cleaned_data["forget_key"]:
            obj.upstream_key = ""
        super().save_model(request, obj, form, change)

    def find(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        return queryset.filter(Q(name__icontains=term) | Q(slug__icontains=term))
