"""Lineage of Dify's runs, as pages and twins show it: assigners, secrets, and runs so long that not
all of them is looked at."""

import pytest
from django.test import Client
from django.urls import reverse

from nodes.lineage.run_index import MAX_AFTER
from nodes.models import NodeExecution
from tests.factories import (
    make_app,
    make_execution,
    make_run,
    make_version,
)
from tests.pages import check_view, text_of
from tests.runs.order_desk import KEY, record_turn
from tests.runs.pages.lineage.dify_runs import (
    assigner_log,
    get_json,
    graph,
    lineage_json,
    times_at,
    variables_json,
)

PASSWORD = "correct horse battery"


@pytest.mark.django_db(transaction=True)
def test_from_a_variable_to_the_step_that_wrote_it_and_why(
    ingest_key: str, console: Client
) -> None:
    run = record_turn(ingest_key)
    remember = NodeExecution.objects.get(title="Remember")
    [token] = lineage_json(console, remember)["came_from"]
    assert token["place"]["path"] == "/process_data/__updated_variables/1/new_value"
    assert (token["other"]["title"], token["other"]["path"]) == ("Read orders", "/outputs/token")
    assert token["certain"] and KEY not in str(token)
    users = {line["other"]["title"] for line in lineage_json(console, remember)["used_by"]}
    assert users == {"Letter"}

    page = check_view(console, reverse("run-variables", args=[run.id]))
    links = [
        link.get("href") for link in page.findall(".//td[@class='writer']/a") if "path=" in
        link.get("href")
    ]  # fmt: skip
    [language] = [href for href in links if "process_data%2Flanguage" in href]
    assert "Remember" in text_of(check_view(console, language))


@pytest.mark.django_db
def test_a_prompt_that_dify_logs_beside_the_inputs(console: Client) -> None:
    app = make_app("chat", mode="workflow")
    version = make_version(app, graph=graph(
        ("ask", {"type": "code"}),
        ("say", {"type": "llm", "prompt_template": [{"role": "user", "text": "{{#ask.q#}}!"}]}),
    ))  # fmt: skip
    run = make_run(app, version=version, source_kind="dify-db", inputs={"q": "hi"})
    make_execution(run, "ask", kind="code", outputs={"q": "hello"}, **times_at(run, 0))
    prompts = {"prompts": [{"role": "user", "text": "hello!"}]}
    say = make_execution(run, "say", inputs={}, process_data=prompts, **times_at(run, 1))
    [link] = lineage_json(console, say)["came_from"]
    assert link["place"]["path"] == "/process_data/prompts/0/text"
    assert (link["other"]["title"], link["change"], link["certain"]) == ("ask", "inserted", True)
    back = lineage_json(console, say, link["place"]["path"])["back"]
    assert [line["place"].get("title") for line in back] == ["say", "ask"]
    url = reverse("run-lineage", args=[run.id, say.id]) + "?path=/process_data/prompts/9"
    assert console.get(url).status_code == 404


@pytest.mark.django_db
def test_variables_with_secret_names_are_redacted_wherever_they_are_shown(console: Client) -> None:
    app = make_app("chat", mode="chatflow")
    declared = [{"name": "SHOP_PASSWORD", "type": "string", "value": PASSWORD},
                {"name": "PIN_SECRET", "type": "number", "value": 13579},
                {"name": "limits", "type": "object", "value": {"session_token": PASSWORD}},
                ]  # fmt: skip
    used = {"type": "http-request", "url": "u", "headers":
            "A: {{#env.SHOP_PASSWORD#}}\nB: {{#env.PIN_SECRET#}}\nC: {{#env.limits#}}"}  # fmt: skip
    made = {"type": "template-transform", "variables": [
        {"variable": "x", "value_selector": ["env", "SHOP_PASSWORD"]}]}  # fmt: skip
    version = make_version(app, graph=graph(("call", used), ("make", made)),
                           configuration={"environment_variables": declared})  # fmt: skip
    run = make_run(app, version=version, source_kind="dify-db")
    call = make_execution(run, "call", kind="http-request", inputs={}, **times_at(run, 0))
    make = make_execution(
        run, "make", kind="template-transform", inputs={"x": PASSWORD}, **times_at(run, 1)
    )
    of_call, of_make = lineage_json(console, call), lineage_json(console, make)
    assert [line["other"]["name"] for line in of_call["came_from"]] == [
        "env.SHOP_PASSWORD", "env.PIN_SECRET", "env.limits",
    ]  # fmt: skip
    assert of_make["came_from"][0]["preview"] == "••••••"
    page_texts = [text_of(check_view(console, reverse("run-variables", args=[run.id])))]
    for text in [str(of_call), str(of_make), str(variables_json(console, run)), *page_texts]:
        assert PASSWORD not in text and "13579" not in text


