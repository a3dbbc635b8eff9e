"""What Dify's settings refer to: one case for each type of node that refers to anything."""

from pathlib import Path
from typing import Any

import pytest

from nodes.lineage.engines.dify.references import references_of
from runs.recording.decoding.dify.dsl import read_dsl

DSL = Path(__file__).parents[4] / "dsl"
NODES = {"a", "b", "1001"}
N = {"variable": "x", "value_selector": ["a", "n"]}

# type, settings → [(variable, setting, input, in a text)]
CASES: list[tuple[str, dict[str, Any], list[tuple[str, str, str, bool]]]] = [
    ("end", {"outputs": [{"variable": "x", "value_selector": ["a", "text"]}]},
     [("a.text", "outputs[0].value_selector", "x", False)]),
    ("answer", {"answer": "Hi {{#a.text#}}, {{#sys.query#}}"},
     [("a.text", "answer", "answer", True), ("sys.query", "answer", "answer", True)]),
    ("answer", {"answer": "{{#a.text#}}"}, [("a.text", "answer", "answer", False)]),
    ("llm", {"prompt_template": [{"role": "user", "text": "{{#a.x.y#}}"}],
             "memory": {"query_prompt_template": "{{#sys.query#}} ?"},
             "context": {"enabled": True, "variable_selector": ["b", "result"]}},
     [("a.x.y", "prompt_template[0].text", "prompt_template", False),
      ("sys.query", "memory.query_prompt_template", "memory", True),
      ("b.result", "context.variable_selector", "#context#", False)]),
    ("llm", {"context": {"enabled": False, "variable_selector": ["b", "result"]},
             "vision": {"enabled": True, "configs": {"variable_selector": ["sys", "files"]}}},
     [("sys.files", "vision.configs.variable_selector", "#files#", False)]),
    ("llm", {"prompt_config": {"jinja2_variables": [N]}},
     [("a.n", "prompt_config.jinja2_variables[0].value_selector", "x", False)]),
    ("knowledge-retrieval",
     {"query_variable_selector": ["a", "q"], "query_attachment_selector": ["a", "f"],
      "metadata_filtering_conditions": {"conditions": [{"name": "year", "value": "{{#b.year#}}"}]}},
     [("a.q", "query_variable_selector", "query", False),
      ("a.f", "query_attachment_selector", "attachments", False),
      ("b.year", "metadata_filtering_conditions.conditions[0].value",
       "metadata_filtering_conditions", False)]),
    ("if-else", {"cases": [{"case_id": "1", "conditions": [
        {"variable_selector": ["a", "n"], "value": "{{#env.LIMIT#}}"}]}]},
     [("a.n", "cases[0].conditions[0].variable_selector", "cases", False),
      ("env.LIMIT", "cases[0].conditions[0].value", "cases", False)]),
    ("if-else", {"conditions": [{"variable_selector": ["a", "n"], "value": "long"}]},
     [("a.n", "conditions[0].variable_selector", "conditions", False)]),
    ("question-classifier",
     {"query_variable_selector": ["a", "q"], "instruction": "see {{#b.hint#}}",
      "classes": [{"id": "1", "name": "Refunds"}]},
     [("a.q", "query_variable_selector", "query", False),
      ("b.hint", "instruction", "instruction", True)]),
    ("parameter-extractor", {"query": ["a", "q"], "instruction": "{{#conversation.name#}} asks"},
     [("a.q", "query", "query", False),
      ("conversation.name", "instruction", "instruction", True)]),
    ("code", {"code": "return '{{#a.text#}}'", "variables": [N]},
     [("a.n", "variables[0].value_selector", "x", False)]),
    ("template-transform", {"template": "{{ x }}", "variables": [N]},
     [("a.n", "variables[0].value_selector", "x", False)]),
    ("http-request",
     {"url": "https://shop.example/{{#a.id#}}", "headers": "K: {{#env.KEY#}}",
      "params": "q:{{#b.q#}}",
      "body": {"type": "json", "data": [{"type": "text", "value": '{"x": "{{#a.x#}}"}'}]}},
     [("a.id", "url", "url", True), ("env.KEY", "headers", "headers", True),
      ("b.q", "params", "params", True), ("a.x", "body.data[0].value", "body", True)]),
    ("tool", {"tool_parameters": {"query": {"type": "mixed", "value": "about {{#a.q#}}"},
                                  "file": {"type": "variable", "value": ["b", "file"]},
                                  "size": {"type": "constant", "value": 3}}},
     [("a.q", "tool_parameters.query.value", "query", True),
      ("b.file", "tool_parameters.file.value", "file", False)]),
    ("agent", {"agent_parameters": {"instruction": {"type": "constant", "value": "Do {{#a.x#}}"},
                                    "query": {"type": "variable", "value": ["sys", "query"]}}},
     [("a.x", "agent_parameters.instruction.value", "instruction", True),
      ("sys.query", "agent_parameters.query.value", "query", False)]),
    ("iteration", {"iterator_selector": ["a", "list"], "output_selector": ["b", "text"]},
     [("a.list", "iterator_selector", "iterator_selector", False),
      ("b.text", "output_selector", "output_selector", False)]),
    ("loop", {"loop_variables": [{"label": "n", "value_type": "variable", "value": ["a", "n"]},
                                 {"label": "m", "value_type": "constant", "value": "0"}],
              "break_conditions": [{"variable_selector": ["b", "ok"], "value": "1"}]},
     [("a.n", "loop_variables[0].value", "n", False),
      ("b.ok", "break_conditions[0].variable_selector", "break_conditions", False)]),
    ("variable-aggregator", {"variables": [["a", "text"], ["b", "text"]],
      "advanced_settings": {"groups": [{"group_name": "g", "variables": [["a", "n"]]}]}},
     [("a.text", "variables[0]", "variables", False),
      ("b.text", "variables[1]", "variables", False),
      ("a.n", "advanced_settings.groups[0].variables[0]", "advanced_settings", False)]),
    ("variable-assigner", {"variables": [["1001", "q"]]},
     [("1001.q", "variables[0]", "variables", False)]),
    ("assigner", {"items": [{"variable_selector": ["conversation", "x"], "operation": "over-write",
                             "input_type": "variable", "value": ["a", "text"]},
                            {"variable_selector": ["conversation", "y"], "operation": "+=",
                             "input_type": "constant", "value": 1}]},
     [("a.text", "items[0].value", "items", False),
      ("conversation.y", "items[1].variable_selector", "items", False)]),
    ("assigner", {"assigned_variable_selector": ["conversation", "x"], "write_mode": "over-write",
                  "input_variable_selector": ["a", "text"]},
     [("a.text", "input_variable_selector", "value", False)]),
    ("document-extractor", {"variable_selector": ["a", "file"]},
     [("a.file", "variable_selector", "variable_selector", False)]),
    ("list-operator", {"variable": ["a", "files"], "filter_by": {"enabled": True, "conditions": [
        {"key": "size", "value": "{{#b.max#}}"}]}, "limit": {"enabled": False, "size": 3}},
     [("a.files", "variable", "variable", False),
      ("b.max", "filter_by.conditions[0].value", "size", False)]),
    ("human-input", {"form_content": "Is {{#a.text#}} right?",
                     "inputs": [{"output_variable_name": "why",
                                 "default": {"type": "variable", "selector": ["b", "q"]}}]},
     [("a.text", "form_content", "form_content", True),
      ("b.q", "inputs[0].default.selector", "why", False)]),
    ("datasource", {"datasource_parameters": {"url": {"type": "mixed", "value": "{{#a.url#}}"}}},
     [("a.url", "datasource_parameters.url.value", "url", False)]),
]  # fmt: skip


