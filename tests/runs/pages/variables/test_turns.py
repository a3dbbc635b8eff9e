"""Conversation and loop variables over the turns and iterations that wrote them."""

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
from tests.runs.pages.lineage.dify_runs import (
    assigner_log,
    get_json,
    graph,
    lineage_json,
    times_at,
    variables_json,
)


@pytest.fixture
def talk() -> Callable[..., Run]:
    app = make_app("chat", mode="chatflow")
    version = make_version(app, graph=graph(("say", {"type": "llm", "prompt_template": [
        {"role": "user", "text": "{{#conversation.language#}}"}]})),
        configuration={"conversation_variables": [
            {"name": "language", "type": "string", "value": "en"}]})  # fmt: skip
    conversation = make_conversation(app)

    def turn(number: int, **assigned: Any) -> Run:
        run = make_run(app, conversation=conversation, source_kind="dify-db", version=version)
        run.started_at += timedelta(seconds=number)
        run.steps = assigned.pop("steps", 1)
        run.save()
        if assigned:
            make_execution(run, "Remember", kind="assigner", process_data=assigner_log(**assigned))
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
    say = make_execution(last, "say", inputs={"#conversation.language#": "de"}, **times_at(last, 0))
    language = variables_json(console, last)["conversation.language"]
    assert (language["value"], language["written_in_run"]) == ("de", str(first.id))
    [link] = lineage_json(console, say)["came_from"]
    assert (link["other"]["form"], link["preview"]) == ("conversation", "de")  # not as declared
    monkeypatch.setattr(turns, "TURNS", 3)
    page = reverse("run-variables", args=[last.id])
    assert "Earlier turns were not read" in text_of(check_view(console, page))
    assert get_json(console, "run-variables-json", last.id)["older_turns_left_out"]
    monkeypatch.setattr(turns, "TURNS", 50)
    monkeypatch.setattr(turns, "MAX_STEPS", 5)
    assert get_json(console, "run-variables-json", last.id)["older_turns_left_out"]
    monkeypatch.setattr(turns, "MAX_STEPS", 9)
    assert not get_json(console, "run-variables-json", last.id)["older_turns_left_out"]


@pytest.mark.django_db
def test_the_newest_write_is_shown_and_a_failed_assigner_wrote_nothing(
    talk: Callable[..., Run], console: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "MAX_ASSIGNERS", 3)
    run = talk(0)
    for number in range(5):
        make_execution(
            run, "Remember", kind="assigner", iteration=str(number), **times_at(run, number),
            process_data=assigner_log(language=f"l{number}"),
        )  # fmt: skip
    make_execution(
        run, "Remember", kind="assigner", status="failed", process_data={}, **times_at(run, 9)
    )
    page = get_json(console, "run-variables-json", run.id)
    [language] = [v for v in page["variables"] if v["name"] == "conversation.language"]
    assert [write["value"] for write in language["writes"]] == ["en", "l2", "l3", "l4"]
    assert page["left_out"] == 2


@pytest.mark.django_db
def test_a_loop_variable_is_listed_once_with_all_that_was_written_to_it(
    talk: Callable[..., Run], console: Client
) -> None:
    talk(0)
    first, run = talk(1), talk(2)
    for turn, values in ((first, [7]), (run, [1, 2])):
        loop = make_execution(
            turn, "Loop", kind="loop", node_id="loop", outputs={"n": values[-1]},
            started_at=turn.started_at, ended_at=turn.started_at + timedelta(seconds=9),
        )  # fmt: skip
        for number, value in enumerate(values):
            written = [{"selector": ["loop", "n"], "new_value": value}]
            make_execution(
                turn, "Set", kind="assigner", process_data={"__updated_variables": written},
                parent_id=loop.id, iteration=str(number), **times_at(turn, number),
            )  # fmt: skip
    listed = variables_json(console, run).items()
    named = [variable for name, variable in listed if name.lower() == "loop.n"]
    assert [[write["value"] for write in variable["writes"]] for variable in named] == [[1, 2, 2]]
