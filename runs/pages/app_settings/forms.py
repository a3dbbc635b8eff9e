"""The forms of an app's settings."""

from typing import Any
from urllib.parse import urlsplit

from django import forms

from nodes.ids import as_uuid
from runs.choices import AppMode
from runs.models import App
from runs.recording.receiving.upstream_address import problem_of
from runs.recording.records.payload_values import clean
from runs.recording.storing.related_rows import app_ids


def problems_of(form: forms.BaseForm) -> str:
    """Return all that is wrong with a form, as sentences for a shell."""
    return " ".join(str(problem) for problems in form.errors.values() for problem in problems)


class UpstreamForm(forms.ModelForm):
    """Where an app can be asked to run. The address may be a host of the private network
    ("http://nginx/v1"), which Django's check of URLs does not know. The key is written and never
    shown; it is no field of the model here, because an empty one would forget it. `own_host`: the
    host and port by which this console was reached."""

    upstream_url = forms.CharField(
        label="Upstream",
        required=False,
        max_length=200,
        help_text="The app's Dify API, such as https://dify.example.com/v1: the recording proxy"
        " forwards to it, and runs can be run again. Or a webhook of your own that runs the app."
        " Leave it empty for neither.",
    )
    new_key = forms.CharField(
        label="Key",
        required=False,
        max_length=500,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="The key that the upstream requires, sent as “Authorization: Bearer …” when a run"
        " is run again. It is never shown; leave this empty to keep it.",
    )
    forget_key = forms.BooleanField(label="Forget the key", required=False)

    class Meta:
        model = App
        fields = ("upstream_kind", "upstream_url")
        labels = {"upstream_kind": "Kind of upstream"}  # as Django has it

    def __init__(self, *args: Any, own_host: str = "", **options: Any) -> None:
        super().__init__(*args, **options)
        self.own_host = own_host

    def clean_upstream_url(self) -> str:
        address = str(self.cleaned_data["upstream_url"])
        if address and (problem := problem_of(address)):
            raise forms.ValidationError(problem)
        if address and urlsplit(address).netloc.lower() == self.own_host.lower():
            raise forms.ValidationError("This is the address of Waylog itself, not of the app.")
        return address

    def clean_new_key(self) -> str:
        key = str(self.cleaned_data["new_key"])
        if not (key.isascii() and key.isprintable()):
            raise forms.ValidationError("A key has no line breaks and only ASCII characters.")
        return key

    def save(self, commit: bool = True) -> Any:
        if self.cleaned_data["new_key"]:
            self.instance.upstream_key = self.cleaned_data["new_key"]
        elif self.cleaned_data.get("forget_key"):
            self.instance.upstream_key = ""
        return super().save(commit)

    def _get_validation_exclusions(self) -> set[str]:
        return {*super()._get_validation_exclusions(), "upstream_url"}  # type: ignore[misc]


class NewAppForm(UpstreamForm):
    """An app that has not been recorded yet."""

    name = forms.CharField(
        max_length=200, help_text="As it shall be called here; what is recorded joins it by name."
    )
    mode = forms.ChoiceField(choices=AppMode.choices, initial=AppMode.WORKFLOW)

    class Meta(UpstreamForm.Meta):
        fields = ("name", "mode", "upstream_kind", "upstream_url")  # type: ignore[assignment]
        labels = UpstreamForm.Meta.labels

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        del self.fields["forget_key"]
        address = self.fields["upstream_url"]
        address.required = True
        address.help_text = "The app's Dify API, such as https://dify.example.com/v1."
        self.fields["new_key"].help_text = (
            "Only needed to run the app again from here: clients of the proxy send their own. It is"
            " never shown."
        )

    def clean_name(self) -> str:
        name = clean(self.cleaned_data["name"], 200)
        if not name.strip():
            raise forms.ValidationError("This name has no visible characters.")
        if App.objects.filter(name=name).exists():
            raise forms.ValidationError("There is an app of this name already.")
        return name

    def save(self, commit: bool = True) -> Any:
        """Store the app, under an address of its own."""
        name = self.cleaned_data["name"]
        app = App.objects.get(pk=app_ids([name])[name])
        for field in ("mode", "upstream_kind", "upstream_url"):
            setattr(app, field, self.cleaned_data[field])
        self.instance = app
        return super().save(commit)


class AttachForm(forms.Form):
    """A run at Dify that is to be recorded while it goes on. `has_key`: whether the app's key is
    known."""

    run_id = forms.CharField(
        label="Run", max_length=100, help_text="Dify's id of the run (workflow_run_id)"
    )
    user = forms.CharField(
        max_length=200, help_text="As which it was started: Dify shows a run to its own user only"
    )
    key = forms.CharField(
        label="Key",
        required=False,
        max_length=500,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="The app's Dify API key. It is used once and not stored.",
    )

    def __init__(self, *args: Any, has_key: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        if has_key:
            del self.fields["key"]
        else:
            self.fields["key"].required = True

    def clean_run_id(self) -> str:
        run_id = as_uuid(self.cleaned_data["run_id"].strip())
        if run_id is None:
            raise forms.ValidationError("The id of a run at Dify is a UUID.")
        return str(run_id)

    def clean_key(self) -> str:
        key = str(self.cleaned_data["key"]).strip()
        if not (key.isascii() and key.isprintable()):
            raise forms.ValidationError("A key has no line breaks and only ASCII characters.")
        return key
