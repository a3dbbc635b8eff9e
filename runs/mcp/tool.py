"""What a tool is: its declaration for clients, its arguments, and the function that answers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from runs.mcp.twins import TwinReader
from runs.pages.guide.schemas import DocumentSchema


class ToolArguments(BaseModel):
    """Arguments of a tool: the string below a field is its description. Each has a value that
    stands for "not given", so that a schema stays short."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, coerce_numbers_to_str=True
    )


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that reads: `function` gets the arguments and answers with a text, or raises NoTwin
    with a sentence from which a model can correct its call."""

    name: str
    title: str
    description: str
    arguments: type[ToolArguments]
    function: Callable[[TwinReader, Any], str]

    def declaration(self) -> dict[str, Any]:
        """Return the tool as `tools/list` has it."""
        schema = self.arguments.model_json_schema(schema_generator=DocumentSchema)
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "inputSchema": {
                "type": "object",
                "properties": {
                    name: {**field, "description": " ".join(field["description"].split())}
                    for name, field in schema["properties"].items()
                },
                "required": schema.get("required", []),
                "additionalProperties": False,
            },
            "annotations": {"readOnlyHint": True, "openWorldHint": False},
        }
