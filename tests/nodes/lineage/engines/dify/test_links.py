"""Where values came from as Dify's nodes run: which of the variables that settings name was read,
and where it stands. Settings and values have the shapes of Dify's exports and logs."""

from typing import Any

from nodes.lineage.engines.dify.assigners import assigner_targets
from nodes.lineage.engines.dify.sources import DifySources
from nodes.lineage.origins import origins_of_inputs, origins_of_outputs
from nodes.lineage.run_index import MAX_AFTER, RunValues
from nodes.lineage.steps import LineageStep
from nodes.lineage.trace import trace_back, trace_forward
from nodes.lineage.uses import uses_of_outputs
from nodes.lineage.values import to_pointer
from tests.nodes.lineage.run_builder import (
    certain_links,
    certain_sources,
    run_of_graph,
    source_id,
    step_at,
)

FILE = {"filename": "contract-2026-06.pdf", "size": 812}
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


def test_a_setting_links_to_where_its_value_stands() -> None:
    nodes = {
        "a": ("start", {}),
        "b": ("document-extractor", {"variable_selector": ["a", "file"]}),
        "c": ("if-else", {"cases": [{"conditions": [{"variable_selector": ["a", "n"]}]}]}),
        "d": ("code", {"variables": [{"variable": "x", "value_selector": ["a", "n"]}]}),
        "e": ("llm", {"prompt_template": [{"role": "user", "text": "{{#a.n#}} of {{#a.file#}}"}]}),
    }  # fmt: skip
    run = run_of_graph(
        nodes,
        (step_at("s0", "a", 0), None, {"file": FILE, "n": 17}),
        (step_at("s1", "b", 10), {"files": [FILE]}, {"text": "…"}),
        (step_at("s2", "c", 20), {"conditions": [{"actual_value": 17, "expected_value": 3}]}, None),
        (step_at("s3", "d", 30), {"x": 17, "y": 17}, None),
        (
            step_at("s4", "e", 40),
            {"messages": [{"content": "About 17 of it"}, {"content": "ok"}]},
            None,
        ),
    )
    assert certain_links(run, "s1") == [("inputs/files/0", "s0", "/file", "same")]
    assert certain_links(run, "s2") == [("inputs/conditions/0/actual_value", "s0", "/n", "same")]
    assert certain_links(run, "s3") == [("inputs/x", "s0", "/n", "same")]
    assert certain_links(run, "s4") == [
        ("inputs/messages/0/content", "s0", "/n", "inserted"), ("-", "s0", "/file", ""),
    ]  # fmt: skip
    users = {(use.user.id if use.user else "", use.link.certain)
             for use in uses_of_outputs(run, run.steps.by_id["s0"])}  # fmt: skip
    assert users == {("s1", True), ("s2", True), ("s3", True), ("s4", True)}


def test_a_node_that_had_not_run_is_named() -> None:
    nodes = {
        "a": ("code", {}),
        "b": ("code", {"variables": [{"variable": "x", "value_selector": ["a", "n"]}]}),
        "c": ("variable-aggregator", {"variables": [["a", "n"], ["b", "n"]]}),
    }
    run = run_of_graph(
        nodes, (step_at("s1", "b", 10), {"x": None}, {"n": "short"}),
        (step_at("s2", "c", 20), {}, {"output": "short"}),
    )  # fmt: skip
    [(place, form, *_)] = certain_links(run, "s1")
    assert (place, form) == ("inputs/x", "nothing")
    assert certain_links(run, "s2") == [("outputs/output", "s1", "/n", "same")]


def test_of_several_attempts_the_last_one_that_ended_before_is_the_source() -> None:
    nodes = {
        "a": ("http-request", {}),
        "b": ("code", {"variables": [{"variable": "x", "value_selector": ["a", "n"]}]}),
    }
    run = run_of_graph(
        nodes,
        (step_at("first", "a", 0), None, {"n": 1}),
        (step_at("failed", "a", 10, status="retry"), None, {"n": 2}),
        (step_at("second", "a", 20, attempt=2), None, {"n": 3}),
        (step_at("use", "b", 30), {"x": 3}, None),
        (step_at("later", "a", 40), None, {"n": 4}),
    )
    assert certain_links(run, "use") == [("inputs/x", "second", "/n", "same")]
    without_times = run.steps.by_id["use"]
    without_times.start = without_times.end = None
    assert certain_sources(run, "use") == ["second"]