@pytest.mark.parametrize("kind, config, expected", CASES, ids=[case[0] for case in CASES])
def test_what_settings_refer_to(
    kind: str, config: dict[str, Any], expected: list[tuple[str, str, str, bool]]
) -> None:
    assert [
        (reference.variable, reference.field, reference.name, reference.in_text)
        for reference in references_of(kind, config, NODES)
    ] == expected


# What an editor keeps of settings that are switched off, and constants that look like selectors.
OFF: list[tuple[str, dict[str, Any], list[str]]] = [
    ("llm", {"prompt_template": [
        {"edition_type": "jinja2", "text": "{{#a.old#}}", "jinja2_text": "{{ x }}"},
        {"edition_type": "basic", "text": "{{#a.new#}}", "jinja2_text": "{{#a.old#}}"}]},
     ["a.new"]),
    ("variable-aggregator",
     {"variables": [["a", "old"]], "advanced_settings": {
         "group_enabled": True, "groups": [{"group_name": "g", "variables": [["a", "new"]]}]}},
     ["a.new"]),
    ("variable-aggregator",
     {"variables": [["a", "new"]], "advanced_settings": {
         "group_enabled": False, "groups": [{"group_name": "g", "variables": [["a", "old"]]}]}},
     ["a.new"]),
    ("human-input", {"inputs": [
        {"output_variable_name": "x", "default": {"type": "constant", "value": "a",
                                                  "selector": ["a", "old"]}},
        {"output_variable_name": "y", "default": {"type": "variable", "value": "{{#a.old#}}",
                                                  "selector": ["a", "new"]}}]},
     ["a.new"]),
    ("http-request",
     {"authorization": {"type": "no-auth", "config": {"api_key": "{{#env.OLD#}}"}},
      "body": {"type": "none", "data": [{"type": "text", "value": "{{#a.old#}}"}]}}, []),
    ("http-request",
     {"authorization": {"type": "api-key", "config": {"api_key": "{{#env.KEY#}}"}},
      "body": {"type": "form-data", "data": [
          {"key": "x", "type": "text", "value": "{{#a.new#}}", "file": ["a", "old"]},
          {"key": "y", "type": "file", "value": "{{#a.old#}}", "file": ["a", "file"]}]}},
     ["env.KEY", "a.new", "a.file"]),
    ("agent", {"agent_parameters": {"tools": {"type": "constant", "value": [
        {"enabled": True, "parameters": {
            "by_model": {"auto": 1, "value": {"type": "variable", "value": ["a", "old"]}},
            "by_hand": {"auto": 0, "value": {"type": "variable", "value": ["a", "new"]}}}},
        {"enabled": False, "parameters": {
            "x": {"auto": 0, "value": {"type": "variable", "value": ["a", "old"]}}}}]}}},
     ["a.new"]),
    ("tool", {"tool_parameters": {"tags": {"type": "constant", "value": ["a", "{{#b.x#}}"]}}},
     ["b.x"]),
    ("loop", {"loop_variables": [{"label": "n", "value_type": "constant", "value": ["a", "b"]}]},
     []),
    ("assigner", {"items": [
        {"variable_selector": ["conversation", "x"], "operation": "over-write",
         "input_type": "constant", "value": ["a", "b"]},
        {"variable_selector": ["conversation", "y"], "operation": "remove-first",
         "input_type": "variable", "value": ["a", "old"]},
        {"variable_selector": ["conversation", "z"], "operation": "append",
         "input_type": "variable", "value": ["a", "new"]}]},
     ["conversation.y", "conversation.z", "a.new"]),
    ("assigner", {"assigned_variable_selector": ["conversation", "x"], "write_mode": "append",
                  "input_variable_selector": ["a", "new"]}, ["conversation.x", "a.new"]),
    ("assigner", {"items": [
        {"variable_selector": ["conversation", name], "operation": "over-write",
         "input_type": "variable", "value": ["a", "n"]} for name in ("x", "y")]}, ["a.n", "a.n"]),
    ("assigner", {"items": [{"operation": ["odd"], "variable_selector": {"odd": 1}}]}, []),
    ("parameter-extractor", {"query": ["a", "q"],
                             "parameters": [{"name": "x", "options": ["env", "sys"]}]}, ["a.q"]),
    ("code", {"error_strategy": "default-value",
              "default_value": [{"key": "x", "type": "array", "value": ["a", "b"]}]}, []),
    ("datasource", {"datasource_parameters": {
        "url": {"type": "variable", "value": ["rag", "shared", "url"]}}}, ["rag.shared.url"]),
]  # fmt: skip


