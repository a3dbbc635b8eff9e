"""Exported Dify apps (DSL): what is kept of them, and files made to do harm."""

import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runs.recording.decoding.dify.definition import behaviour_of, same_content
from runs.recording.decoding.dify.dsl import MAX_BYTES, Dsl, UnreadableDsl, read_dsl
from runs.redaction.secrets import REDACTED

FILES = Path(__file__).parents[4] / "dsl"


def read(name: str, *changes: tuple[str, str]) -> Dsl:
    text = (FILES / f"{name}.yml").read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return read_dsl(text.encode())


def nodes(dsl: Dsl) -> dict[str, dict[str, Any]]:
    return {node["id"]: node for node in dsl.definition.graph.stored["nodes"]}


def edges(dsl: Dsl) -> set[tuple[str, str, str]]:
    return {
        (edge["source"], edge["target"], edge["handle"])
        for edge in dsl.definition.graph.stored["edges"]
    }


def test_branches_by_the_names_of_their_cases() -> None:
    dsl = read("branches-0.6")
    assert (dsl.name, dsl.mode) == ("Refund desk", "workflow")
    assert edges(dsl) == {
        ("1001", "1002", ""), ("1002", "1003", "Refunds"), ("1002", "1007", "Anything else"),
        ("1003", "1004", ""), ("1003", "1007", "Error"), ("1004start", "1006", ""),
        ("1007", "1008", "IF"), ("1007", "1009", "ELIF 1"), ("1007", "1009", "ELSE"),
        ("1008", "1009", ""), ("1004", "1009", ""),
    }  # fmt: skip


def test_containers_places_and_settings() -> None:
    by_id = nodes(read("branches-0.6"))
    assert "note1" not in by_id
    write, start = by_id["1006"], by_id["1004start"]
    assert (write["parent"], write["kind"], write["x"], write["y"]) == ("1004", "llm", 1058, 168)
    assert (start["parent"], start["title"], start["x"]) == ("1004", "Start", 954)
    assert write["config"]["prompt_template"][0] == {"role": "system", "text": "Be brief."}
    assert by_id["1002"]["config"]["model"]["completion_params"]["max_tokens"] == 512
    assert by_id["1003"]["config"]["retry_config"]["max_retries"] == 3
    assert by_id["1009"]["config"]["outputs"][0]["variable"] == "answer"


def test_what_else_belongs_to_it() -> None:
    assert read("branches-0.6").definition.configuration == {
        "features": {
            "sensitive_word_avoidance": {
                "enabled": True, "type": "keywords", "config": {"api_key": REDACTED},
            }
        },
        "environment_variables": [
            {"name": "SHOP_KEY", "type": "secret"},
            {"name": "SHOP_URL", "type": "string", "description": "Where orders are",
             "value": "https://shop.example.com"},
            {"name": "retries", "type": "number", "value": 3},
        ],
        "plugins": ["langgenius/openai:0.2.1"],
        "notes": [{
            "text": "Ask the shop first.", "author": "Operator", "colour": "blue",
            "x": 0, "y": 0, "width": None,
        }],
    }  # fmt: skip


def test_a_chatflow_with_a_loop_and_an_agent() -> None:
    dsl = read("chatflow-0.3")
    by_id = nodes(dsl)
    assert dsl.mode == "chatflow"
    assert (by_id["2003"]["parent"], by_id["2002"]["config"]["loop_count"]) == ("2002", 3)
    assert by_id["2003"]["config"]["agent_parameters"]["instruction"]["value"] == "Be kind."
    configuration = dsl.definition.configuration or {}
    assert configuration["conversation_variables"][0]["name"] == "language"
    assert configuration["features"]["opening_statement"] == "How can I help?"


def test_a_file_of_the_first_versions() -> None:
    dsl = read("old-0.1")
    by_id = nodes(dsl)
    assert by_id["1711000000001"]["title"] == "Start"  # its id is a number in the file
    assert ("1711000000002", "1711000000003", "IF") in edges(dsl)
    assert ("1711000000002", "1711000000004", "ELSE") in edges(dsl)


def test_versions_differ_by_content() -> None:
    first = read("branches-0.6").definition.digest
    assert read("branches-0.6", ("{x: 30, y: 200}", "{x: 1, y: 2}")).definition.digest == first
    assert read("branches-0.6", ("Ask the shop ", "Ask ")).definition.digest == first
    for change in [
        ("temperature: 0.7", "temperature: 0.8"),
        ("title: Write", "title: Say"),
        ("name: Refunds", "name: Money"),
        ('sourceHandle: "2", target: "1007"', 'sourceHandle: "2", target: "1008"'),
        ("value: 3,", "value: 4,"),
        ("type: keywords", "type: api"),
    ]:
        assert not same_content(read("branches-0.6", change).definition.digest, first), change