def test_a_loop_variable_is_what_the_assigner_wrote_last() -> None:
    nodes = {
        "loop": ("loop", {"loop_variables": [{"label": "n", "value": "0"}]}),
        "set": ("assigner", {"items": [{"variable_selector": ["loop", "n"], "value": 1}]}),
        "get": ("code", {"variables": [{"variable": "n", "value_selector": ["loop", "n"]}]}),
    }  # fmt: skip
    container = LineageStep("l", node_id="loop", start=1, end=99)
    steps = [(container, {"n": 0}, {"n": 2})]
    for number in range(2):
        inside: dict[str, Any] = {"parent_id": "l", "iteration": str(number)}
        steps.append(
            (step_at(f"get{number}", "get", number * 20 + 2, **inside), {"n": number}, None)
        )
        steps.append((step_at(f"set{number}", "set", number * 20 + 12, **inside), {}, {}))
    run = run_of_graph(nodes, *steps)
    assert certain_links(run, "get0") == [("inputs/n", "l", "/n", "same")]
    assert certain_sources(run, "get1") == ["set0"]


def test_an_item_links_to_an_iteration_only_where_that_gave_it_out() -> None:
    nodes = {"it": ("iteration", {"output_selector": ["c", "r"]}), "c": ("code", {})}
    container = LineageStep("l", node_id="it", start=1, end=99)
    inside: dict[str, Any] = {"node_id": "c", "parent_id": "l"}
    run = run_of_graph(
        nodes,
        (container, {}, {"output": ["x", "y"]}),  # two lists laid flat
        (LineageStep("c0", iteration="0", start=2, end=9, **inside), None, {"r": ["x", "y"]}),
        (LineageStep("c1", iteration="1", start=12, end=19, **inside), None, {"r": []}),
    )
    assert not [link for link in origins_of_outputs(run, container) if link.certain]


def test_an_iteration_of_a_loop_does_not_see_the_outputs_of_the_one_before() -> None:
    nodes = {
        "loop": ("loop", {}),
        "a": ("code", {}),
        "b": ("code", {"variables": [{"variable": "x", "value_selector": ["a", "n"]}]}),
    }
    first: dict[str, Any] = {"parent_id": "l", "iteration": "0"}
    run = run_of_graph(
        nodes,
        (LineageStep("l", node_id="loop", start=1, end=99), {}, {}),
        (step_at("a0", "a", 2, **first), None, {"n": 7}),
        (step_at("b0", "b", 12, **first), {"x": 7}, None),
        (step_at("b1", "b", 22, parent_id="l", iteration="1"), {"x": None}, None),
    )
    assert certain_sources(run, "b0") == ["a0"]
    assert certain_sources(run, "b1") == ["nothing"]


def test_a_variable_is_followed_through_the_assigner_that_wrote_it() -> None:
    nodes = {
        "a": ("llm", {}),
        "b": ("code", {}),
        "set": ("assigner", SET),
        "say": ("llm", {"prompt_template": [{"text": "Say it in {{#conversation.language#}}."}]}),
        "end": ("answer", {"answer": "{{#conversation.seen#}}"}),
    }
    prompts = {"model_mode": "chat", "prompts": [{"role": "user", "text": "Say it in de."}]}
    run = run_of_graph(
        nodes,
        (step_at("a0", "a", 0), {}, {"text": "de"}),
        (step_at("b0", "b", 10), {}, {"n": 7}),
        (
            step_at("set0", "set", 20),
            {"items": SET["items"]},
            {},
            wrote(language="de", seen=[3, 7]),
        ),
        (step_at("say0", "say", 30), {}, {"text": "ja"}, prompts),
        (step_at("end0", "end", 40), {}, {"answer": "[3, 7]"}),
    )
    assert certain_links(run, "say0") == [
        ("process_data/prompts/0/text", "set0", "/language", "inserted"),
    ]  # fmt: skip
    assert certain_links(run, "set0") == [
        ("process_data/language", "a0", "/text", "same"),
        ("process_data/seen", "conversation", "", ""), ("process_data/seen", "b0", "/n", ""),
    ]  # fmt: skip
    say = run.steps.by_id["say0"]
    hops = trace_back(run, say, "process_data", ("prompts", 0, "text"))
    assert [(source_id(hop.source), hop.value) for hop in hops] == [
        ("say0", "Say it in de."), ("set0", "de"), ("a0", "de"),
    ]  # fmt: skip
    hops = trace_forward(run, run.steps.by_id["a0"], "outputs", ("text",))
    assert [source_id(hop.source) for hop in hops] == ["set0", "say0"]
    users = {use.user and use.user.id for use in uses_of_outputs(run, run.steps.by_id["set0"])}
    assert users == {"say0", "end0"}


