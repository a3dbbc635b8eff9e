"""Where values came from as Dify's nodes run: which of the variables that settings name was read,
and where it stands. Settings and values have the shapes of Dify's exports and logs."""

from typing import Any

from nodes.lineage.assigners import targets
from nodes.lineage.origins import came_from
from nodes.lineage.run_index import NEXT, Whole
from nodes.lineage.trace import back, forward
from nodes.lineage.uses import used_by
from tests.nodes.lineage.test_declared import at, story, told

LANGUAGE = ["conversation", "language"]
SET = {"items": [{"variable_selector": LANGUAGE, "operation": "over-write",
                  "input_type": "variable", "value": ["a", "text"]},
                 {"variable_selector": ["conversation", "seen"], "operation": "append",
                  "input_type": "variable", "value": ["b", "n"]}]}  # fmt: skip


def wrote(**values: Any) -> dict[str, Any]:
    """Process data of an assigner."""
    listed = [
        {"name": name, "selector": ["conversation", name], "value_type": "string", "new_value": v}
        for name, v in values.items()
    ]
    return {**values, "__updated_variables": listed}


def test_a_variable_is_followed_through_the_assigner_that_wrote_it() -> None:
    nodes = {
        "a": ("llm", {}),
        "b": ("code", {}),
        "set": ("assigner", SET),
        "say": ("llm", {"prompt_template": [{"text": "Say it in {{#conversation.language#}}."}]}),
        "end": ("answer", {"answer": "{{#conversation.seen#}}"}),
    }
    prompts = {"model_mode": "chat", "prompts": [{"role": "user", "text": "Say it in de."}]}
    found = story(
        nodes,
        (at("a0", "a", 0), {}, {"text": "de"}),
        (at("b0", "b", 10), {}, {"n": 7}),
        (at("set0", "set", 20), {"items": SET["items"]}, {}, wrote(language="de", seen=[3, 7])),
        (at("say0", "say", 30), {}, {"text": "ja"}, prompts),
        (at("end0", "end", 40), {}, {"answer": "[3, 7]"}),
    )
    assert told(found, "say0") == [
        ("process_data/prompts/0/text", "set0", "/language", "inserted"),
    ]  # fmt: skip
    assert told(found, "set0") == [
        ("process_data/language", "a0", "/text", "same"),
        ("process_data/seen", "conversation", "", ""), ("process_data/seen", "b0", "/n", ""),
    ]  # fmt: skip
    say = found.visits.by_id["say0"]
    way = back(found, say, "process_data", ("prompts", 0, "text"))
    assert [(hop.source.visit and hop.source.visit.id, hop.value) for hop in way] == [
        ("say0", "Say it in de."), ("set0", "de"), ("a0", "de"),
    ]  # fmt: skip
    went = forward(found, found.visits.by_id["a0"], "outputs", ("text",))
    assert [hop.source.visit and hop.source.visit.id for hop in went] == ["set0", "say0"]
    users = {use.user and use.user.id for use in used_by(found, found.visits.by_id["set0"])}
    assert users == {"say0", "end0"}


def test_an_assigner_that_failed_or_skipped_wrote_nothing() -> None:
    nodes = {"set": ("assigner", SET), "end": ("answer", {"answer": "{{#conversation.language#}}"})}
    found = story(
        nodes,
        (at("set0", "set", 0), {}, {}, wrote(language="de")),
        (at("set1", "set", 10), {}, {}, wrote(seen=[7])),  # its source was null
        (at("set2", "set", 20, status="failed"), {}, None, {}),
        (at("end0", "end", 30), {}, {"answer": "de"}),
    )
    assert [source for _, source, *_ in told(found, "end0")] == ["set0"]


