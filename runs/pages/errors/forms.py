"""The query string of the pages of errors."""

from django import forms
from django.http import QueryDict

from runs.models import App
from runs.query.form_fields import AppField
from runs.time_range import TimeRangeForm

STATES = [("open", "Open"), ("resolved", "Resolved"), ("all", "All")]


class ErrorsForm(TimeRangeForm):
    """`state`: which groups to list; open ones by default."""

    app = AppField(required=False, label="App")
    state = forms.ChoiceField(
        required=False,
        choices=STATES,
        error_messages={"invalid_choice": "There is no state “%(value)s”."},
    )

    tabs = ("state",)
    chosen = ("app",)

    def __init__(
        self, data: QueryDict, *, app: App | None = None, readable_by: App | None = None
    ) -> None:
        """Read the query string of the page of one `app`, where it cannot choose an app, or of all
        apps. `readable_by` is the only app that a bound key may read."""
        super().__init__(data)
        self.only_app = app or readable_by
        if app:
            del self.fields["app"]
        elif isinstance(field := self.fields["app"], AppField):
            field.readable_by = readable_by

    @property
    def chosen_app(self) -> App | None:
        app: App | None = self.only_app or self.cleaned_data.get("app")
        return app

    @property
    def chosen_state(self) -> str:
        return str(self.cleaned_data.get("state") or "open")
