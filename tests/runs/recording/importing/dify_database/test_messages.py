"""What an import of Dify's PostgreSQL makes of messages, agents, feedback and annotations."""

from collections.abc import Callable

import pytest

from nodes.models import NodeExecution
from runs.models import Conversation, Note, Run
from tests.runs.recording.importing.dify_database.dify_rows import imported, step, titled, tree
from tests.runs.recording.importing.dify_database.dify_tables import DifyTables, at, uid
from tests.runs.recording.snapshot import snapshot

pytestmark = pytest.mark.django_db
Make = Callable[..., DifyTables]


def test_a_chatflow_with_feedback_and_annotation(dify: Make) -> None:
    db = dify()
    db.people()
    app = db.app("Help", "advanced-chat")
    talk = db.put("conversations", id=uid("talk"), app_id=app, name="My parcel",
                  created_at=at(0), updated_at=at(0))  # fmt: skip
    for n in range(2):
        run = db.run(app, f"turn {n}", n * 60, type="chat", outputs={"answer": "On its way."})
        titled(db, run, 1, "1", "start", n * 60)
        titled(db, run, 2, "7", "answer", n * 60 + 1, outputs={"answer": "On its way."})
        db.message(app, talk, f"turn {n}", n * 60, workflow_run_id=run, app_mode="advanced-chat")
    message = uid("message turn 1")
    feedback = db.put(
        "message_feedbacks",
        id=uid("f"),
        app_id=app,
        message_id=message,
        rating="dislike",
        content="too short",
        from_source="user",
        from_end_user_id=uid("user"),
        created_at=at(70),
        updated_at=at(70),
    )
    db.put("message_annotations", id=uid("a"), app_id=app, message_id=message, question="Where?",
           content="It is in Basel.", account_id=uid("account"), created_at=at(80),
           updated_at=at(80))  # fmt: skip
    imported(db)
    [conversation] = Conversation.objects.all()
    assert (conversation.title, conversation.user) == ("My parcel", "session-7")
    assert conversation.runs.count() == 2
    [run] = Run.objects.with_source_id(message)
    assert run == Run.objects.with_source_id(uid("run turn 1")).get()
    assert (run.mode, run.status, run.app.mode) == ("chatflow", "succeeded", "chatflow")
    assert [row[2] for row in tree(run)] == ["Start", "Output"]
    notes = {note.source: note for note in Note.objects.on_run(run)}
    thumb = notes["dify-feedback"]
    assert (thumb.name, thumb.number, thumb.label, thumb.text, thumb.author) == (
        "thumbs", -1.0, "dislike", "too short", "session-7",
    )  # fmt: skip
    assert (notes["dify-annotation"].text, notes["dify-annotation"].author) == (
        "It is in Basel.", "The operator",
    )  # fmt: skip
    before = snapshot()
    imported(db)
    assert snapshot() == before
    db.change("message_feedbacks", feedback, rating="like", updated_at=at(90))
    db.change("conversations", talk, name="Parcel to Basel", updated_at=at(10**7))
    imported(db, "--since", "2026-01-01")
    assert Note.objects.get(source="dify-feedback").label == "like"
    assert Note.objects.count() == 2
    assert Conversation.objects.get().title == "Parcel to Basel"


def test_an_agent_and_a_chat_have_messages_only(dify: Make) -> None:
    db = dify("old")
    db.people()
    agent, chat = db.app("Agent", "agent-chat"), db.app("Chat", "chat")
    talk = db.put("conversations", id=uid("t"), app_id=agent, name="T", created_at=at(0))
    agent_message = db.message(agent, talk, "a", agent_based=True)
    for n, tool in enumerate(["search", None], 1):
        db.put("message_agent_thoughts", id=uid(f"th{n}"), message_id=agent_message, position=n,
               thought="I must look." if tool else "", tool=tool,
               tool_input='{"search": {"q": "x"}}' if tool else "",
               observation='{"search": "found"}' if tool else "", answer="" if tool else "It is.",
               message_token=3, answer_token=1, latency=0.5, created_at=at(n / 2))  # fmt: skip
    chat_message = db.message(chat, uid("t2"), "c", error="quota", status="error", answer="")
    imported(db)
    run = Run.objects.with_source_id(agent_message).get()
    assert (run.app.name, run.mode, run.status, run.user) == (
        "Agent", "chatflow", "succeeded", "session-7",
    )  # fmt: skip
    assert (run.inputs_preview, run.outputs_preview) == ("Where is it?", "On its way.")
    assert (run.total_tokens, run.tool_calls) == (8, 1)
    assert [row[:3] for row in tree(run)] == [
        (0, "agent", "Agent"), (1, "tool", "search"), (1, "task", "Thought 2"),
    ]  # fmt: skip
    tool = step(run, "search")
    assert tool.inputs and tool.inputs.value == {"search": {"q": "x"}}
    assert tool.outputs and tool.outputs.value == {"search": "found"}
    failed = Run.objects.with_source_id(chat_message).get()
    assert (failed.status, failed.error) == ("failed", "quota")
    [call] = NodeExecution.objects.in_run(failed.pk).visible()
    assert (call.kind, call.model, call.total_tokens) == ("llm", "gpt-4o-mini", 7)