def test_an_assigner_that_failed_or_skipped_wrote_nothing() -> None:
    nodes = {"set": ("assigner", SET), "end": ("answer", {"answer": "{{#conversation.language#}}"})}
    run = run_of_graph(
        nodes,
        (step_at("set0", "set", 0), {}, {}, wrote(language="de")),
        (step_at("set1", "set", 10), {}, {}, wrote(seen=[7])),  # its source was null
        (step_at("set2", "set", 20, status="failed"), {}, None, {}),
        (step_at("end0", "end", 30), {}, {"answer": "de"}),
    )
    assert certain_sources(run, "end0") == ["set0"]


def test_names_after_the_second_lead_into_the_value() -> None:
    profile = ["conversation", "profile"]
    nodes = {
        "set": ("assigner", {"items": [{"variable_selector": profile, "operation": "set",
                                        "input_type": "constant", "value": {"name": "Mia"}}]}),
        "get": ("code", {"variables": [
            {"variable": "name", "value_selector": [*profile, "name"]},
            {"variable": "url", "value_selector": ["env", "shop", "url"]}]}),
    }  # fmt: skip
    run = run_of_graph(
        nodes,
        (step_at("set0", "set", 0), {}, {}, wrote(profile={"name": "Mia"})),
        (step_at("get0", "get", 10), {"name": "Mia", "url": "/s"}, {}),
        run_values=RunValues(
            environment={"shop": {"url": "/s"}}, conversation={"profile": {"name": "?"}}
        ),
    )
    assert certain_links(run, "get0") == [
        ("inputs/name", "set0", "/profile/name", "same"),
        ("inputs/url", "environment", "", "same"),
    ]
    targets = DifySources(run).targets
    assert targets == {
        "set": {("conversation", "profile"): ["items[0].variable_selector", "items[0].value"]}
    }
    assert assigner_targets("assigner", nodes["set"][1]) == targets["set"]


def test_an_aggregator_takes_the_first_that_is_there() -> None:
    grouped = {"group_enabled": True, "groups": [
        {"group_name": "x", "variables": [["a", "gone"], ["a", "text"], ["b", "text"]]},
        {"group_name": "y", "variables": [["b", "n"]]}]}  # fmt: skip
    nodes = {
        "a": ("llm", {}), "b": ("llm", {}),
        "plain": ("variable-aggregator", {
            "variables": [["c", "text"], ["a", "text"], ["b", "text"]],
            "advanced_settings": {**grouped, "group_enabled": False}}),
        "grouped": ("variable-aggregator", {"variables": [["b", "text"]],
                                         "advanced_settings": grouped}),
        "c": ("llm", {}),
    }  # fmt: skip
    text = "The lamp has been shipped to Basel."
    run = run_of_graph(
        nodes,
        (step_at("a0", "a", 0), {}, {"text": text}),
        (step_at("b0", "b", 10), {}, {"text": text, "n": True}),
        (step_at("plain0", "plain", 20), {"text": text}, {"output": text}),
        (step_at("grouped0", "grouped", 30), {"text": text, "n": True},
         {"x": {"output": text}, "y": {"output": True}}),
    )  # fmt: skip
    assert certain_links(run, "plain0") == [("inputs/text", "a0", "/text", "same")]
    assert certain_links(run, "grouped0") == [
        ("inputs/text", "a0", "/text", "same"), ("inputs/n", "b0", "/n", "same"),
    ]  # fmt: skip


def test_a_condition_compared_the_variable_with_its_value() -> None:
    condition = {"variable_selector": ["a", "n"], "value": "{{#a.limit#}}"}
    nodes = {"a": ("code", {}), "if": ("if-else", {"cases": [{"conditions": [condition]}]})}
    compared = {"actual_value": 3, "comparison_operator": "=", "expected_value": 3}
    run = run_of_graph(
        nodes,
        (step_at("a0", "a", 0), {}, {"n": 3, "limit": 3}),
        (step_at("if0", "if", 10), {"conditions": [compared]}, {"result": True}),
    )
    assert certain_links(run, "if0") == [
        ("inputs/conditions/0/actual_value", "a0", "/n", "same"),
        ("inputs/conditions/0/expected_value", "a0", "/limit", "same"),
    ]


