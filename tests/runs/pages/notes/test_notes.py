"""Notes that people make, and the list of all notes."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.utils import timezone

from runs.models import IngestKey, Note
from runs.pages.notes import ownership
from runs.recording.deriving.tree import execution_id
from tests.factories import make_app, make_conversation, make_execution, make_run
from tests.hostile import NASTY
from tests.pages import FRAGMENT, check_fragment, check_page, check_view, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def run():
    run = make_run(inputs="Where is order A-17?", outputs="Lost.")
    make_execution(run, "Answer", id=UUID(execution_id(run.id, "s-1")), source_id="s-1")
    return run


@pytest.fixture
def step(run):
    return run.executions.get()


@pytest.fixture
def colleague(db):
    client = Client()
    client.force_login(get_user_model().objects.create_user("colleague"))
    return client


def post_note(client, run, **fields):
    return client.post(f"/runs/{run.id}/notes/", fields)


def stored_notes():
    fields = ("name", "number", "label", "text", "about_step", "author", "source")
    return sorted(Note.objects.values_list(*fields))


def test_each_field_that_is_filled_is_a_note(console, run):
    answer = post_note(
        console, run, score="0.8", label="wrong shop", tags="refund, to fix ,refund",
        comment="Names\nthe wrong shop.", expected="Found.", back=f"/runs/{run.id}/tracing/",
    )  # fmt: skip
    assert (answer.status_code, answer["Location"]) == (302, f"/runs/{run.id}/tracing/")
    by = ("", "admin", "person")
    assert stored_notes() == [
        ("comment", None, "", "Names\nthe wrong shop.", *by),
        ("expected", None, "", "Found.", *by),
        ("label", None, "wrong shop", "", *by),
        ("score", 0.8, "", "", *by),
        ("tag", None, "refund", "", *by),
        ("tag", None, "to fix", "", *by),
    ]


def test_a_note_sent_twice_is_stored_once(console, run):
    for _ in range(2):
        post_note(console, run, comment="Once.", score="1")
    assert [name for name, *_ in stored_notes()] == ["comment", "score"]


def test_a_thumb_is_added_changed_and_undone(console, run):
    header = check_view(console, f"/runs/{run.id}/detail/").find(".//*[@id='header-notes']")
    assert [b.get("aria-pressed") for b in header.iter("button")] == ["false"] * 3
    post_note(console, run, thumb="up")
    assert [(name, number) for name, number, *_ in stored_notes()] == [("thumbs", 1.0)]
    post_note(console, run, thumb="down")
    assert [(name, number) for name, number, *_ in stored_notes()] == [("thumbs", -1.0)]
    header = check_view(console, f"/runs/{run.id}/").find(".//*[@id='header-notes']")
    assert [b.get("aria-pressed") for b in header.iter("button")] == ["false", "true", "false"]
    post_note(console, run, thumb="down")
    assert stored_notes() == []


def test_a_person_has_a_single_pin_and_expected_output(console, run):
    post_note(console, run, pin="1")
    post_note(console, run, expected="One.")
    post_note(console, run, expected="Two.")
    assert [(name, text) for name, _, _, text, *_ in stored_notes()] == [
        ("expected", "Two."),
        ("pin", ""),
    ]
    assert "Pinned" in text_of(check_view(console, f"/runs/{run.id}/"))
    post_note(console, run, pin="1")
    assert [name for name, *_ in stored_notes()] == ["expected"]


def test_on_a_step_it_is_in_its_panel(console, run, step):
    post_note(console, run, step=step.id, label="late")
    assert stored_notes()[0][4] == "s-1"
    url = f"/runs/{run.id}/tracing/{step.id}/"
    panel = check_view(console, url).find(".//*[@id='step-notes']")
    assert "label late" in text_of(panel)
    region = console.get(f"/runs/{run.id}/notes/?step={step.id}",
                         headers=FRAGMENT | {"HX-Target": "step-notes"})  # fmt: skip
    assert "label late" in text_of(check_fragment(region.content.decode()))


def test_htmx_gets_an_event_that_reloads_the_notes(console, run):
    url = f"/runs/{run.id}/notes/"
    answer = console.post(url, {"thumb": "up"}, headers=FRAGMENT | {"HX-Target": "header-notes"})
    assert answer.status_code == 204 and f"notes-{run.id.hex}" in answer["HX-Trigger"]
    for target in ("header-notes", "notes", f"turn-notes-{run.id.hex}"):
        part = console.get(url, headers=FRAGMENT | {"HX-Target": target})
        tree = check_fragment(part.content.decode())
        assert tree[0].get("id") == target
        assert tree[0].get("hx-trigger").startswith(f"notes-{run.id.hex} ")
    assert console.get(url)["Location"] == f"/runs/{run.id}/detail/#notes"


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "Enter something first"),
        ({"comment": "  \n "}, "Enter something first"),
        ({"tags": " , ,"}, "Enter something first"),
        ({"score": "many"}, "A score must be a number."),
        ({"score": "nan"}, "A score must be a number."),
        ({"score": "1e999"}, "A score must be a number."),
        ({"thumb": "sideways"}, "Thumb"),
        ({"comment": "x" * 100_001}, "100000"),
        ({"tags": ",".join(map(str, range(30)))}, "At most 20 tags"),
        ({"step": "none", "label": "x"}, "not the id of a step"),
    ],
)
def test_a_refused_note_has_a_sentence(console, run, fields, sentence):
    answer = post_note(console, run, **fields)
    assert answer.status_code == 400
    alert = check_page(answer.content.decode()).find(".//p[@role='alert']")
    assert sentence in text_of(alert)
    part = console.post(f"/runs/{run.id}/notes/", fields, headers=FRAGMENT | {"HX-Target": "notes"})
    assert sentence in text_of(check_fragment(part.content.decode()))
    assert stored_notes() == []


def test_what_was_typed_is_kept_when_it_is_refused(console, run):
    page = post_note(console, run, score="many", comment="<b>long</b> words").content.decode()
    assert text_of(check_page(page).find(".//textarea[@name='comment']")) == "<b>long</b> words"


@pytest.mark.parametrize("text", NASTY[3:6] + NASTY[7:15:2], ids=ascii)
def test_hostile_texts_are_stored_and_stay_text(console, run, text):
    post_note(
        console, run, comment=text, label=text[:200], tags=text[:200], expected=text, score="1"
    )
    post_note(console, run, step=run.executions.get().id, comment=text, score="1")
    for url in (f"/runs/{run.id}/detail/", "/notes/"):
        check_view(console, url)
    for note in Note.objects.exclude(name="score"):
        check_page(console.get(f"/notes/{note.id}/").content.decode())
    assert console.get("/notes.ndjson").status_code == console.get("/notes.json").status_code == 200


def test_a_step_of_another_run_is_not_there(console, run):
    other = make_execution(make_run(), "Elsewhere")
    assert post_note(console, run, step=other.id, label="x").status_code == 404


@pytest.mark.parametrize("back", ["//evil.example", "https://evil.example/", "javascript:alert(1)"])
def test_the_return_address_stays_on_this_site(console, run, back):
    assert (
        post_note(console, run, pin="1", back=back)["Location"] == f"/runs/{run.id}/detail/#notes"
    )


def test_people_change_their_own_notes(console, colleague, run):
    post_note(colleague, run, comment="Mine.")
    note = Note.objects.get()
    page = check_view(colleague, f"/runs/{run.id}/detail/")
    assert [a for a in page.iter("a") if a.get("href", "").startswith(f"/notes/{note.id}/")]
    check_page(colleague.get(f"/notes/{note.id}/").content.decode())
    empty = colleague.post(f"/notes/{note.id}/", {"text": " "})
    assert empty.status_code == 400 and "Delete it instead" in empty.content.decode()
    changed = colleague.post(f"/notes/{note.id}/", {"text": "Changed.", "label": "not asked"})
    assert changed["Location"] == f"/runs/{run.id}/detail/#notes"
    assert [(text, label) for _, _, label, text, *_ in stored_notes()] == [("Changed.", "")]
    console.post(f"/notes/{note.id}/", {"text": "By staff."})
    assert stored_notes()[0][3] == "By staff." and stored_notes()[0][5] == "colleague"
    assert colleague.post(f"/notes/{note.id}/delete/").status_code == 302
    again = colleague.post(f"/notes/{note.id}/delete/")
    assert again.status_code == 404 and "may have been deleted" in again.content.decode()


def test_nobody_changes_anothers_or_a_producers(console, colleague, run):
    post_note(console, run, comment="The admin's.")
    Note.objects.create(run=run, name="score", number=1, source="langfuse", author="colleague")
    own, sent = Note.objects.get(source="person"), Note.objects.get(source="langfuse")
    for note, client in ((own, colleague), (sent, colleague), (sent, console)):
        assert client.get(f"/notes/{note.id}/").status_code == 403
        assert client.post(f"/notes/{note.id}/", {"text": "x", "number": "0"}).status_code == 403
        assert client.post(f"/notes/{note.id}/delete/").status_code == 403
    page = colleague.get(f"/runs/{run.id}/detail/").content.decode()
    assert "Delete" not in page and Note.objects.count() == 2


def test_nobody_says_anything_without_sign_in_or_token(admin, client, run):
    assert post_note(client, run, pin="1")["Location"].startswith("/login/")
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(admin)
    assert post_note(strict, run, pin="1").status_code == 403
    assert stored_notes() == []


def test_turns_have_thumbs(console):
    app = make_app("chat", mode="chatflow")
    talk = make_conversation(app)
    turns = [make_run(app, conversation=talk, inputs=f"q{n}") for n in range(3)]
    post_note(console, turns[1], thumb="down")
    post_note(console, turns[1], comment="Rude.")
    page = check_view(console, f"/conversations/{talk.id}/")
    places = [page.find(f".//*[@id='turn-notes-{turn.id.hex}']") for turn in turns]
    pressed = [[button.get("aria-pressed") for button in place.iter("button")] for place in places]
    assert pressed == [["false", "false"], ["false", "true"], ["false", "false"]]
    assert "2 notes" in text_of(page)


def test_rows_of_the_history_are_marked(console, run):
    post_note(console, run, thumb="down")
    post_note(console, run, pin="1")
    post_note(console, run, comment="Rude.")
    make_run()
    page = check_view(console, "/runs/")
    [marks] = page.findall(".//span[@class='run-marks']")
    assert (text_of(marks), marks.get("title")) == ("★ 👎1 ✎1", "pinned, 1 down, notes: 1")


# -- the list of all -------------------------------------------------------------------------------


def noted(run, minutes, **fields):
    fields = {"source": "api", "name": "score"} | fields
    return Note.objects.create(
        run=run, created_at=timezone.now() - timedelta(minutes=minutes), **fields
    )


@pytest.fixture
def many(run, step):
    other = make_run("other-app")
    noted(run, 1, name="thumbs", number=1, source="person", author="ada")
    noted(run, 2, name="thumbs", number=-1, label="dislike", source="dify-feedback")
    noted(run, 3, number=0.5, about_step="s-1", label="half")
    noted(other, 90, text="Old and\nlong " * 400, name="comment", author="bob")
    noted(None, 4, about="not-here", name="late")


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["thumbs", "thumbs", "score", "late", "comment"]),
        ("name=score", ["score"]),
        ("label=half", ["score"]),
        ("source=person&author=ada", ["thumbs"]),
        ("thumbs=down", ["thumbs"]),
        ("app=other-app", ["comment"]),
        ("since=1h", ["thumbs", "thumbs", "score", "late"]),
        ("name=none", []),
    ],
)
@pytest.mark.usefixtures("many")
def test_list_and_its_twin_filter_alike(console, read_key, client, query, names):
    answer = client.get(f"/notes.json?{query}", headers={"x-api-key": read_key}).json()
    assert [note["name"] for note in answer["notes"]] == names and answer["next"] is None
    rows = check_view(console, f"/notes/?{query}").findall(".//tr[@data-row]")
    assert len(rows) == len(names)


@pytest.mark.usefixtures("many")
def test_rows_lead_to_run_and_step(console, run, step):
    page = check_view(console, "/notes/")
    links = {link.get("href") for link in page.iter("a")}
    assert {f"/runs/{run.id}/", f"/runs/{run.id}/tracing/{step.id}/"} <= links
    assert "waiting for its run not-here" in text_of(page)
    [score] = console.get("/notes.json?name=score").json()["notes"]
    assert score["step"] == str(step.id) and score["run"]["app"]["slug"] == "support-desk"
    [long] = console.get("/notes.json?name=comment").json()["notes"]
    assert long["text_cut"] and len(long["text"]) == 2_000


def test_rows_link_to_steps_that_a_span_names(console, run, step):
    """Dify's steps are known by Dify's id, and evaluators name the span."""
    step.hints = '{"span_ids": ["73aa73aa73aa73aa", "84bb84bb84bb84bb"]}'
    step.save()
    Note.objects.create(run=run, name="score", number=1, about_step="84bb84bb84bb84bb")
    assert console.get("/notes.json").json()["notes"][0]["step"] == str(step.id)
    assert f"/tracing/{step.id}/" in console.get("/notes/").content.decode()


@pytest.mark.parametrize("query", ["thumbs=sideways", "since=soon", "app=none", "color=red",
                                   "name=%00", "after=x", "after=1~2"])  # fmt: skip
def test_list_answers_nonsense_with_a_sentence(console, query):
    assert check_view(console, f"/notes/?{query}").find(".//*[@role='alert']") is not None
    assert console.get(f"/notes.json?{query}").status_code == 400
    if "after" not in query:
        assert console.get(f"/notes.ndjson?{query}").status_code == 400


def test_pages_follow_each_other(console, run):
    at = timezone.now()
    Note.objects.bulk_create(
        Note(run=run, name=f"n{n}", source="api", created_at=at) for n in range(120)
    )
    seen, url = [], "/notes.json"
    while url:
        answer = console.get(url).json()
        seen += [note["id"] for note in answer["notes"]]
        url = answer["next"] and answer["next"].removeprefix("http://testserver")
    assert len(seen) == len(set(seen)) == 120


def test_a_bound_key_reads_notes_of_its_app(client, run):
    noted(run, 1)
    noted(make_run("other-app"), 1)
    noted(None, 1, about="waiting")
    secret = IngestKey.create("k", can_read=True, app=run.app)[1]
    for url in ("/notes.json", "/notes.json?app=support-desk"):
        notes = client.get(url, headers={"x-api-key": secret}).json()["notes"]
        assert {note["run"]["app"]["slug"] for note in notes} == {"support-desk"}
    assert client.get("/notes.json?app=other-app", headers={"x-api-key": secret}).status_code == 400
    assert client.get("/notes.json").status_code == 401


def test_list_takes_the_same_queries_however_long(console, run, django_assert_max_num_queries):
    noted(run, 1, about_step="s-1")
    noted(run, 2, about_step="not there yet")
    console.get("/notes/")
    with django_assert_max_num_queries(20) as first:
        console.get("/notes/")
    for n in range(40):
        noted(make_run(f"app-{n}"), n, about_step="s-1", text="x" * 5000)
    with django_assert_max_num_queries(len(first)):
        console.get("/notes/")


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite writes one at a time")
@pytest.mark.django_db(transaction=True)
def test_the_same_note_sent_concurrently_is_stored_once(monkeypatch):
    run = make_run()
    both = threading.Barrier(2)
    create = Note.objects.create

    def slowly(**fields):
        with suppress(threading.BrokenBarrierError):
            both.wait(timeout=0.5)  # until the other has looked, too, if it may
        return create(**fields)

    def speak():
        try:
            ownership.write_notes(
                run, "", "ada", [ownership.NoteDraft("comment", text="wrong order")]
            )
        finally:
            connection.close()

    monkeypatch.setattr(Note.objects, "create", slowly)
    with ThreadPoolExecutor() as people:
        for sent in [people.submit(speak), people.submit(speak)]:
            sent.result(timeout=10)
    assert Note.objects.count() == 1
