"""The system prompts of a node as a table."""

from runs.tables import CellColumn, EmptyState, NumberColumn, RecordTable, TimeColumn


class PromptTable(RecordTable):
    """Rows are ObservedPrompts; the page's context has `app`, `node_id` and `change`."""

    caption = "System prompts"
    empty = EmptyState(
        "No system prompt",
        "No model call of this node told a system prompt; calls that were recorded by an earlier "
        "version of Waylog are not searched.",
    )
    record_name = "prompt"
    row_attributes = ""

    text = CellColumn("Prompt", template="prompts/_text_cell.html", css="cell-summary", label="")
    first_at = TimeColumn("First seen", "prompt.first_at")
    last_at = TimeColumn("Last seen", "prompt.last_at")
    runs = NumberColumn("Runs", "{{ prompt.runs|length }}")
    failed = NumberColumn(
        "Failed",
        "{% if prompt.failed_percent is None %}–{% else %}{{ prompt.failed_percent }} %{% endif %}",
    )
    cost = NumberColumn(
        "Cost",
        "{% for currency, amount in prompt.costs.items %}{% if not forloop.first %}<br>{% endif %}"
        "{{ amount|money:currency }}{% empty %}–{% endfor %}",
    )
    model = CellColumn("Model", "<bdi>{{ prompt.model_names|visible }}</bdi>")

    class Meta:
        attrs = {"class": "table prompts-table"}
