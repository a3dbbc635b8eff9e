"""The VARIABLES tab and its twin."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

from nodes.models import NodeExecution
from runs.models import Run
from tests.factories import make_app, make_conversation, make_execution, make_run
from tests.pages import check_view, text_of
from tests.runs.order_desk import KEY, LETTER, record_turn

Get = Callable[..., dict[str, Any]]


@pytest.fixture
def variables(read_key: str) -> Get:
    """Variables of a run by name, from the twin, read with a key."""

    def get(run: Run, query: str = "") -> dict[str, Any]:
        url = reverse("run-variables-json", args=[run.id])
        response = Client().get(f"{url}{query}", headers={"x-api-key": read_key})
        assert response.status_code == 200, response.content
        return {variable["name"]: variable for variable in response.json()["variables"]}

    return get


def writers(variable: dict[str, Any]) -> list[str | None]:
    steps = [write["written_by"] for write in variable["writes"]]
    return [step and step["title"] for step in steps]


@pytest.mark.django_db(transaction=True)
def test_variables_of_dify(ingest_key: str, variables: Get, console: Client) -> None:
    run = record_turn(ingest_key)
    by_name = variables(run)
    assert by_name["orders"]["group"] == "input" and by_name["orders"]["value"] == "A-17"
    assert by_name["sys.user_id"]["group"] == "system"
    assert by_name["Letter.output"]["value"] == LETTER
    assert [write["value"] for write in by_name["Write.text"]["writes"]] == [
        "Your lamp is on its way.", "Your chair is on its way.",
    ]  # fmt: skip
    assert [write["written_by"]["iteration"] for write in by_name["Write.text"]["writes"]] == [
        [0],
        [1],
    ]
    assert "Start.orders" not in by_name  # it only passes on what the run was given

    language = by_name["conversation.language"]
    assert [write["value"] for write in language["writes"]] == ["en", "de"]
    assert writers(language) == [None, "Remember"]
    assert by_name["env.SHOP_URL"]["value"] == "https://shop.example.com"
    for name in ("env.SHOP_KEY", "conversation.api_token", "Read orders.token"):
        assert by_name[name]["masked"] and KEY not in str(by_name[name]), name

    page = text_of(check_view(console, reverse("run-variables", args=[run.id])))
    assert "conversation.language" in page and "masked" in page
    assert KEY not in page


@pytest.mark.django_db(transaction=True)
def test_as_of_a_step_and_by_name_and_text(
    ingest_key: str, variables: Get, console: Client
) -> None:
    run = record_turn(ingest_key)
    read = NodeExecution.objects.get(title="Read orders")
    then = variables(run, f"?after={read.id}")
    assert "Write.text" not in then and "Letter.output" not in then
    assert then["conversation.language"]["value"] == "en"
    assert "Read orders.orders" in then
    url = reverse("run-variables", args=[run.id])
    page = console.get(f"{url}?after={read.id}").content.decode()
    assert "As of the end of" in page and 'rel="next"' in page
    assert console.get(f"{url}?after={UUID(int=7)}").status_code == 404
    assert console.get(f"{url}?after=nonsense").status_code == 404

    assert set(variables(run, "?q=LAMP is")) == {
        "Write.text", "Each order.output", "Letter.output", "Answer.answer",
    }  # fmt: skip
    assert set(variables(run, "?q=language")) == {"conversation.language"}
    assert variables(run, f"?q={KEY}") == {}
    assert "No such variable" in console.get(f"{url}?q=nowhere").content.decode()


@pytest.mark.django_db
def test_conversation_variables_over_the_turns(variables: Get, console: Client) -> None:
    app = make_app("chat", mode="chatflow")
    talk = make_conversation(app)
    turns = []
    for number, value in enumerate(["en", "de", "zh"]):
        run = make_run(app, conversation=talk, source_kind="dify-events")
        run.started_at += timedelta(seconds=number)
        run.save()
        written = [{"selector": ["conversation", "language"], "new_value": value}]
        make_execution(run, "Remember", kind="assigner", outputs={"updated_variables": written})
        turns.append(run)
    language = variables(turns[1])["conversation.language"]
    assert [write["value"] for write in language["writes"]] == ["en", "de"]
    assert [write["written_in_run"] for write in language["writes"]] == [str(turns[0].id), None]
    page = console.get(reverse("run-variables", args=[turns[2].id])).content.decode()
    assert f'href="{turns[0].get_absolute_url()}"' in page and "an earlier turn" in page


@pytest.mark.django_db
def test_the_state_of_langgraph(record: Callable[..., Any], variables: Get) -> None:
    record("langgraph-openinference")
    run = Run.objects.order_by("-steps")[0]
    listed = variables(run).items()
    states = {name: variable for name, variable in listed if variable["group"] == "state"}
    assert {"docs", "draft", "category"} <= set(states)
    assert writers(states["docs"])[-3:] == ["retrieve"] * 3
    assert [write["written_by"]["iteration"] for write in states["docs"]["writes"][-3:]] == [
        [0], [1], [2],
    ]  # fmt: skip
    assert len(states["draft"]["writes"]) > 1


@pytest.mark.django_db
def test_other_producers_by_the_title_of_the_step(
    record: Callable[..., Any], variables: Get
) -> None:
    record("haystack-native")
    by_name = variables(Run.objects.order_by("-steps")[0])
    assert by_name["joiner.value"]["value"] == "too short, try again"
    assert by_name["joiner.value"]["writes"][0]["value"] == "when do you open?"
    assert not any(variable["group"] == "state" for variable in by_name.values())


@pytest.mark.django_db
def test_writes_of_many_iterations_are_bounded(
    variables: Get, console: Client, django_assert_max_num_queries: Any
) -> None:
    run = make_run(make_app())
    for number in range(130):
        time = run.started_at + timedelta(milliseconds=number)
        make_execution(
            run,
            "Work",
            outputs={"n": number},
            iteration=str(number),
            started_at=time,
            ended_at=time,
        )
    work = variables(run)["Work.n"]
    assert (work["value"], len(work["writes"]), work["earlier_writes"]) == (129, 5, 125)
    [alone] = variables(run, "?name=work.n").values()
    assert (len(alone["writes"]), alone["earlier_writes"]) == (100, 30)
    url = reverse("run-variables", args=[run.id])
    with django_assert_max_num_queries(16):
        page = console.get(url).content.decode()
    assert "4 earlier values" in page and "and 125 more" in page and "?name=work.n" in page


@pytest.mark.django_db
def test_many_nodes_come_page_by_page(variables: Get, console: Client) -> None:
    run = make_run(make_app())
    for number in range(70):
        time = run.started_at + timedelta(milliseconds=number)
        make_execution(run, f"Step {number}", outputs=f"v{number}", started_at=time, ended_at=time)
    assert len(variables(run)) == 60
    assert set(variables(run, "?from=60")) == {f"Step {number}" for number in range(60, 70)}
    page = console.get(reverse("run-variables", args=[run.id])).content.decode()
    assert "?from=60" in page


@pytest.mark.django_db
def test_a_run_without_variables_says_so(console: Client) -> None:
    run = make_run(make_app())
    url = reverse("run-variables", args=[run.id])
    assert "No variables" in text_of(check_view(console, url))
    assert "Variables" in console.get(reverse("run-tracing", args=[run.id])).content.decode()


@pytest.mark.django_db
def test_strange_values(variables: Get, console: Client) -> None:
    deep: Any = "x"
    for _ in range(200):
        deep = [deep]
    run = make_run(make_app(), inputs={"<b>name</b>": "\u202eevil", "deep": deep, "n": None})
    make_execution(run, "دور", outputs={"مفتاح": "قيمة", "password": {"a": "hunter2", "n": 3}})
    by_name = variables(run)
    assert by_name["deep"]["left_out"] and by_name["n"]["value"] is None
    assert by_name["دور.password"]["masked"] and "hunter2" not in str(by_name)
    page = check_view(console, reverse("run-variables", args=[run.id]))
    assert "قيمة" in text_of(page)
    assert (
        console.get(f"{reverse('run-variables', args=[run.id])}?q={quote('٪<')}").status_code == 200
    )


@pytest.mark.django_db(transaction=True)
def test_from_a_variable_in_lineage_to_its_values(ingest_key: str, console: Client) -> None:
    run = record_turn(ingest_key)
    write = NodeExecution.objects.filter(title="Write").order_by("index")[0]
    page = console.get(reverse("run-lineage", args=[run.id, write.id])).content.decode()
    url = reverse("run-variables", args=[run.id])
    assert f'href="{url}?q=conversation.language"' in page
