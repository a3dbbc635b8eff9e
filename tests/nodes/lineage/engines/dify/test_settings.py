"""Settings of nodes as a reader wants them."""

import pytest

from nodes.content.parts import ContentPart
from nodes.graph.graph import Graph, GraphNode
from nodes.lineage.engines.dify.settings import node_names, present_settings

NAMES = {"17": "Start", "18": "查询 (18)"}


def plain(part: ContentPart):
    """A part as plain values: {label: …}, […], or its text."""
    if part.form == "fields":
        return {label: plain(inner) for label, inner in part.items}
    if part.form == "list":
        return [plain(inner) for inner in part.items]
    if part.form == "messages":
        return [(m.role, *(piece.content.text for piece in m.pieces)) for m in part.items]
    return f"code: {part.text}" if part.form == "code" else part.text


@pytest.mark.parametrize(
    ("config", "shown"),
    [
        ({"query_variable_selector": ["17", "q"]}, {"Query": "Start › q"}),
        ({"iterator_selector": ["18", "a", "b"]}, {"Iterates over": "查询 (18) › a › b"}),
        (
            {"variables": [["17", "q"], ["sys", "files"]]},
            {"Variables": ["Start › q", "System › files"]},
        ),
        (
            {"variables": [{"variable": "x", "value_selector": ["17", "q"]}]},
            {"Variables": {"x": "Start › q"}},
        ),
        ({"answer": "Hi {{#17.q#}}, {{#99.q#}}"}, {"Answer": "Hi {{Start › q}}, {{#99.q#}}"}),
        ({"groups": ["one", "two"]}, {"Groups": ["one", "two"]}),
        (
            {
                "prompt_template": [
                    {"role": "system", "text": "Be brief, {{#env.NAME#}}"},
                    {
                        "role": "user",
                        "edition_type": "jinja2",
                        "jinja2_text": "{{ q }}",
                        "text": "old",
                    },
                ]
            },
            {"Prompt": [("system", "Be brief, {{Environment › NAME}}"), ("user", "{{ q }}")]},
        ),
        ({"prompt_template": {"text": "Go on"}}, {"Prompt": [("prompt", "Go on")]}),
        ({"prompt_template": "odd"}, {"Prompt": "odd"}),
        ({"code": "x = {}\n", "code_language": "python3"}, {"Code (python3)": "code: x = {}\n"}),
        ({"template": "{{ a }}"}, {"Template": "code: {{ a }}"}),
        (
            {"classes": [{"id": "1", "name": "退货"}, {"id": "2", "name": ""}]},
            {"Classes": ["退货", "empty text"]},
        ),
        (
            {
                "cases": [
                    {
                        "logical_operator": "or",
                        "conditions": [
                            {
                                "variable_selector": ["17", "n"],
                                "comparison_operator": ">",
                                "value": "3",
                            },
                            {
                                "variable_selector": ["17", "q"],
                                "comparison_operator": "empty",
                                "value": "",
                            },
                        ],
                    },
                    {
                        "conditions": [
                            {
                                "variable_selector": ["17", "f"],
                                "comparison_operator": "contains",
                                "sub_variable_condition": {
                                    "logical_operator": "and",
                                    "conditions": [
                                        {
                                            "key": "type",
                                            "comparison_operator": "in",
                                            "value": ["image", "audio"],
                                        }
                                    ],
                                },
                            }
                        ]
                    },
                ]
            },
            {
                "Cases": {
                    "IF": "Start › n > 3 or Start › q empty",
                    "ELIF 1": "Start › f contains (type in image, audio)",
                    "ELSE": "otherwise",
                }
            },
        ),
        (
            {
                "logical_operator": "or",
                "break_conditions": [
                    {
                        "variable_selector": ["18", "i"],
                        "comparison_operator": "=",
                        "value": "{{#17.n#}}",
                    }
                ],
            },
            {"Ends when": "查询 (18) › i = {{Start › n}}"},
        ),
        (
            {
                "tool_parameters": {
                    "q": {"type": "variable", "value": ["17", "q"]},
                    "n": {"type": "constant", "value": 3},
                }
            },
            {"Tool parameters": {"q": "Start › q", "n": "3"}},
        ),
        (
            {"outputs": {"r": {"type": "string", "children": None}}},
            {"Outputs": {"r": {"type": "string"}}},
        ),
        (
            {"cases": [{"conditions": 5}], "classes": 5},
            {"Cases": {"IF": "empty text", "ELSE": "otherwise"}, "Classes": "5"},
        ),
        (
            {"cases": "odd", "classes": [1], "conditions": {}},
            {"Cases": "odd", "Classes": ["1"], "Conditions": "empty"},
        ),
    ],
)
def test_settings(config, shown):
    assert plain(present_settings(config, NAMES)) == shown


@pytest.mark.parametrize(
    ("ids", "outputs", "text"),
    [
        (["a"], [], "1 data set; no run has named it"),
        (["a", "b"], [{"result": "odd"}, None], "2 data sets; no run has named them"),
        (["a", "b"], [("b", "Returns"), ("z", "Old")], "Returns and 1 more that no run has named"),
        (["encrypted"], [("b", "Returns"), ("b", "Returns")], "Returns"),
    ],
)
def test_data_sets_are_named_by_documents(ids, outputs, text):
    values = [
        {"result": [{"metadata": {"dataset_id": value[0], "dataset_name": value[1]}}]}
        if isinstance(value, tuple)
        else value
        for value in outputs
    ]
    assert plain(present_settings({"dataset_ids": ids}, {}, outputs=values)) == {"Data sets": text}


def test_nodes_with_equal_titles_differ_by_id():
    nodes = (
        GraphNode("1", "llm", "Ask"),
        GraphNode("2", "llm", "Ask"),
        GraphNode("3", "start", "Start"),
        GraphNode("4", "loop-start", "Start", parent="5"),
        GraphNode("5", "loop", "Again"),
    )
    names = node_names(Graph(nodes))
    assert [names[key] for key in "1235"] == ["Ask (1)", "Ask (2)", "Start", "Again"]


def test_deep_settings_are_shown_without_an_end():
    value = ["17", "q"]
    for _ in range(40):
        value = {"a": value}
    assert present_settings({"x": value}, NAMES).form == "fields"
