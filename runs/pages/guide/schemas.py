"""JSON Schemas of the types of `runs.json`, as components of an OpenAPI document."""

from collections.abc import Iterable
from functools import cache
from typing import Any

from pydantic import ConfigDict, create_model
from pydantic.json_schema import GenerateJsonSchema
from typing_extensions import get_original_bases, is_typeddict

REF = "#/components/schemas/"


class DocumentSchema(GenerateJsonSchema):
    """Names types without their suffix, and gives fields no titles: they would repeat the names."""

    def normalize_name(self, name: str) -> str:
        return super().normalize_name(name.removesuffix("Json"))

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def schema_name(answer: type) -> str:
    """Return the name of a type in the document: RunDetail for RunDetailJson."""
    return answer.__name__.removesuffix("Json")


@cache
def component_schemas(answers: frozenset[type]) -> dict[str, Any]:
    """Return the schemas of these types and of all types within, by name. The description of a
    field is the string below it in the source."""
    every_type = {
        kind for answer in answers for kind in (answer, *_bases_of(answer))
    }  # bases, because pydantic reads the strings below the fields of the class itself alone
    # As fields of a model, because pydantic takes no configuration for a TypedDict from outside.
    fields: dict[str, Any] = {kind.__name__: (kind, ...) for kind in every_type}
    config = ConfigDict(use_attribute_docstrings=True)
    model = create_model("EveryType", __config__=config, **fields)
    schema = model.model_json_schema(ref_template=REF + "{model}", schema_generator=DocumentSchema)
    definitions: dict[str, Any] = dict(sorted(schema["$defs"].items()))
    for kind in every_type:
        for base in _bases_of(kind):
            _inherit_descriptions(definitions[schema_name(kind)], definitions[schema_name(base)])
    for definition in definitions.values():
        definition.pop("title", None)
    return definitions


def _bases_of(answer: type) -> list[type]:
    """Return the types that a TypedDict extends, directly or not."""
    bases = [base for base in get_original_bases(answer) if is_typeddict(base)]
    return [*bases, *(further for base in bases for further in _bases_of(base))]


def _inherit_descriptions(schema: dict[str, Any], base: dict[str, Any]) -> None:
    for name, field in base["properties"].items():
        if "description" in field:
            schema["properties"][name].setdefault("description", field["description"])


def field_descriptions(answer: type) -> Iterable[tuple[str, str]]:
    """Yield (field, description) of the fields of a type that are described."""
    schema = component_schemas(frozenset({answer}))[schema_name(answer)]
    for name, field in schema["properties"].items():
        if "description" in field:
            yield name, field["description"]
