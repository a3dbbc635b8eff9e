"""Selects the settings of a Dify node that are worth showing, by node type. Pure.

Names are those of Dify's app DSL (0.1 to 0.6). What is not listed belongs to the editor, is an id
of another installation, or a credential.
"""

from typing import Any

from runs.redaction.secrets import redact_settings

COMMON = ("desc", "version", "error_strategy", "default_value", "retry_config")
_VARIABLES = ("variables",)
SETTINGS_BY_TYPE: dict[str, tuple[str, ...]] = {
    "start": _VARIABLES,
    "end": ("outputs",),
    "answer": ("answer", *_VARIABLES),
    "llm": (
        "model", "prompt_template", "prompt_config", "memory", "context", "vision",
        "structured_output_enabled", "structured_output", "reasoning_format", *_VARIABLES,
    ),
    "knowledge-retrieval": (
        "query_variable_selector", "query_attachment_selector", "dataset_ids", "retrieval_mode",
        "multiple_retrieval_config", "single_retrieval_config", "metadata_filtering_mode",
        "metadata_filtering_conditions",
    ),
    "if-else": ("cases", "logical_operator", "conditions"),
    "question-classifier": (
        "query_variable_selector", "model", "classes", "instruction", "memory", "vision",
    ),
    "parameter-extractor": (
        "query", "model", "parameters", "reasoning_mode", "instruction", "memory", "vision",
    ),
    "code": ("code_language", "code", *_VARIABLES, "outputs", "dependencies"),
    "template-transform": ("template", *_VARIABLES),
    "http-request": (
        "method", "url", "headers", "params", "body", "authorization", "timeout", "ssl_verify",
        *_VARIABLES,
    ),
    "tool": (
        "provider_name", "provider_id", "provider_type", "tool_name", "tool_label",
        "tool_parameters", "tool_configurations", "plugin_unique_identifier",
    ),
    "agent": (
        "agent_strategy_provider_name", "agent_strategy_name", "agent_strategy_label",
        "agent_parameters", "output_schema", "memory",
    ),
    "iteration": (
        "iterator_selector", "iterator_input_type", "output_selector", "output_type",
        "is_parallel", "parallel_nums", "error_handle_mode", "flatten_output",
    ),
    "loop": ("loop_count", "loop_variables", "break_conditions", "logical_operator"),
    "variable-aggregator": ("output_type", *_VARIABLES, "advanced_settings"),
    "variable-assigner": ("output_type", *_VARIABLES, "advanced_settings"),
    "assigner": ("items", "assigned_variable_selector", "write_mode", "input_variable_selector"),
    "document-extractor": ("variable_selector", "is_array_file"),
    "list-operator": ("variable", "filter_by", "extract_by", "order_by", "limit"),
    "human-input": (
        "form_content", "inputs", "user_actions", "delivery_methods", "timeout", "timeout_unit",
    ),
    "trigger-webhook": (
        "method", "content_type", "headers", "params", "body", "async_mode", "status_code",
        "response_body",
    ),
    "trigger-schedule": ("mode", "frequency", "cron_expression", "visual_config", "timezone"),
    "trigger-plugin": (
        "provider_id", "provider_name", "event_name", "event_label", "event_parameters",
        "event_configurations",
    ),
    "datasource": (
        "provider_name", "provider_type", "datasource_name", "datasource_label",
        "datasource_parameters", "datasource_configurations", "fileExtensions",
    ),
    "knowledge-index": (
        "chunk_structure", "indexing_technique", "embedding_model", "embedding_model_provider",
        "retrieval_model", "keyword_number",
    ),
    "iteration-start": (), "loop-start": (), "loop-end": (), "datasource-empty": (),
    "start-placeholder": (),
}  # fmt: skip
# Of a type that is not listed everything is shown but these.
NOT_SETTINGS = frozenset({
    "type", "title", "selected", "isInIteration", "iteration_id", "isInLoop", "loop_id",
    "start_node_id", "dataset_ids", "credential_id", "subscription_id", "webhook_url",
    "webhook_debug_url", "width", "height", "_connectedSourceHandleIds",
    "_connectedTargetHandleIds", "_targetBranches", "_children",
})  # fmt: skip


def visible_settings(kind: str, data: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a node of this type that are worth showing, in the order of the table,
    without secrets."""
    if kind in SETTINGS_BY_TYPE:
        names: list[str] = [*SETTINGS_BY_TYPE[kind], *COMMON]
    else:
        names = [name for name in data if name not in NOT_SETTINGS]
    retry = data.get("retry_config")
    if isinstance(retry, dict) and not retry.get("retry_enabled"):
        names = [name for name in names if name != "retry_config"]
    return {
        name: redact_settings(data[name], name)
        for name in names
        if data.get(name) not in (None, "", [], {})
    }
