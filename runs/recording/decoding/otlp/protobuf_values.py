"""Values of OTLP in protobuf, whichever signal they belong to: attributes, resources, scopes."""

from typing import Any

from google.protobuf.json_format import MessageToDict

from runs.recording.records.span import MAX_DEPTH, BadSpan, base64_text, finite


def attributes_in(holder: Any) -> dict[str, Any]:
    """Return the attributes of a resource or scope."""
    try:
        return attributes_of(holder.attributes)
    except BadSpan:  # nested too deep: the spans that share it are still good
        return {}


def scope_of(scope: Any) -> str:
    return f"{scope.name} {scope.version}".strip()


def attributes_of(pairs: Any, depth: int = 0) -> dict[str, Any]:
    """Return a list of KeyValue messages as a dict. Raises BadSpan where a value is nested too
    deep."""
    attributes: dict[str, Any] = {}
    for pair in pairs:
        value = pair.value
        # Most attributes are text: asking for it first saves the look at which field is set.
        attributes[pair.key] = value.string_value or value_of(value, depth)
    return attributes


def value_of(value: Any, depth: int) -> Any:
    """Return what an AnyValue message holds."""
    field = value.WhichOneof("value")
    if field is None:
        return None
    content = getattr(value, field)
    if field == "double_value":
        return finite(content)
    if field == "bytes_value":
        return base64_text(content)
    if field == "array_value":
        depth = _next_depth(depth)
        return [item.string_value or value_of(item, depth) for item in content.values]
    if field == "kvlist_value":
        return attributes_of(content.values, _next_depth(depth))
    return content


def _next_depth(depth: int) -> int:
    if depth >= MAX_DEPTH:
        raise BadSpan(f"An attribute is nested more than {MAX_DEPTH} levels deep.")
    return depth + 1


def raw_of(message: Any) -> dict[str, Any]:
    """Return a refused span as JSON has it, with ids in hex."""
    ids = {"traceId": message.trace_id.hex(), "spanId": message.span_id.hex()}
    fields: dict[str, Any] = MessageToDict(message)
    return fields | ids
