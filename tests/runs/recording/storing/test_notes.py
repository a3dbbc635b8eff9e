import pytest

from runs.models import Note, Run
from runs.recording.records.record import NodeRecord, NoteRecord, RunFacts
from runs.recording.storing import notes
from runs.recording.storing.store import save_records

pytestmark = pytest.mark.django_db

SCORE = NoteRecord("t1", "langfuse", "s1", "correctness", number=0.25, created_us=1_000_000)


def step(trace: str, **fields: object) -> NodeRecord:
    facts = {"trace": trace, "source_id": "a", "service": "shop", "title": "work", "kind": "chain"}
    return NodeRecord(**(facts | fields))  # type: ignore[arg-type]


def test_a_note_that_comes_first_waits_for_its_run() -> None:
    assert notes.save([SCORE]) == 1
    save_records([step("t1")])
    assert Note.objects.get().run == Run.objects.get()


def test_a_repeated_note_is_the_same_note_and_the_later_value_counts() -> None:
    save_records([step("t1")])
    later = NoteRecord("t1", "langfuse", "s1", "correctness", number=1.0, created_us=2_000_000)
    for records in ([SCORE], [later], [SCORE]):
        notes.save(records)
    assert Note.objects.get().number == 1.0


def test_notes_go_with_a_run_that_turns_out_to_be_another() -> None:
    """Two traces, each with a note, that a third one shows to be the same run."""
    facts = [RunFacts(source_ids=(("dify-run", name),)) for name in ("r1", "r2")]
    save_records([step("t1", run=facts[0]), step("t2", source_id="b", run=facts[1])])
    notes.save([SCORE, NoteRecord("r2", "dify-feedback", "f1", "thumbs", label="like")])
    both = RunFacts(source_ids=(("dify-run", "r1"), ("dify-run", "r2")))
    save_records([step("t3", source_id="c", run=both)])
    assert {note.run for note in Note.objects.all()} == {Run.objects.get()}


def test_a_note_sent_with_one_apps_key_never_reaches_anothers_run() -> None:
    save_records([step("t1")])
    assert notes.save([SCORE], scope=7) == 1
    assert Note.objects.get().run is None