def test_an_object_links_to_the_text_that_has_all_its_parts() -> None:
    prompt = [{"role": "system", "text": "Facts: {{#a.json#}}"}, {"role": "user", "text": "?"}]
    nodes = {"a": ("tool", {}), "b": ("llm", {"prompt_template": prompt})}
    facts = 'Facts: {"order": "A-17", "amount": 49.9, "ok": true}'
    run = run_of_graph(
        nodes,
        (step_at("a0", "a", 0), {}, {"json": [{"amount": 49.9, "ok": True, "order": "A-17"}]}),
        (
            step_at("b0", "b", 10),
            {"messages": [{"content": facts}, {"content": "Where is A-17?"}]},
            {},
        ),
    )
    assert certain_links(run, "b0") == [("inputs/messages/0/content", "a0", "/json", "inserted")]


def test_the_first_form_of_conditions_and_of_assigners() -> None:
    nodes = {
        "a": ("code", {}),
        "if": ("if-else", {"conditions": [{"variable_selector": ["a", "n"], "value": "3"}]}),
        "set": ("assigner", {"assigned_variable_selector": LANGUAGE, "write_mode": "append",
                             "input_variable_selector": ["a", "on"]}),
    }  # fmt: skip
    run = run_of_graph(
        nodes,
        (step_at("a0", "a", 0), {}, {"n": 3, "on": True}),
        (
            step_at("if0", "if", 10),
            {"conditions": [{"actual_value": 3, "expected_value": "3"}]},
            {},
        ),
        (step_at("set0", "set", 20), {"value": True}, {}, wrote(language=[True])),
    )
    assert certain_links(run, "if0") == [("inputs/conditions/0/actual_value", "a0", "/n", "same")]
    assert sorted(certain_links(run, "set0")) == [
        ("inputs/value", "a0", "/on", "same"),
        ("process_data/language", "a0", "/on", ""),
        ("process_data/language", "conversation", "", ""),
    ]


def test_a_request_is_logged_beside_the_inputs() -> None:
    nodes = {"a": ("code", {}), "get": ("http-request", {
        "url": "https://shop.example/{{#a.id#}}", "authorization": {"type": "no-auth", "config": {
            "api_key": "{{#env.OLD#}}"}}})}  # fmt: skip
    request = {"request": "GET /A-17 HTTP/1.1\r\nHost: shop.example\r\n\r\n", "other": "A-17"}
    run = run_of_graph(
        nodes,
        (step_at("a0", "a", 0), {}, {"id": "A-17"}),
        (step_at("get0", "get", 10), {}, {"body": ""}, request),
    )
    assert certain_links(run, "get0") == [("process_data/request", "a0", "/id", "inserted")]


def test_a_long_run_hides_no_source_and_no_user_that_settings_name() -> None:
    nodes = {
        "a": ("code", {}),
        "far": ("code", {"variables": [{"variable": "x", "value_selector": ["a", "n"]}]}),
    }
    between = [(step_at(f"s{n}", "other", n * 10 + 1000), {}, {}) for n in range(900)]
    run = run_of_graph(
        nodes, (step_at("a0", "a", 0), {}, {"n": 7}), *between,
        (step_at("far0", "far", 99_000), {"x": 7}, {}),
    )  # fmt: skip
    [link] = origins_of_inputs(run, run.steps.by_id["far0"])
    assert link.certain and link.source.step is run.steps.by_id["a0"] and link.value == 7
    assert run.truncated
    run.truncated = False
    [use] = uses_of_outputs(run, run.steps.by_id["a0"])
    assert use.user is run.steps.by_id["far0"] and use.link.certain
    assert run.truncated  # others may have used it
    short = run_of_graph(
        nodes, *[(step_at(f"s{n}", "other", n * 10), {}, {}) for n in range(MAX_AFTER)]
    )
    assert uses_of_outputs(short, short.steps.by_id["s0"]) == [] and not short.truncated


