"""Conversation and loop variables over the turns and passes that wrote them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from runs.models import Run
from runs.pages.variables import turns
from tests.factories import make_app, make_conversation, make_execution, make_run, make_version
from tests.pages import check_view, text_of
from tests.runs.pages.lineage.test_dify import at, graph, lineage, told, variables, wrote


@pytest.fixture
def talk() -> Callable[..., Run]:
    app = make_app("chat", mode="chatflow")
    version = make_version(app, graph=graph(("say", {"type": "llm", "prompt_template": [
        {"role": "user", "text": "{{#conversation.language#}}"}]})),
        configuration={"conversation_variables": [
            {"name": "language", "type": "string", "value": "en"}]})  # fmt: skip
    conversation = make_conversation(app)

    def turn(number: int, **told: Any) -> Run:
        run = make_run(app, conversation=conversation, source_kind="dify-db", version=version)
        run.started_at += timedelta(seconds=number)
        run.steps = told.pop("steps", 1)
        run.save()
        if told:
            make_execution(run, "Remember", kind="assigner", process_data=wrote(**told))
        return run

    return turn


@pytest.mark.django_db
def test_what_an_early_turn_wrote_is_still_there(
    talk: Callable[..., Run], console: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = talk(0, language="de")
    for number in range(1, 9):
        talk(number)
    last = talk(9)
    say = make_execution(last, "say", inputs={"#conversation.language#": "de"}, **at(last, 0))
    language = variables(console, last)["conversation.language"]
    assert (language["value"], language["written_in_run"]) == ("de", str(first.id))
    [link] = lineage(console, say)["came_from"]
    assert (link["other"]["form"], link["preview"]) == ("conversation", "de")  # not as declared
    monkeypatch.setattr(turns, "TURNS", 3)
    page = reverse("run-variables", args=[last.id])
    assert "turns further back" in text_of(check_view(console, page))
    assert told(console, "run-variables-json", last.id)["older_turns_left_out"]
    monkeypatch.setattr(turns, "TURNS", 50)
    monkeypatch.setattr(turns, "MAX_STEPS", 5)
    assert told(console, "run-variables-json", last.id)["older_turns_left_out"]
    monkeypatch.setattr(turns, "MAX_STEPS", 9)
    assert not told(console, "run-variables-json", last.id)["older_turns_left_out"]


@pytest.mark.django_db
def test_the_newest_write_is_shown_and_a_failed_one_is_none(
    talk: Callable[..., Run], console: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "MAX_ASSIGNERS", 3)
    run = talk(0)
    for number in range(5):
        make_execution(
            run, "Remember", kind="assigner", iteration=str(number), **at(run, number),
            process_data=wrote(language=f"l{number}"),
        )  # fmt: skip
    make_execution(run, "Remember", kind="assigner", status="failed", process_data={}, **at(run, 9))
    found = told(console, "run-variables-json", run.id)
    [language] = [one for one in found["variables"] if one["name"] == "conversation.language"]
    assert [write["value"] for write in language["writes"]] == ["en", "l2", "l3", "l4"]
    assert found["left_out"] == 2


@pytest.mark.django_db
def test_a_loop_variable_is_one_with_all_that_was_written_to_it(
    talk: Callable[..., Run], console: Client
) -> None:
    talk(0)
    first, run = talk(1), talk(2)
    for of, values in ((first, [7]), (run, [1, 2])):
        loop = make_execution(
            of, "Loop", kind="loop", node_id="loop", outputs={"n": values[-1]},
            started_at=of.started_at, ended_at=of.started_at + timedelta(seconds=9),
        )  # fmt: skip
        for number, value in enumerate(values):
            written = [{"selector": ["loop", "n"], "new_value": value}]
            make_execution(
                of, "Set", kind="assigner", process_data={"__updated_variables": written},
                parent_id=loop.id, iteration=str(number), **at(of, number),
            )  # fmt: skip
    named = [one for name, one in variables(console, run).items() if name.lower() == "loop.n"]
    assert [[write["value"] for write in one["writes"]] for one in named] == [[1, 2, 2]]
