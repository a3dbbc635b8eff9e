"""The saved views that a list offers, and the form that saves one."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.http import QueryDict

from runs.json.saved_view import SavedViewJson
from runs.json.values import iso_time
from runs.models import App, SavedView
from runs.query.language import MAX_LENGTH
from runs.query.run_filters import RunFilters

MAX_OFFERED = 40
MAX_QUERY_STRING = 2 * MAX_LENGTH
NAME_TAKEN = (
    "You already have a view with this name. Choose another name, or delete that view first."
)


@dataclass(frozen=True, slots=True)
class OfferedView:
    """`text` is the view's query; `active`: the list shows just that."""

    view: SavedView
    text: str
    active: bool


def offered_views(user: User, filters: RunFilters) -> list[OfferedView]:
    """Return the views that stand above the list of `filters`. One query."""
    views = SavedView.objects.open_to(user).of_list(filters.only_app).for_list()
    return [_offered_view(view, filters) for view in views[:MAX_OFFERED]]


def _offered_view(view: SavedView, filters: RunFilters) -> OfferedView:
    saved = filters_of(view)
    same = saved.order == filters.order and saved.query.same_as(filters.query)
    return OfferedView(view, saved.text, same)


def filters_of(view: SavedView) -> RunFilters:
    return RunFilters(QueryDict(view.query), app=view.app)


class SavedViewForm(forms.Form):
    """The form of a new view, or with `view` the form that changes its name and who may open it.
    Cleaned, `app` is an App or None and `query` has no empty parameters."""

    name = forms.CharField(max_length=100, error_messages={"required": "Give the view a name."})
    shared = forms.BooleanField(required=False, label="Visible to everyone")
    query = forms.CharField(required=False, max_length=MAX_QUERY_STRING, widget=forms.HiddenInput)
    app = forms.CharField(required=False, max_length=80, widget=forms.HiddenInput)

    def __init__(self, data: QueryDict, owner: User, view: SavedView | None = None) -> None:
        super().__init__(data)
        self.owner = owner
        self.view = view
        if view:
            del self.fields["query"], self.fields["app"]

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        others = SavedView.objects.owned_by(self.owner).exclude(pk=self.view.pk if self.view else 0)
        if others.filter(name=name).exists():
            raise forms.ValidationError(NAME_TAKEN, code="taken")
        return name

    def clean_app(self) -> App | None:
        slug = self.cleaned_data["app"]
        if not slug:
            return None
        app = App.objects.filter(slug=slug).first()
        if app is None:
            raise forms.ValidationError(f"There is no app “{slug}”.")
        return app

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if "query" in cleaned and "app" in cleaned:
            filters = RunFilters(QueryDict(cleaned["query"]), app=cleaned["app"])
            for sentence in filters.sentences:
                self.add_error(None, sentence)
            cleaned["query"] = filters.as_query_string()
            if len(cleaned["query"]) > MAX_QUERY_STRING:  # no server takes its address
                self.add_error(None, "These filters are too long for a view. Remove some of them.")
        return cleaned

    def save(self) -> SavedView:
        """Save a valid form. Raises IntegrityError if the name was taken in between."""
        view = self.view or SavedView(owner=self.owner)
        for name, value in self.cleaned_data.items():
            setattr(view, name, value)
        view.save()
        return view

    @property
    def sentences(self) -> list[str]:
        return [str(message) for messages in self.errors.values() for message in messages]

    @property
    def name_is_taken(self) -> bool:
        return self.has_error("name", "taken")


def saved_view_json(view: SavedView, base_url: str) -> SavedViewJson:
    return {
        "name": view.name,
        "url": base_url + view.get_absolute_url(),
        "app": view.app.slug if view.app else None,
        "query": filters_of(view).query.text,
        "shared": view.shared,
        "owner": view.owner.get_username(),
        "created_at": iso_time(view.created_at),
    }
