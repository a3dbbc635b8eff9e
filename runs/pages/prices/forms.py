"""The form that sets a price."""

from django import forms

from nodes.models import OwnPrice


class PriceForm(forms.ModelForm):
    """A price per million tokens, and per call."""

    class Meta:
        model = OwnPrice
        fields = (
            "model", "provider", "since", "tier", "currency", "input", "cached", "written",
            "output", "reasoning", "per_call",
        )  # fmt: skip
        widgets = {"since": forms.DateInput(attrs={"type": "date"})}
        help_texts = {
            "input": "For a million tokens.",
            "output": "For a million tokens.",
            "per_call": "For each call, beside its tokens.",
        }

    def clean_currency(self) -> str:
        return str(self.cleaned_data["currency"]).upper()
