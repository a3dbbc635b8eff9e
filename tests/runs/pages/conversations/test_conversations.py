"""Conversations: the log of an app, one turn by turn, their JSON."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.utils import timezone

from runs.models import Note, Run
from tests.factories import make_app, make_conversation, make_run
from tests.pages import check_page, check_view, text_of

HOSTILE = "<script>alert(1)</script></textarea>\u202e"


@pytest.fixture
def talk(db):
    """A conversation of three turns, the last one failed."""
    app = make_app("help-desk", mode="chatflow")
    conversation = make_conversation(app, "thread-1", user="u-1")
    began = timezone.now() - timedelta(hours=1)
    for n, (question, answer) in enumerate([("first", "one"), ("second", "two"), ("third", "")]):
        make_run(
            app, conversation=conversation, started_at=began + timedelta(minutes=n),
            inputs={"query": f"{question} question"}, inputs_preview=f"{question} question",
            outputs={"answer": answer} if answer else {}, outputs_preview=answer,
            status="succeeded" if answer else "failed", error="" if answer else "timed out",
        )  # fmt: skip
    return conversation


def test_log_page_fragment_and_restore(console, talk):
    text = text_of(check_view(console, "/apps/help-desk/conversations/"))
    assert "first question" in text and "Failed" in text


def test_turns_in_order_each_with_its_run(console, talk):
    tree = check_view(console, talk.get_absolute_url())
    text = text_of(tree)
    assert text.index("first question") < text.index("two") < text.index("third question")
    assert "timed out" in text
    links = [link.get("href") for link in tree.findall(".//td[@class='turn-run']/a")]
    assert links == [run.get_absolute_url() for run in talk.runs.order_by("started_at")]


def test_a_turn_has_the_whole_text_not_its_preview(console, talk):
    make_run(talk.app, conversation=talk, inputs="line one\nline two " + "x" * 500,
             inputs_preview="line one")  # fmt: skip
    assert "x" * 500 in console.get(talk.get_absolute_url()).content.decode()


def test_a_turn_as_messages_shows_the_last_words(console, talk):
    messages = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello " * 300}]
    make_run(talk.app, conversation=talk, outputs={"messages": messages}, outputs_preview="hello …")
    assert ("hello " * 300).strip() in console.get(talk.get_absolute_url()).content.decode()


def test_a_turn_that_is_too_long_says_so(console, talk):
    make_run(talk.app, conversation=talk, inputs="y" * 1_000_000, inputs_preview="yyy…")
    body = console.get(talk.get_absolute_url()).content.decode()
    assert "yyy…" in body and "in full in the run" in body and len(body) < 100_000


def test_a_run_leads_to_its_turn(console, talk):
    began = timezone.now()
    made = [
        make_run(talk.app, conversation=talk, started_at=began + timedelta(minutes=n))
        for n in range(60)
    ]
    for run in (talk.runs.order_by("started_at").first(), made[3], made[40], made[59]):
        number = 1 if run not in made else made.index(run) + 4
        page = check_page(console.get(f"/runs/{run.pk}/detail/").content.decode())
        links = {a.get("href") for a in page.iter("a") if "/conversations/" in a.get("href", "")}
        [address] = {link for link in links if "turn=" in link}
        assert address.endswith(f"#turn-{run.pk}")
        tree = check_page(console.get(address.partition("#")[0]).content.decode())
        [turn] = tree.findall(f".//tr[@id='turn-{run.pk}']")
        assert f"of turn {number}" in text_of(turn)
        rows = [row.get("id") for row in tree.findall(".//tr[@class='turn']")]
        assert rows.index(f"turn-{run.pk}") <= 5
        assert not [a for a in tree.iter("a") if "turn=" in a.get("href", "") and a.get("data-key")]
    for turn in ("x", made[0].app.pk, make_run().pk):
        page = console.get(f"{talk.get_absolute_url()}?turn={turn}")
        assert "first question" in page.content.decode()


def test_queries_do_not_grow(console, talk, django_assert_max_num_queries):
    for n in range(20):
        make_run(talk.app, conversation=talk, inputs=f"q{n}", outputs=f"a{n}")
        make_conversation(talk.app, f"more-{n}")
    with django_assert_max_num_queries(7):
        console.get(talk.get_absolute_url())
    with django_assert_max_num_queries(5):
        console.get("/apps/help-desk/conversations/")


def test_log_pages_by_keyset(console, talk):
    for n in range(60):
        make_conversation(talk.app, f"more-{n}")
    answer = console.get("/apps/help-desk/conversations.json").json()
    assert len(answer["conversations"]) == 50
    rest = console.get(answer["next"].removeprefix("http://testserver")).json()
    assert len(rest["conversations"]) == 11 and rest["next"] is None
    ids = {row["id"] for row in answer["conversations"] + rest["conversations"]}
    assert len(ids) == 61


@pytest.mark.parametrize("suffix", ["/", ".json"])
def test_unknown_conversations_and_bad_cursors(console, talk, suffix):
    assert console.get(f"/conversations/{uuid4()}{suffix}").status_code == 404
    bad = console.get(f"/conversations/{talk.pk}{suffix}?after=x")
    assert bad.status_code == (400 if suffix == ".json" else 200)
    assert b"is not a position in this list" in bad.content


def test_hostile_content_is_escaped(console, talk):
    make_run(talk.app, conversation=talk, inputs=HOSTILE, outputs={"answer": HOSTILE},
             error=HOSTILE, status="failed", failed_title=HOSTILE)  # fmt: skip
    check_view(console, talk.get_absolute_url())


def test_an_app_without_conversations(console):
    make_app("chat", mode="chatflow")
    assert "No conversations yet" in text_of(check_view(console, "/apps/chat/conversations/"))


def test_json(console, talk):
    answer = console.get(f"/conversations/{talk.pk}.json").json()
    assert answer["source_id"] == "thread-1" and answer["turns"] == 3 and answer["failures"] == 1
    assert [run["input_preview"] for run in answer["runs"]] == [
        "first question", "second question", "third question",
    ]  # fmt: skip
    assert all(run["conversation"]["id"] == answer["id"] for run in answer["runs"])


def test_tab_shows_where_there_are_conversations(console, talk):
    make_app("plain")
    page = check_page(console.get("/apps/help-desk/").content.decode())
    assert "Conversations" in text_of(page)
    assert "Conversations" not in text_of(check_page(console.get("/apps/plain/").content.decode()))


def test_conversations_are_narrowed_and_show_what_they_came_to(console):
    app = make_app("narrow", mode="chatflow")
    for n, (user, status) in enumerate((("anna", "succeeded"), ("bert", "failed"))):
        talk = make_conversation(app, f"talk-{n}", user=user)
        make_run(app, conversation=talk, status=status, total_tokens=5, outputs="first",
                 cost="0.25", cost_currency="USD", outputs_preview="first",
                 started_at=timezone.now() - timedelta(hours=1))  # fmt: skip
        last = make_run(app, conversation=talk, total_tokens=7, cost="0.5", cost_currency="USD",
                        outputs_preview=f"bye {user}")  # fmt: skip
        Note.objects.create(run=last, name="thumbs", number=1 - 2 * n, source="person")

    def listed(query=""):
        rows = console.get(f"/apps/narrow/conversations.json{query}").json()["conversations"]
        return {row["user"]: row for row in rows}

    anna = listed()["anna"]
    assert (anna["tokens"], anna["last_answer"]) == (12, "bye anna")
    assert (Decimal(anna["cost"]["amount"]), anna["cost"]["currency"]) == (Decimal("0.75"), "USD")
    for query, users in (
        ("?user=NN", "anna"),
        ("?failed=on", "bert"),
        ("?thumb=up", "anna"),
        ("?thumb=down&user=bert", "bert"),
        ("?thumb=up&failed=on", ""),
    ):
        assert ",".join(listed(query)) == users
    text = text_of(check_view(console, "/apps/narrow/conversations/?thumb=down"))
    assert "→ bye bert" in text and "anna" not in text
    assert "No such conversation" in text_of(
        check_view(console, "/apps/narrow/conversations/?user=x")
    )
    Run.objects.filter(conversation__user="anna", total_tokens=5).update(cost_currency="CNY")
    assert listed()["anna"]["cost"] is None
    for wrong in ("?thumb=sideways", "?user=%00", f"?user={'x' * 201}"):
        assert console.get(f"/apps/narrow/conversations.json{wrong}").status_code == 400
