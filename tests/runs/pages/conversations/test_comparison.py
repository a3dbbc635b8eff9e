"""Turns of a conversation compared, through their page and their JSON."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from tests.factories import make_app, make_conversation, make_execution, make_run
from tests.pages import check_view, text_of

pytestmark = pytest.mark.django_db


def test_turns_of_a_conversation_side_by_side(console, django_assert_max_num_queries):
    app = make_app("chat", mode="chatflow")
    talk = make_conversation(app)
    runs = []
    turns = [("one", "Search"), ("two", "Refund"), ("three", "Search"), ("four", "Search")]
    for n, (question, title) in enumerate(turns):
        began = timezone.now() - timedelta(minutes=9 - n)
        run = make_run(app, conversation=talk, started_at=began, inputs={"query": question},
                       outputs={"answer": f"re {question}"}, mode="chatflow")  # fmt: skip
        make_execution(run, "Start", kind="start")
        make_execution(run, title, kind="tool")
        runs.append(run)
    url = reverse("conversation-compare", args=[talk.id])
    tree = check_view(console, url)
    columns = tree.findall(".//section[@class='turn-column']")
    assert ["re two" in text_of(element) for element in columns] == [False, True, False, False]
    query = f"{url}?runs={runs[0].id}&runs={runs[1].id},{uuid4()},nonsense"
    tree = check_view(console, query)
    columns = tree.findall(".//section[@class='turn-column']")
    assert len(columns) == 2 and "re one" in text_of(columns[0])
    own = [text_of(element) for element in tree.findall(".//li[@class='own']")]
    assert own == ["Search", "Refund"]
    turns = console.get(query.replace("compare/", "compare.json")).json()["turns"]
    assert [turn["question"] for turn in turns] == ["one", "two"]
    assert [step["title"] for step in turns[1]["way"]] == ["Start", "Refund"]
    with django_assert_max_num_queries(9):
        console.get(url)
    assert f"/conversations/{talk.id}/compare/" in console.get(f"/runs/{run.id}/").content.decode()


def test_turns_of_other_conversations_are_left_out(console):
    app = make_app("chat", mode="chatflow")
    talk, other_talk = make_conversation(app), make_conversation(app, "conversation-2")
    make_run(app, conversation=talk, outputs={"answer": "mine"})
    stranger = make_run(app, conversation=other_talk, outputs={"answer": "not mine"})
    url = f"{reverse('conversation-compare', args=[talk.id])}?runs={stranger.id}"
    text = text_of(check_view(console, url))
    assert "not mine" not in text and "mine" in text
    assert console.get(f"/conversations/{uuid4()}/compare/").status_code == 404
