"""`POST /api/notes`: scores, labels and texts that a program gives runs and steps."""

import json

import pytest
from django.test import Client

from runs.models import App, IngestKey, Note, ReceivedRequest, Run
from runs.recording.records.record import NodeRecord, RunFacts
from runs.recording.storing.store import save_records

pytestmark = pytest.mark.django_db
SCORE = {"run": "t1", "name": "correctness", "number": 0.8}


def step(trace: str, **fields: object) -> NodeRecord:
    facts = {"trace": trace, "source_id": "a", "service": "shop", "title": "work", "kind": "chain"}
    return NodeRecord(**(facts | fields))  # type: ignore[arg-type]


@pytest.fixture
def send(ingest_key):
    def post(payload, key=ingest_key, content_type="application/json"):
        body = payload if isinstance(payload, str) else json.dumps(payload)
        return Client().post("/api/notes", body, content_type, headers={"x-api-key": key})

    return post


def test_a_note_is_stored_and_answered_with_its_id(send):
    save_records([step("t1")])
    answer = send(SCORE | {"label": "good", "text": "Yes.", "author": "judge-2", "id": "n-1",
                           "created_at": "2026-11-22T09:30:00Z"})  # fmt: skip
    run, note = Run.objects.get(), Note.objects.get()
    expected = {"notes": [{"id": str(note.id), "run": str(run.id)}], "waiting": 0}
    assert (answer.status_code, answer.json()) == (200, expected)
    assert (note.number, note.label, note.text, note.author) == (0.8, "good", "Yes.", "judge-2")
    assert (note.source, note.created_at.isoformat()) == ("api", "2026-11-22T09:30:00+00:00")
    [line] = ReceivedRequest.objects.all()
    assert (line.door, line.status, line.records, line.run_ids) == (
        "/api/notes", 200, 1, [str(run.id)],
    )  # fmt: skip


@pytest.mark.parametrize("name", ["t1", "r-9", "own", "own, no dashes"])
def test_by_any_id_of_the_run(send, name):
    save_records([step("t1", run=RunFacts(source_ids=(("dify-run", "r-9"),)))])
    run = Run.objects.get()
    names = {"own": str(run.id), "own, no dashes": run.id.hex}
    assert send(SCORE | {"run": names.get(name, name)}).json()["waiting"] == 0
    assert Note.objects.get().run == run


def test_by_any_id_of_the_step(send):
    save_records([step("t1")])
    execution = Run.objects.get().executions.get()
    send([SCORE | {"step": "a"}, SCORE | {"step": str(execution.id), "name": "other"}])
    assert set(Note.objects.values_list("about_step", flat=True)) == {"a"}


def test_one_that_comes_first_waits(send):
    assert send(SCORE).json()["waiting"] == 1
    assert Note.objects.get().run is None
    save_records([step("t1")])
    assert Note.objects.get().run == Run.objects.get()


def test_sent_again_it_is_the_same_note(send):
    save_records([step("t1")])
    first = [send(SCORE | {"id": "n-1"}).json(), send(SCORE).json()]
    stored = list(Note.objects.order_by("id").values())
    assert [send(SCORE | {"id": "n-1"}).json(), send(SCORE).json()] == first
    assert list(Note.objects.order_by("id").values()) == stored and len(stored) == 2
    send(SCORE | {"id": "n-1", "number": 0.1})
    assert set(Note.objects.values_list("number", flat=True)) == {0.1, 0.8}


def test_thumbs_pins_and_truth_values(send):
    save_records([step("t1")])
    send([{"run": "t1", "name": "thumbs", "label": "down"}, {"run": "t1", "name": "pin"},
          {"run": "t1", "name": "grounded", "number": True}])  # fmt: skip
    numbers = dict(Note.objects.values_list("name", "number"))
    assert numbers == {"thumbs": -1.0, "pin": None, "grounded": 1.0}


@pytest.mark.parametrize(
    ("payload", "sentence"),
    [
        ("{", "The body is not JSON"),
        ([], "The list has no notes."),
        ([SCORE] * 1001, "at most 1,000 notes"),
        ("3", "A note must be an object"),
        ([SCORE, 3], "Note 2: A note must be an object"),
        ([SCORE, {"run": "t1"}], "Note 2: “name” is missing."),
        ({"name": "x", "number": 1}, "“run” is missing."),
        (SCORE | {"run": 7}, "“run” must be a text."),
        (SCORE | {"score": 1}, "A note has no field “score”"),
        (SCORE | {"number": "0.8"}, "“number” must be a number"),
        (SCORE | {"number": 10**400}, "The body is not JSON"),
        (SCORE | {"number": None}, "The note is empty"),
        (SCORE | {"text": "x" * 100_001}, "“text” has 100,001 characters"),
        (SCORE | {"created_at": "soon"}, "“created_at” must be a time"),
    ],
)
def test_what_is_no_note_is_one_sentence_and_nothing_is_written(send, payload, sentence):
    answer = send(payload)
    assert answer.status_code == 400 and sentence in answer.json()["message"]
    assert not Note.objects.exists()
    assert sentence in ReceivedRequest.objects.get().error


def test_the_same_refusals_as_at_other_endpoints(send, read_key):
    assert send(SCORE, key="").status_code == send(SCORE, key="wrong").status_code == 401
    assert send(SCORE, key=read_key).status_code == 403
    assert send(SCORE, content_type="text/plain").status_code == 415
    assert Client().get("/api/notes").status_code == 405


def test_a_bound_key_never_reaches_another_apps_run(send):
    save_records([step("t1")])
    run = Run.objects.get()
    other = App.objects.create(name="other", slug="other")
    stranger = IngestKey.create("k", can_ingest=True, app=other)[1]
    own = IngestKey.create("k", can_ingest=True, app=run.app)[1]
    for name in ("t1", str(run.id)):
        assert send(SCORE | {"run": name}, key=stranger).json()["waiting"] == 1
    assert send(SCORE | {"run": str(run.id)}, key=own).json()["waiting"] == 0


@pytest.mark.parametrize("text", ["\0", "\ud800", "\x01\x02", "a\nb", "x" * 100, "😀", "\u202eabc"])
def test_hostile_words(send, text):
    save_records([step("t1")])
    note = {"run": "t1", "name": text, "label": text, "text": text, "step": text, "author": text,
            "id": text}  # fmt: skip
    assert send(note).status_code in (200, 400)
    assert send(note | {"run": text}).status_code in (200, 400)