def test_the_same_from_the_columns_of_the_database() -> None:
    columns = {
        "features": '{"opening_statement": "Hi", "text_to_speech": {"enabled": false}}',
        "environment_variables": '{"A": {"value_type": "string", "value": "x", "id": "1"}}',
        "conversation_variables": "{}",
    }
    assert behaviour_of(columns) == behaviour_of({
        "features": {"opening_statement": "Hi"},
        "environment_variables": [{"name": "A", "value_type": "string", "value": "x", "id": "2"}],
    })  # fmt: skip


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"a: *nowhere", "refers to nothing"),
        (b"&a [*a]", "refers to nothing or to itself"),
        (b"[" * 100_000, "levels deep"),
        (b"- " * 5_000 + b"x", "levels deep"),
        (b"x" * (MAX_BYTES + 1), "larger than 8 MB"),
        (b"!!python/object/apply:os.system [id]", "is not readable YAML"),
        (b"a: \x07", "is not readable YAML"),
        (b"a: 2026-99-99", "not valid YAML"),
        (b"a: " + b"9" * 6_000, "not valid YAML"),
        (b"? [a, b]\n: c", "YAML"),
        (b"kind: app\napp: {mode: workflow}\n", "the field “workflow” is missing"),
        (b"kind: app\napp: {mode: workflow}\nworkflow: {graph: []}\n", "has no nodes"),
        (b"kind: app\napp: {mode: chat}\nmodel_config: {}\n", "is a chat assistant"),
        (b"kind: app\napp: {mode: [1]}\nworkflow: {}\n", "not a workflow or chatflow"),
        (b"version: 1\n", "“kind: app”"),
    ],
)
def test_files_that_are_none(body: bytes, sentence: str) -> None:
    with pytest.raises(UnreadableDsl) as problem:
        read_dsl(body)
    assert sentence in str(problem.value)
    assert "\n" not in str(problem.value)


def test_a_bomb_of_references_is_not_built() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    with pytest.raises(UnreadableDsl, match="more than 1,000,000 values"):
        read_dsl("\n".join(lines).encode())


def test_a_few_references_are_fine() -> None:
    text = (FILES / "old-0.1.yml").read_text()
    text = text.replace("features: {}", "features: &f {}\n  conversation_variables: *f")
    assert read_dsl(text.encode()).name == "Old flow"


def test_odd_values_become_something_that_can_be_stored() -> None:
    odd = "data: {type: code, title: .nan, code: .inf, variables: [2026-01-01, ! {}]}"
    graph = f"workflow: {{graph: {{nodes: [{{id: 1, position: {{x: .nan}}, {odd}}}, 7]}}}}"
    [node] = nodes(read_dsl(f"kind: app\napp: {{mode: workflow}}\n{graph}\n".encode())).values()
    assert (node["title"], node["x"]) == ("nan", None)
    assert node["config"] == {"code": "inf", "variables": ["2026-01-01", {}]}


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["if-else", "llm", "custom-note", "true", "1", "\x00", "\ud800"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from([
                "id", "type", "title", "data", "cases", "case_id", "classes", "position", "x",
                "parentId", "iteration_id", "isInIteration", "source", "target", "sourceHandle",
                "text", "root", "children", "variables", "value", "name", "features", "enabled",
                "environment_variables", "authorization", "headers", "error_strategy",
            ]),
            inner,
            max_size=6,
        )
    ),
    max_leaves=30,
)  # fmt: skip


@given(nodes=st.lists(VALUES, max_size=4), edges=VALUES, rest=VALUES)
@settings(max_examples=150)
def test_any_content_can_be_stored(nodes: Any, edges: Any, rest: Any) -> None:
    whole = [{"id": "1", "data": {"type": "start"}}, *nodes]
    workflow = {"graph": {"nodes": whole, "edges": edges}, "features": rest}
    workflow |= {"environment_variables": rest, "conversation_variables": nodes}
    document = {"kind": "app", "app": {"mode": "workflow", "name": rest}, "workflow": workflow}
    text = json.dumps(document).encode("utf-8", "replace")  # JSON is YAML
    try:
        definition = read_dsl(text).definition
    except UnreadableDsl:
        return
    kept = [definition.graph.stored, definition.configuration, definition.digest]
    assert "\\u0000" not in orjson.dumps(kept).decode()
