"""Prices, and models without a price, as tables."""

from runs.tables import CellColumn, EmptyState, NumberColumn, RecordTable, TimeColumn


class PriceTable(RecordTable):
    """Rows come from `OwnPrice.objects.for_list()`."""

    caption = "Your prices"
    empty = EmptyState(
        "No prices of your own",
        "Costs follow the price tables that come with Waylog, unless producers report them.",
    )
    record_name = "price"
    row_attributes = ""

    model = CellColumn(
        "Model", '<bdi class="mono">{{ price.model|visible }}</bdi>', css="cell-summary", label=""
    )
    provider = CellColumn("Provider", '<bdi>{{ price.provider|visible|default:"any" }}</bdi>')
    since = CellColumn(
        "From", "{% if price.always %}always{% else %}{{ price.since|date:'Y-m-d' }}{% endif %}"
    )
    tier = NumberColumn(
        "Prompts over", "{% if price.tier %}{{ price.tier|tokens }}{% else %}–{% endif %}"
    )
    input = NumberColumn("Input", "{{ price.input|rate:price.currency }}")
    cached = NumberColumn("Cached", "{{ price.cached|rate:price.currency }}")
    written = NumberColumn("Cache write", "{{ price.written|rate:price.currency }}")
    output = NumberColumn("Output", "{{ price.output|rate:price.currency }}")
    reasoning = NumberColumn("Reasoning", "{{ price.reasoning|rate:price.currency }}")
    per_call = NumberColumn(
        "Per call",
        "{% if price.per_call %}{{ price.per_call|rate:price.currency }}{% else %}–{% endif %}",
    )
    remove = CellColumn("", template="prices/_remove_cell.html", label="")

    class Meta:
        attrs = {"class": "table"}


class UnpricedTable(RecordTable):
    """Rows come from `unpriced_models`."""

    caption = "Models without a price"
    empty = EmptyState("Every model has a price", "All calls of the newest runs could be priced.")
    record_name = "unpriced"
    row_attributes = ""

    model = CellColumn(
        "Model",
        '<bdi class="mono">{{ unpriced.model|visible }}</bdi>',
        css="cell-summary",
        label="",
    )
    provider = CellColumn("Provider", '<bdi>{{ unpriced.provider|visible|default:"–" }}</bdi>')
    calls = NumberColumn("Calls", "{{ unpriced.calls }}")
    tokens = NumberColumn("Tokens", "{{ unpriced.tokens|tokens }}")
    last = TimeColumn("Last call", "unpriced.last")
    add = CellColumn("", template="prices/_add_cell.html", label="")

    class Meta:
        attrs = {"class": "table"}