@pytest.mark.parametrize("kind, config, expected", OFF)
def test_what_is_switched_off_or_a_constant_is_no_reference(
    kind: str, config: dict[str, Any], expected: list[str]
) -> None:
    assert [r.variable for r in references_of(kind, config, NODES)] == expected


def test_what_is_no_reference() -> None:
    config = {
        "variables": [["nobody", "text"], ["a"], ["a", 1]],
        "text": "{{ jinja }} {{#context#}} {{#nobody.x#}} {{#a.#}}",
        "code": "{{#a.text#}}",
        "deep": {"x": [[[[[[[[[[[[[["a", "text"]]]]]]]]]]]]]]},
    }
    assert references_of("code", config, NODES) == []
    assert references_of("llm", None, NODES) == []


@pytest.mark.parametrize(
    "file, expected",
    [
        ("branches-0.6.yml", {
            "1002": ["1001.question"], "1003": ["1001.question", "env.SHOP_KEY"],
            "1004": ["1003.body", "1006.text"], "1006": ["1004.item"],
            "1007": ["1001.question"], "1008": ["1001.question"],
            "1009": ["1004.output"],
        }),
        ("chatflow-0.3.yml", {"2002": ["2002.good"], "answer": ["2003.text"]}),
        ("old-0.1.yml", {"1711000000002": ["1711000000001.q"],
                         "1711000000003": ["1711000000001.q"]}),
    ],
)  # fmt: skip
def test_whole_apps(file: str, expected: dict[str, list[str]]) -> None:
    nodes = read_dsl((DSL / file).read_bytes()).definition.graph.stored["nodes"]
    ids = {node["id"] for node in nodes}
    variables = {
        node["id"]: [r.variable for r in references_of(node["kind"], node["config"], ids)]
        for node in nodes
    }
    assert {node_id: names for node_id, names in variables.items() if names} == expected