@pytest.mark.django_db
def test_what_is_written_to_a_secret_variable_is_redacted(console: Client) -> None:
    item = {"variable_selector": ["conversation", "password"], "operation": "over-write",
            "input_type": "variable", "value": ["give", "x"]}  # fmt: skip
    use = {"type": "code", "variables": [{"variable": "y", "value_selector":
                                          ["conversation", "password"]}]}  # fmt: skip
    version = make_version(make_app(), graph=graph(
        ("give", {"type": "code"}), ("keep", {"type": "assigner", "items": [item]}), ("use", use),
    ))  # fmt: skip
    run = make_run(make_app(), version=version, source_kind="dify-db")
    give = make_execution(run, "give", kind="code", outputs={"x": PASSWORD}, **times_at(run, 0))
    log = assigner_log(password=PASSWORD)
    del log["password"]  # as the first form of the node has it
    keep = make_execution(run, "keep", kind="assigner", process_data=log, **times_at(run, 1))
    use_it = make_execution(run, "use", kind="code", inputs={"y": PASSWORD}, **times_at(run, 2))
    for step, count in ((give, 1), (keep, 2), (use_it, 1)):
        links = lineage_json(console, step)
        assert len(links["came_from"] + links["used_by"]) == count and PASSWORD not in str(links)
    for step, path in ((give, "/outputs/x"), (use_it, "/inputs/y")):
        trace = lineage_json(console, step, path)
        assert len(trace["back"] + trace["forward"]) == 3 and PASSWORD not in str(trace)
    page = check_view(console, reverse("run-lineage", args=[run.id, keep.id]))
    assert "conversation.password" in text_of(page) and PASSWORD not in text_of(page)


@pytest.mark.django_db
def test_a_preview_that_is_cut_within_a_secret_shows_none_of_it(console: Client) -> None:
    run = make_run(make_app())
    text = f'{"so it goes, " * 11}"password": "{PASSWORD}-{"x" * 90}"'
    make_execution(run, "Give", outputs={"text": text}, **times_at(run, 0))
    use = make_execution(run, "Use", inputs={"text": text}, **times_at(run, 1))
    [link] = lineage_json(console, use)["came_from"]
    assert link["preview"].startswith("so it goes") and "correct" not in link["preview"]


# -- long runs --


@pytest.mark.django_db
def test_a_long_run_says_that_not_all_of_it_was_looked_at(console: Client) -> None:
    run = make_run(make_app())
    give = make_execution(
        run, "Give", outputs={"text": "The lamp is on its way."}, **times_at(run, 0)
    )
    for number in range(MAX_AFTER):
        make_execution(run, f"Step {number}", **times_at(run, number + 1))
    url = reverse("run-lineage", args=[run.id, give.id])
    words = "Not everything was searched"
    assert not lineage_json(console, give)["stopped"]
    assert words not in text_of(check_view(console, url))
    make_execution(run, "Use", inputs={"text": "The lamp is on its way."}, **times_at(run, 99))
    assert lineage_json(console, give)["used_by"] == [] and lineage_json(console, give)["stopped"]
    assert words in text_of(check_view(console, url))
    panel = get_json(console, "run-execution-json", run.id, give.id)
    assert panel["links"]["stopped"] and panel["links"]["left_out"] == 0
