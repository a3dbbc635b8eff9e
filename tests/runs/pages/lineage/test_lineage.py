"""Where values came from, as the pages and their twins show it, for runs that were received."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

from nodes.models import NodeExecution
from runs.models import IngestKey, Run
from runs.pages.lineage import loading
from tests.factories import make_app, make_execution, make_run
from tests.pages import check_view, text_of
from tests.runs.order_desk import KEY, LETTER, record_turn

Get = Callable[..., dict[str, Any]]


@pytest.fixture
def lineage(read_key: str) -> Get:
    """The twin of a step's lineage, or of one value's, read with a key."""

    def get(execution: NodeExecution, path: str = "") -> dict[str, Any]:
        url = reverse("run-lineage-json", args=[execution.run_id, execution.id])
        query = f"?{urlencode({'path': path})}" if path else ""
        response = Client().get(url + query, headers={"x-api-key": read_key})
        assert response.status_code == 200, response.content
        return dict(response.json())

    return get


def step(title: str, **fields: Any) -> NodeExecution:
    return NodeExecution.objects.visible().filter(title=title, **fields).order_by("index")[0]


def sources(links: dict[str, Any]) -> dict[str | None, tuple[Any, ...]]:
    """place → (title or name, place there, change, certain)"""
    return {
        line["place"].get("path"): (
            line["other"].get("title") or line["other"].get("name"),
            line["other"].get("path"),
            line["change"],
            line["certain"],
        )
        for line in links["came_from"]
    }


def users(links: dict[str, Any]) -> set[tuple[Any, ...]]:
    return {
        (line["other"].get("title") or line["other"]["form"], line["place"]["path"],
         line["other"].get("path"), line["certain"])
        for line in links["used_by"]
    }  # fmt: skip


# -- Dify: what its settings say --


@pytest.mark.django_db(transaction=True)
def test_settings_of_dify(ingest_key: str, lineage: Get) -> None:
    record_turn(ingest_key)
    start = lineage(step("Start"))
    assert sources(start)["/inputs/orders"] == ("orders", None, "same", True)
    assert {(name, certain) for name, _, _, certain in users(start)} == {("Find orders", True)}

    came_from = lineage(step("Find orders"))["came_from"]
    assert [(line["other"].get("name") or line["other"]["title"], line["other"]["form"])
            for line in came_from] == [
        ("env.SHOP_URL", "environment"), ("Start", "step"), ("env.SHOP_KEY", "environment"),
    ]  # fmt: skip
    assert all(line["certain"] for line in came_from)

    read = lineage(step("Read orders"))
    assert sources(read) == {"/inputs/body": ("Find orders", "/outputs/body", "same", True)}

    first, second = NodeExecution.objects.filter(title="Write").order_by("index")
    assert sources(lineage(first))["/inputs/#1004.item#"] == (
        "Each order", "/inputs/iterator_selector/0", "same", True,
    )  # fmt: skip
    second_sources = sources(lineage(second))
    assert second_sources["/inputs/#1004.item#"][1] == "/inputs/iterator_selector/1"
    assert second_sources["/inputs/#sys.user_id#"][0] == "sys.user_id"
    assert second_sources["/inputs/#conversation.language#"][0] == "conversation.language"

    letter = sources(lineage(step("Letter")))
    assert letter["/inputs/language"][0] == "Remember"
    assert letter["/inputs/lines"] == ("Each order", "/outputs/output", "same", True)
    assert ("Letter", "/outputs/output", "/inputs/lines", True) in users(
        lineage(step("Each order"))
    )
    answer = sources(lineage(step("Answer")))
    assert answer["/outputs/answer"] == ("Letter", "/outputs/output", "same", True)


@pytest.mark.django_db(transaction=True)
def test_a_value_is_traced_back_and_forward(ingest_key: str, lineage: Get, console: Client) -> None:
    run = record_turn(ingest_key)
    letter = step("Letter")
    trace = lineage(letter, "/inputs/lines/1")
    back = [(line["place"].get("title"), line["place"].get("path")) for line in trace["back"]]
    assert back == [
        ("Letter", "/inputs/lines/1"),
        ("Each order", "/outputs/output/1"),
        ("Write", "/outputs/text"),
    ]
    assert trace["back"][-1]["place"]["iteration"] == [1]
    uses = [(line["place"].get("title"), line["place"]["form"]) for line in trace["forward"]]
    assert ("Answer", "step") in uses and (None, "answer") in uses

    url = reverse("run-lineage", args=[run.id, letter.id])
    page = text_of(check_view(console, f"{url}?path=/inputs/lines/1"))
    assert "Each order" in page and "First seen here" in page and "The run's output" in page
    assert console.get(f"{url}?path=/inputs/nowhere").status_code == 404
    assert "Where the values of Letter came from" in text_of(check_view(console, url))
    assert LETTER.partition("\n")[0] in page


# -- who sends, calls of tools, states --


@pytest.mark.django_db
def test_haystack_senders(record: Callable[..., Any], lineage: Get) -> None:
    record("haystack-native")
    run = Run.objects.order_by("-steps")[0]

    def haystack_step(title: str, **fields: Any) -> NodeExecution:
        return step(title, run=run, **fields)

    assert sources(lineage(haystack_step("retriever")))["/inputs/query"] == (
        "router", "/outputs/general", "same", True,
    )  # fmt: skip
    first, second = (haystack_step("prompt", iteration=number) for number in ("0", "1"))
    assert sources(lineage(first))["/inputs/q"][:3] == ("joiner", "/outputs/value", "same")
    again = lineage(second)["came_from"][0]
    assert again["other"]["iteration"] == [1] and again["certain"]
    back = lineage(haystack_step("llm", iteration="0"), "/inputs/messages/0/content")["back"]
    assert [line["place"].get("title") or line["place"]["form"] for line in back] == [
        "llm", "prompt", "prompt", "joiner", "joiner", "router", "router", "input",
    ]  # fmt: skip
    assert back[2]["change"] == "inserted"


@pytest.mark.django_db
def test_states_of_langgraph(record: Callable[..., Any], lineage: Get) -> None:
    record("langgraph-openinference")
    run = Run.objects.order_by("-steps")[0]
    draft = step("draft", run=run)
    assert sources(lineage(draft))["/inputs/docs/1"][:2] == ("retrieve", "/outputs/docs/0")
    lines = lineage(draft)["came_from"]
    assert [line["other"]["iteration"] for line in lines
            if line["place"]["path"].startswith("/inputs/docs/")] == [[0], [1], [2]]  # fmt: skip
    assert not any(line["certain"] for line in lines)


@pytest.mark.django_db
def test_calls_of_tools(record: Callable[..., Any], lineage: Get) -> None:
    record("vercel-ai-v7")
    run = Run.objects.order_by("-steps")[0]
    refund = lineage(step("issue_refund", run=run))["came_from"][0]
    assert refund["certain"] and refund["other"]["title"] == "chat gpt-4o-mini"
    assert refund["other"]["iteration"] == [1]
    last = lineage(step("chat gpt-4o-mini", run=run, iteration="2"))
    results = [line for line in last["came_from"] if line["other"]["title"] == "issue_refund"]
    assert [line["certain"] for line in results] == [True]
    used = users(lineage(step("issue_refund", run=run)))
    assert {name for name, *_ in used} >= {"chat gpt-4o-mini"}


# -- what is never guessed, and bounds --


@pytest.mark.django_db
@pytest.mark.parametrize(
    "value",
    [7, True, 0.25, "", "yes", "refund", "11111111111111111", {"a": 1, "b": [2, 3]}, [], None],
)
def test_short_and_common_values_give_no_link(value: Any, lineage: Get) -> None:
    run = make_run(make_app(), inputs={"x": value})
    make_execution(run, "First", outputs={"out": value}, **_times(run, 0))
    second = make_execution(run, "Second", inputs={"in": value, "x": value}, **_times(run, 1))
    links = lineage(second)
    assert links["came_from"] == [] and links["used_by"] == []


def _times(run: Run, number: int) -> dict[str, Any]:
    second = (run.ended_at - run.started_at) / 100
    start = run.started_at + second * number
    return {"started_at": start, "ended_at": start + second / 2}


@pytest.mark.django_db
def test_only_what_had_ended_is_an_origin_and_the_newest_is_it(lineage: Get) -> None:
    run = make_run(make_app())
    text = "The lamp has been shipped."
    for number in range(3):
        make_execution(run, f"Give {number}", outputs={"text": text}, **_times(run, number))
    use = make_execution(run, "Use", inputs={"text": text}, **_times(run, 3))
    make_execution(run, "Later", outputs={"text": text}, **_times(run, 4))
    assert sources(lineage(use)) == {
        "/inputs/text": ("Give 2", "/outputs/text", "same", False)
    } or (sources(lineage(use))["/inputs"][0] == "Give 2")
    # Too many gave it out: it is common.
    make_execution(run, "Give 3", outputs={"text": text}, **_times(run, 2))
    assert lineage(use)["came_from"] == []


@pytest.mark.django_db
def test_equal_large_values_are_seen_without_being_loaded(
    lineage: Get, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "MAX_VALUE_BYTES", 1000)
    run = make_run(make_app())
    large = {"text": "a long story, " * 200}
    make_execution(run, "Tell", outputs=large, **_times(run, 0))
    use = make_execution(run, "Hear", inputs=large, **_times(run, 1))
    links = lineage(use)
    assert sources(links)["/inputs"][:2] == ("Tell", "/outputs")
    assert links["left_out"] == 1


@pytest.mark.django_db
def test_queries_do_not_grow_with_the_run(
    console: Client, django_assert_max_num_queries: Any
) -> None:
    run = make_run(make_app())
    steps = [
        make_execution(run, f"Step {number}", inputs={"text": f"What step {number} was told."},
                       outputs={"text": f"What step {number + 1} was told."}, **_times(run, number))
        for number in range(40)
    ]  # fmt: skip
    url = reverse("run-lineage", args=[run.id, steps[20].id])
    with django_assert_max_num_queries(16):
        response = console.get(url)
    assert b"Step 19" in response.content and b"Step 21" in response.content
    with django_assert_max_num_queries(36):
        response = console.get(f"{url}?path=/inputs/text")
    assert b"Step 0" not in response.content and response.status_code == 200


@pytest.mark.django_db
def test_the_panel_and_the_twin_of_the_step(console: Client, record: Callable[..., Any]) -> None:
    record("haystack-native")
    retriever = step("retriever")
    url = reverse("run-execution", args=[retriever.run_id, retriever.id])
    lineage_url = reverse("run-lineage", args=[retriever.run_id, retriever.id])
    panel = console.get(url).content.decode()
    assert f'hx-get="{lineage_url}"' in panel and f'href="{lineage_url}"' in panel
    execution_json = console.get(f"{url.rstrip('/')}.json").json()
    assert execution_json["links"]["came_from"][0]["other"]["title"] == "router"
    assert execution_json["span_links"] == []
    missing = reverse("run-lineage", args=[retriever.run_id, UUID(int=1)])
    assert console.get(missing).status_code == 404


@pytest.mark.django_db
def test_secrets_are_redacted_in_previews(lineage: Get) -> None:
    run = make_run(make_app())
    outputs = {"api_token": "correct horse battery", "text": f"use {KEY} to sign in"}
    make_execution(run, "Give", outputs={**outputs, "n": 1}, **_times(run, 0))
    use = make_execution(run, "Use", inputs=outputs, **_times(run, 1))
    links = lineage(use)
    assert len(links["came_from"]) == 2
    assert "correct horse" not in str(links) and KEY not in str(links)


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["inputs", "/", "//", "/attributes/x", "x" * 5000, "/inputs~2/~"])
def test_odd_paths_are_the_whole_step_or_nothing(path: str, console: Client) -> None:
    run = make_run(make_app())
    execution = make_execution(run, "Use", inputs={"~": 1}, **_times(run, 1))
    url = reverse("run-lineage", args=[run.id, execution.id])
    response = console.get(url, {"path": path})
    assert response.status_code in (200, 404)


@pytest.mark.django_db
def test_a_bound_key_reads_its_own_app_only(console: Client) -> None:
    run = make_run(make_app())
    execution = make_execution(run, "Use", inputs={"a": 1})
    _, secret = IngestKey.create("bound", can_read=True, app=make_app("other"))
    for name, args in (
        ("run-lineage-json", [run.id, execution.id]),
        ("run-variables-json", [run.id]),
    ):
        url = reverse(name, args=args)
        assert Client().get(url, headers={"x-api-key": secret}).status_code == 404
        assert Client().get(url).status_code in (302, 401)
        assert console.get(url).status_code == 200