def test_names_after_the_second_lead_into_the_value() -> None:
    profile = ["conversation", "profile"]
    nodes = {
        "set": ("assigner", {"items": [{"variable_selector": profile, "operation": "set",
                                        "input_type": "constant", "value": {"name": "Mia"}}]}),
        "get": ("code", {"variables": [
            {"variable": "name", "value_selector": [*profile, "name"]},
            {"variable": "url", "value_selector": ["env", "shop", "url"]}]}),
    }  # fmt: skip
    found = story(
        nodes,
        (at("set0", "set", 0), {}, {}, wrote(profile={"name": "Mia"})),
        (at("get0", "get", 10), {"name": "Mia", "url": "/s"}, {}),
        whole=Whole(environment={"shop": {"url": "/s"}}, conversation={"profile": {"name": "?"}}),
    )
    assert told(found, "get0") == [
        ("inputs/name", "set0", "/profile/name", "same"),
        ("inputs/url", "environment", "", "same"),
    ]
    assert found.written == {
        "set": {("conversation", "profile"): ["items[0].variable_selector", "items[0].value"]}
    }
    assert targets("assigner", nodes["set"][1]) == found.written["set"]


def test_an_aggregator_takes_the_first_that_is_there() -> None:
    grouped = {"group_enabled": True, "groups": [
        {"group_name": "x", "variables": [["a", "gone"], ["a", "text"], ["b", "text"]]},
        {"group_name": "y", "variables": [["b", "n"]]}]}  # fmt: skip
    nodes = {
        "a": ("llm", {}), "b": ("llm", {}),
        "one": ("variable-aggregator", {"variables": [["c", "text"], ["a", "text"], ["b", "text"]],
                                        "advanced_settings": {**grouped, "group_enabled": False}}),
        "many": ("variable-aggregator", {"variables": [["b", "text"]],
                                         "advanced_settings": grouped}),
        "c": ("llm", {}),
    }  # fmt: skip
    text = "The lamp has been shipped to Basel."
    found = story(
        nodes,
        (at("a0", "a", 0), {}, {"text": text}),
        (at("b0", "b", 10), {}, {"text": text, "n": True}),
        (at("one0", "one", 20), {"text": text}, {"output": text}),
        (at("many0", "many", 30), {"text": text, "n": True},
         {"x": {"output": text}, "y": {"output": True}}),
    )  # fmt: skip
    assert told(found, "one0") == [("inputs/text", "a0", "/text", "same")]
    assert told(found, "many0") == [
        ("inputs/text", "a0", "/text", "same"), ("inputs/n", "b0", "/n", "same"),
    ]  # fmt: skip


def test_a_condition_compared_the_variable_with_its_value() -> None:
    condition = {"variable_selector": ["a", "n"], "value": "{{#a.limit#}}"}
    nodes = {"a": ("code", {}), "if": ("if-else", {"cases": [{"conditions": [condition]}]})}
    compared = {"actual_value": 3, "comparison_operator": "=", "expected_value": 3}
    found = story(
        nodes,
        (at("a0", "a", 0), {}, {"n": 3, "limit": 3}),
        (at("if0", "if", 10), {"conditions": [compared]}, {"result": True}),
    )
    assert told(found, "if0") == [
        ("inputs/conditions/0/actual_value", "a0", "/n", "same"),
        ("inputs/conditions/0/expected_value", "a0", "/limit", "same"),
    ]


def test_an_object_is_found_in_the_text_that_has_all_its_parts() -> None:
    prompt = [{"role": "system", "text": "Facts: {{#a.json#}}"}, {"role": "user", "text": "?"}]
    nodes = {"a": ("tool", {}), "b": ("llm", {"prompt_template": prompt})}
    facts = 'Facts: {"order": "A-17", "amount": 49.9, "ok": true}'
    found = story(
        nodes,
        (at("a0", "a", 0), {}, {"json": [{"amount": 49.9, "ok": True, "order": "A-17"}]}),
        (at("b0", "b", 10), {"messages": [{"content": facts}, {"content": "Where is A-17?"}]}, {}),
    )
    assert told(found, "b0") == [("inputs/messages/0/content", "a0", "/json", "inserted")]


