"""The query string of the page of an app's nodes."""

from django import forms

from runs.pages.nodes.app_nodes import ORDERS
from runs.time_range import TimeRangeForm


class NodesForm(TimeRangeForm):
    """`order`: by which column the nodes of an app are sorted; by cost, the highest first, by
    default."""

    order = forms.ChoiceField(
        required=False,
        choices=ORDERS,
        error_messages={"invalid_choice": "There is no order “%(value)s”."},
    )

    tabs = ("order",)

    @property
    def chosen_order(self) -> str:
        return str(self.cleaned_data.get("order") or "-cost")
