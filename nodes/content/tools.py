"""The tools that a model call was given. Pure.

OpenInference: `llm.tools.N.tool.json_schema`; OpenTelemetry GenAI: `gen_ai.tool.definitions`;
OpenAI's form: "tools" among the parameters of the call.
"""

import re
from collections.abc import Mapping
from typing import Any

from nodes.content.messages import decoded_json
from nodes.content.previews import preview

MOST = 60
_NUMBERED = re.compile(r"llm\.tools\.(\d+)\.tool\.(?:json_schema|name)$")
_LISTS = ("gen_ai.tool.definitions", "gen_ai.request.tools")


def tools_of(attributes: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, str]:
    """{name: what it does, ""  where that is not told}, in the order of the call; at most 60."""
    numbered = sorted((int(m[1]), name) for name in attributes if (m := _NUMBERED.match(name)))
    found: Any = [attributes[name] for _, name in numbered]
    for value in (*(attributes.get(name) for name in _LISTS), parameters.get("tools")):
        found = found or decoded_json(value)
    if not isinstance(found, list):
        return {}
    tools = dict(_tool(decoded_json(schema)) for schema in found[:MOST])
    return {name: does for name, does in tools.items() if name}


def _tool(schema: Any) -> tuple[str, str]:
    if isinstance(schema, str):
        return schema[:200], ""
    if isinstance(schema, dict) and isinstance(inner := schema.get("function"), dict):
        schema = inner
    if not isinstance(schema, dict):
        return "", ""
    return str(schema.get("name") or "")[:200], preview(schema.get("description") or "")
