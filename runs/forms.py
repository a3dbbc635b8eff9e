"""The filters of the run history, and the forms that make a key and bring a file."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import QueryDict

from runs.choices import RunStatus
from runs.form_fields import MAX_BIGINT, AppField, LastingField, MomentField
from runs.models import App
from runs.models.run_query import RunQuerySet
from runs.paging import Order
from runs.recording.dify.dsl import MAX_BYTES, Dsl, UnreadableDsl, read_dsl

ORDERS = {
    "-started_at": Order("started_at"),
    "started_at": Order("started_at", descending=False),
    "-duration": Order("duration_us"),
    "-cost": Order("cost"),
    "-tokens": Order("total_tokens"),
}
ORDER_LABELS = [
    ("-started_at", "Newest first"),
    ("started_at", "Oldest first"),
    ("-duration", "Slowest first"),
    ("-cost", "Dearest first"),
    ("-tokens", "Most tokens first"),
]
# Parameters of a list's address that are no filters.
NO_FILTERS = frozenset({"after"})


class TextFilter(forms.CharField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, max_length=255, **kwargs)


class RunFilterForm(forms.Form):
    """The query string of `/runs/`, `/apps/<slug>/` and `/runs.json`, and what it means. Anything
    it does not understand is an error with a sentence."""

    q = TextFilter(label="Search", widget=forms.TextInput({"type": "search"}))
    status = forms.MultipleChoiceField(
        required=False,
        choices=RunStatus.choices,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": "There is no status “%(value)s”."},
    )
    app = AppField(required=False, label="App")
    version = TextFilter(label="Version", help_text="Number or label")
    user = TextFilter(label="User")
    since = MomentField(required=False, label="Since", help_text="2026-11-22, or 24h, 7d")
    until = MomentField(required=False, label="Until", help_text="2026-11-22, or 1h")
    conversation = TextFilter(label="Conversation", help_text="Id")
    source = TextFilter(label="Source", help_text="otlp, dify-otlp, …")
    model = TextFilter(label="Model")
    node = TextFilter(label="Node", help_text="Id in the graph")
    kind = TextFilter(label="Kind of node")
    error = TextFilter(label="Error has")
    tag = TextFilter(label="Tag")
    min_duration = LastingField(required=False, label="Time from", help_text="2s, 500ms")
    max_duration = LastingField(required=False, label="Time to", help_text="2s, 500ms")
    min_tokens = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=MAX_BIGINT,
        label="Tokens from",
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
        error_messages={"invalid": "Tokens are a whole number."},
    )
    min_cost = forms.DecimalField(
        required=False,
        min_value=0,
        max_digits=20,
        decimal_places=10,
        label="Cost from",
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
        error_messages={"invalid": "Cost is a decimal number, such as 0.05."},
    )
    order = forms.ChoiceField(
        required=False,
        label="Order",
        choices=ORDER_LABELS,
        error_messages={"invalid_choice": "There is no order “%(value)s”."},
    )

    template_name = "runs/_filter_form.html"
    FIRST = ("version", "user", "since", "until")
    MORE = (
        "conversation",
        "source",
        "model",
        "node",
        "kind",
        "error",
        "tag",
        "min_duration",
        "max_duration",
        "min_tokens",
        "min_cost",
    )

    def __init__(self, data: QueryDict, *, app: App | None = None) -> None:
        """`app`: the history is that app's own, and the query string chooses none."""
        self.unreadable = any("\0" in value for _, values in data.lists() for value in values)
        if self.unreadable:  # no page and no database takes a NUL, not even to say that it is wrong
            data = QueryDict(data.urlencode().replace("%00", ""))
        super().__init__(data)
        self.told = data
        self.only_app = app
        if app:
            del self.fields["app"]
        for field in self.fields.values():
            if field.help_text:
                field.widget.attrs.setdefault("placeholder", field.help_text)
            field.widget.attrs.setdefault("autocomplete", "off")
        self.fields["q"].widget.attrs["data-key-search"] = ""

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if self.unreadable:
            self.add_error(None, "A filter holds a NUL character.")
        for name in self.data:
            if name not in self.fields and name not in NO_FILTERS:
                self.add_error(None, f"There is no filter “{name[:40]}”.")
        return cleaned

    def apply(self, runs: RunQuerySet) -> list[RunQuerySet]:
        """The runs that the filters let through, not yet in order, in parts for `page_of`."""
        told = self.cleaned_data
        app = self.only_app or told["app"]
        return (
            runs.for_app(app)
            .of_version(told["version"], app)
            .by_user(told["user"])
            .in_conversation(told["conversation"])
            .from_source(told["source"])
            .started_between(told["since"], told["until"])
            .lasting(told["min_duration"], told["max_duration"])
            .using_at_least(told["min_tokens"], told["min_cost"])
            .with_step(model=told["model"], node_id=told["node"], kind=told["kind"])
            .failing_with(told["error"])
            .tagged(told["tag"])
            .mentioning(told["q"])
            .of_each_status(told["status"])
        )

    @property
    def ordering(self) -> Order:
        return ORDERS[self.cleaned_data["order"] or "-started_at"]

    @property
    def sentences(self) -> list[str]:
        """What is wrong, a sentence each, for a page or a machine."""
        return [
            str(message) if name == "__all__" else f"{self[name].label}: {message}"
            for name, messages in self.errors.items()
            for message in messages
        ]

    @property
    def first_fields(self) -> Iterator[forms.BoundField]:
        return (self[name] for name in self.FIRST)

    @property
    def more_fields(self) -> Iterator[forms.BoundField]:
        return (self[name] for name in self.MORE)

    @property
    def more_in_use(self) -> bool:
        return any(self.data.get(name) for name in self.MORE)

    @property
    def in_use(self) -> bool:
        return bool(self.query())

    def query(self, after: str = "") -> str:
        """The filters as a query string without the empty ones, "" for none; `after` at its end."""
        told = [
            (name, value)
            for name in self.fields
            for value in self.told.getlist(name)
            if value and (name, value) != ("order", "-started_at")
        ]
        return urlencode([*told, ("after", after)] if after else told)


class KeyForm(forms.Form):
    """What a new key is for."""

    name = forms.CharField(max_length=100, help_text="Who or what will use it")
    can_ingest = forms.BooleanField(required=False, initial=True, label="May record runs")
    can_read = forms.BooleanField(required=False, label="May read runs (JSON, Markdown)")
    app = forms.ModelChoiceField(
        App.objects.order_by("name"), required=False, empty_label="All apps", label="App"
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not (cleaned.get("can_ingest") or cleaned.get("can_read")):
            raise forms.ValidationError("Choose what the key may do: record, read, or both.")
        return cleaned


class DslForm(forms.Form):
    """An app as Dify exports it; cleaned, `file` is what the file says."""

    file = forms.FileField(
        label="File",
        widget=forms.FileInput({"accept": ".yml,.yaml"}),
        error_messages={
            "required": "Choose a file.",
            "missing": "Choose a file.",
            "empty": "The file is empty.",
        },
    )

    def clean_file(self) -> Dsl:
        upload = self.cleaned_data["file"]
        try:
            return read_dsl(upload.read(MAX_BYTES + 1))
        except UnreadableDsl as problem:
            raise forms.ValidationError(str(problem)) from None