def test_chunks_in_the_context_and_the_answer_of_the_run() -> None:
    nodes = {
        "find": ("knowledge-retrieval", {"query_variable_selector": ["sys", "query"]}),
        "say": ("llm", {"context": {"enabled": True, "variable_selector": ["find", "result"]}}),
        "end": ("end", {"outputs": [{"variable": "ok", "value_selector": ["say", "ok"]}]}),
    }
    chunks = ["Ear pads are spare parts.", "They come off with a slight turn."]
    run = run_of_graph(
        nodes,
        (
            step_at("s0", "find", 0),
            {"query": "pads?"},
            {"result": [{"content": c} for c in chunks]},
        ),
        (step_at("s1", "say", 10), {"#context#": "\n".join(chunks)}, {"ok": True}),
        (step_at("s2", "end", 20), {"ok": True}, {"ok": True}),
        run_values=RunValues(outputs="s2-out"),
    )
    assert certain_links(run, "s1") == [
        ("inputs/#context#", "s0", f"/result/{n}/content", "inserted") for n in (0, 1)
    ]
    [use] = uses_of_outputs(run, run.steps.by_id["s2"])
    assert (use.user, use.link.path, use.link.certain) == (None, ("ok",), True)


# -- iterations and loops --


def test_what_a_loop_gives_out_and_what_ended_it() -> None:
    nodes = {
        "loop": ("loop", {"loop_variables": [{"label": "n", "value_type": "constant", "value": 0}],
                          "break_conditions": [{"variable_selector": ["inner", "ok"]}]}),
        "inner": ("code", {}),
        "set": ("assigner", {"items": [{"variable_selector": ["loop", "n"], "operation": "+=",
                                        "input_type": "constant", "value": 1}]}),
    }  # fmt: skip
    container = LineageStep("l", node_id="loop", start=1, end=99)
    steps: list[tuple[Any, ...]] = [(container, {"n": 0}, {"n": 2, "loop_round": 2})]
    for number in range(2):
        inside: dict[str, Any] = {"parent_id": "l", "iteration": str(number)}
        steps += [
            (
                step_at(f"inner{number}", "inner", number * 40 + 2, **inside),
                {},
                {"ok": number == 1},
            ),
            (step_at(f"set{number}", "set", number * 40 + 12, **inside), {}, {}, {"n": number + 1}),
        ]
    run = run_of_graph(nodes, *steps)
    assert certain_links(run, "l") == []
    made = {
        to_pointer(link.path or ()): (link.source.step and link.source.step.id, link.change)
        for link in origins_of_outputs(run, container)
        if link.certain
    }
    assert made == {"/n": ("set1", "same"), "/loop_round": ("inner1", "")}
    [use] = uses_of_outputs(run, run.steps.by_id["inner1"])
    assert (use.user, use.link.certain) == (container, True)


def test_all_items_of_a_long_iteration_have_links() -> None:
    nodes = {"it": ("iteration", {"output_selector": ["c", "r"]}), "c": ("code", {})}
    container = LineageStep("l", node_id="it", start=1, end=99_999)
    steps = [
        (step_at(f"c{n}", "c", n * 10 + 2, parent_id="l", iteration=str(n)), None, {"r": n})
        for n in range(700)
    ]
    run = run_of_graph(nodes, (container, {}, {"output": list(range(700))}), *steps)
    hops = trace_back(run, container, "outputs", ("output", 3))
    assert [source_id(hop.source) for hop in hops] == ["l", "c3"]


def test_iterations_at_the_same_time_do_not_see_what_the_others_write() -> None:
    nodes = {"it": ("iteration", {}), "set": ("assigner", SET),
             "get": ("code", {"variables": [{"variable": "x", "value_selector": LANGUAGE}]}),
             }  # fmt: skip
    inside: list[dict[str, Any]] = [
        {"parent_id": "l", "iteration": str(number)} for number in range(3)
    ]
    run = run_of_graph(
        nodes,
        (LineageStep("l", node_id="it", start=1, end=99), {}, {}),
        (step_at("set0", "set", 2, **inside[0]), {}, {}, wrote(language="de")),
        (step_at("set1", "set", 3, **inside[1]), {}, {}, wrote(language="fr")),
        (step_at("get0", "get", 22, **inside[0]), {"x": "de"}, {}),
        (step_at("get2", "get", 32, **inside[2]), {"x": "fr"}, {}),
    )
    assert certain_sources(run, "get0") == ["set0"]
    assert certain_sources(run, "get2") == ["set1"]