def test_the_first_form_of_conditions_and_of_assigners() -> None:
    nodes = {
        "a": ("code", {}),
        "if": ("if-else", {"conditions": [{"variable_selector": ["a", "n"], "value": "3"}]}),
        "set": ("assigner", {"assigned_variable_selector": LANGUAGE, "write_mode": "append",
                             "input_variable_selector": ["a", "on"]}),
    }  # fmt: skip
    found = story(
        nodes,
        (at("a0", "a", 0), {}, {"n": 3, "on": True}),
        (at("if0", "if", 10), {"conditions": [{"actual_value": 3, "expected_value": "3"}]}, {}),
        (at("set0", "set", 20), {"value": True}, {}, wrote(language=[True])),
    )
    assert told(found, "if0") == [("inputs/conditions/0/actual_value", "a0", "/n", "same")]
    assert sorted(told(found, "set0")) == [
        ("inputs/value", "a0", "/on", "same"),
        ("process_data/language", "a0", "/on", ""),
        ("process_data/language", "conversation", "", ""),
    ]


def test_a_request_is_told_beside_the_inputs() -> None:
    nodes = {"a": ("code", {}), "get": ("http-request", {
        "url": "https://shop.example/{{#a.id#}}", "authorization": {"type": "no-auth", "config": {
            "api_key": "{{#env.OLD#}}"}}})}  # fmt: skip
    request = {"request": "GET /A-17 HTTP/1.1\r\nHost: shop.example\r\n\r\n", "other": "A-17"}
    found = story(
        nodes,
        (at("a0", "a", 0), {}, {"id": "A-17"}),
        (at("get0", "get", 10), {}, {"body": ""}, request),
    )
    assert told(found, "get0") == [("process_data/request", "a0", "/id", "inserted")]


def test_a_long_run_hides_no_source_and_no_user_that_is_told() -> None:
    nodes = {
        "a": ("code", {}),
        "far": ("code", {"variables": [{"variable": "x", "value_selector": ["a", "n"]}]}),
    }
    between = [(at(f"s{n}", "other", n * 10 + 1000), {}, {}) for n in range(900)]
    found = story(
        nodes, (at("a0", "a", 0), {}, {"n": 7}), *between,
        (at("far0", "far", 99_000), {"x": 7}, {}),
    )  # fmt: skip
    [link] = came_from(found, found.visits.by_id["far0"])
    assert link.certain and link.source.visit is found.visits.by_id["a0"] and link.value == 7
    assert found.stopped
    found.stopped = False
    [use] = used_by(found, found.visits.by_id["a0"])
    assert use.user is found.visits.by_id["far0"] and use.link.certain
    assert found.stopped  # others may have used it
    short = story(nodes, *[(at(f"s{n}", "other", n * 10), {}, {}) for n in range(NEXT)])
    assert used_by(short, short.visits.by_id["s0"]) == [] and not short.stopped


def test_chunks_in_the_context_and_the_answer_of_the_run() -> None:
    nodes = {
        "find": ("knowledge-retrieval", {"query_variable_selector": ["sys", "query"]}),
        "say": ("llm", {"context": {"enabled": True, "variable_selector": ["find", "result"]}}),
        "end": ("end", {"outputs": [{"variable": "ok", "value_selector": ["say", "ok"]}]}),
    }
    chunks = ["Ear pads are spare parts.", "They come off with a slight turn."]
    found = story(
        nodes,
        (at("s0", "find", 0), {"query": "pads?"}, {"result": [{"content": c} for c in chunks]}),
        (at("s1", "say", 10), {"#context#": "\n".join(chunks)}, {"ok": True}),
        (at("s2", "end", 20), {"ok": True}, {"ok": True}),
        whole=Whole(outputs="s2-out"),
    )
    assert told(found, "s1") == [
        ("inputs/#context#", "s0", f"/result/{n}/content", "inserted") for n in (0, 1)
    ]
    [use] = used_by(found, found.visits.by_id["s2"])
    assert (use.user, use.link.path, use.link.certain) == (None, ("ok",), True)
