"""The tools that a model could call. Pure.

OpenInference: `llm.tools.N.tool.json_schema`; OpenTelemetry GenAI: `gen_ai.tool.definitions`;
OpenAI's form: "tools" among the parameters of the call.
"""

import re
from collections.abc import Mapping
from typing import Any

from nodes.content.embedded_json import decoded_json
from nodes.content.limits import MAX_NAME
from nodes.content.previews import preview

MAX_TOOLS = 60
_NUMBERED = re.compile(r"llm\.tools\.(\d+)\.tool\.(?:json_schema|name)$")
_LISTS = ("gen_ai.tool.definitions", "gen_ai.request.tools")


def tools_of(attributes: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, str]:
    """Return {name: description} of the tools, in the order of the call; at most 60. The
    description is "" where none was sent."""
    numbered = sorted((int(m[1]), name) for name in attributes if (m := _NUMBERED.match(name)))
    schemas: Any = [attributes[name] for _, name in numbered]
    for value in (*(attributes.get(name) for name in _LISTS), parameters.get("tools")):
        schemas = schemas or decoded_json(value)
    if not isinstance(schemas, list):
        return {}
    tools = dict(_name_and_description(decoded_json(schema)) for schema in schemas[:MAX_TOOLS])
    return {name: description for name, description in tools.items() if name}


def _name_and_description(schema: Any) -> tuple[str, str]:
    if isinstance(schema, str):
        return schema[:MAX_NAME], ""
    if isinstance(schema, dict) and isinstance(inner := schema.get("function"), dict):
        schema = inner
    if not isinstance(schema, dict):
        return "", ""
    return str(schema.get("name") or "")[:MAX_NAME], preview(schema.get("description") or "")
