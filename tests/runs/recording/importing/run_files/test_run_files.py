"""A run that goes through a file is the same run: rows are compared, not pages."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from runs.models import App, Conversation, Note, Run, Version
from runs.recording.records.record import Cost, NodeRecord, NoteRecord, RunFacts, StepLog, Usage
from runs.recording.storing import notes, store
from runs.recording.storing.identity import derived_run_id
from tests.runs.recording.importing.run_files.other_waylog import (
    NAMES,
    STEP,
    TRACE,
    exported,
    forget,
    stored,
    take,
)

pytestmark = pytest.mark.django_db


def assert_same_elsewhere() -> None:
    before, file = stored(), exported()
    forget()
    report = take(file)
    assert (report.refused, report.sentences) == (0, [])
    assert stored() == before
    assert exported() == file
    assert take(file).refused == 0
    assert stored() == before


@pytest.mark.parametrize("name", NAMES)
def test_a_run_is_the_same_elsewhere(name: str, record: Any) -> None:
    record(name)
    assert_same_elsewhere()


TEXTS = st.text(max_size=20)
ANY_TEXTS = TEXTS | st.sampled_from(["\ud800", "\x00", "=1", '{"a": 1}', "1" * 30, "\u2028\n"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | ANY_TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXTS, inner, max_size=3),
    max_leaves=6,
)
WHOLE = st.none() | st.integers(0, 2**50)
FACTS = st.builds(
    RunFacts,
    name=st.none() | TEXTS,
    version=st.none() | TEXTS,
    conversation=st.none() | TEXTS,
    user=st.none() | TEXTS,
    mode=st.sampled_from([None, "workflow", "chatflow"]),
    status=st.sampled_from([None, "running", "failed"]),
    tags=st.lists(TEXTS, max_size=2).map(tuple),
    reported_cost=st.sampled_from([None, Cost(Decimal("0.5"), "EUR")]),
    reported_tokens=WHOLE,
)
RECORDS = st.builds(
    NodeRecord,
    trace=st.just(TRACE),
    source_id=st.sampled_from(["a1", "a2", "a3"]),
    service=st.just("shop"),
    title=TEXTS,
    kind=st.sampled_from(["llm", "agent", "span", "iteration", "tool"]),
    parent_source_id=st.sampled_from([None, "a1", "a2", "missing"]),
    span_ids=st.lists(TEXTS, max_size=2).map(tuple),
    node_id=st.none() | TEXTS,
    status=st.sampled_from([None, "running", "succeeded", "failed", "retry"]),
    started_us=st.none() | st.integers(1, 10**10),  # of one day: where values lie follows from it
    ended_us=st.none() | st.integers(1, 10**10),
    inputs=VALUES,
    outputs=VALUES,
    process_data=VALUES,
    received=st.none() | st.fixed_dictionaries({"attributes": st.dictionaries(TEXTS, VALUES)}),
    resource=st.none() | st.dictionaries(TEXTS, VALUES, max_size=2),
    inputs_cut=WHOLE,
    rank=st.dictionaries(st.sampled_from(["title", "inputs", "started_us"]), st.integers(0, 2)),
    model=st.none() | TEXTS,
    usage=st.none() | st.builds(Usage, input=WHOLE, output=WHOLE, cached=WHOLE, total=WHOLE),
    cost=st.none() | st.decimals(0, 999, places=10).map(Cost),
    error=st.none() | TEXTS,
    handled=st.booleans(),
    attempt=st.none() | st.integers(1, 5),
    is_run=st.booleans(),
    folded=st.booleans(),
    chained=st.booleans(),
    pass_index=st.none() | st.integers(0, 9),
    iteration_index=st.none() | st.integers(0, 9),
    container=st.none() | TEXTS,
    taken=st.none() | TEXTS,
    ran_after=st.lists(TEXTS, max_size=2).map(tuple),
    run=FACTS,
)


@settings(max_examples=30, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(st.lists(RECORDS, min_size=1, max_size=4))
def test_records_are_the_same_after_export_and_import(records: list[NodeRecord]) -> None:
    App.objects.all().delete()
    store.save_records(records)
    assert_same_elsewhere()


def test_logs_are_the_same_elsewhere() -> None:
    message = {"name": "gen_ai.user.message", "body": {"content": "Where is it?"}}
    logs = [StepLog(10**18 + n, {"name": "line", "body": str(n)}) for n in range(1200)]
    store.save_records([replace(STEP, title="", logs=(StepLog(10**18, message, True), *logs))])
    [step] = stored()["steps"]
    assert step["hints"]["assembled"] and step["hints"]["logs_cut"]
    assert_same_elsewhere()


def test_a_run_of_several_traces_is_the_same_elsewhere() -> None:
    facts = RunFacts(source_ids=(("dify-run", "r-1"),))
    other = replace(STEP, trace="b" * 32, source_id="c" * 16, outputs="told by the other")
    store.save_records([replace(STEP, inputs="told by one")])
    store.save_records([replace(STEP, run=facts)], store.Origin(kind="events"))
    store.save_records([replace(other, run=facts)])
    assert Run.objects.count() == 1
    assert_same_elsewhere()


def test_runs_that_bound_keys_sent_stay_apart(client: Client) -> None:
    """Their ids follow from their app's number, which is another one elsewhere."""
    for name in ("one", "two"):
        app = App.objects.create(name=name, slug=name)
        store.save_records([STEP], store.Origin(app.pk, name))
    ids = set(Run.objects.values_list("id", "app__name"))
    assert len(ids) == 2
    assert_same_elsewhere()
    assert set(Run.objects.values_list("id", "app__name")) == ids
    # What the key of such an app sends there later belongs to the same run.
    two = App.objects.get(name="two")
    store.save_records([replace(STEP, source_id="d" * 16)], store.Origin(two.pk, "two"))
    run = Run.objects.get(app=two)
    [(former, _)] = [pair for pair in ids if pair[1] == "two"]
    assert run.id == min(former, derived_run_id(two.pk, TRACE)) and run.steps == 2


def test_details_that_runs_lack_come_along() -> None:
    store.save_records(
        [replace(STEP, run=RunFacts(version="v7", conversation="talk", mode="chatflow"))]
    )
    app = App.objects.get()
    Version.objects.create(app=app, number=2, label="never ran")
    graph = {"nodes": [{"id": "a"}], "edges": []}
    Version.objects.filter(label="v7").update(
        number=5, graph=graph, configuration={"x": [1]}, digest="d" * 64, source_id="w", comment="c"
    )
    Conversation.objects.update(title="About parcels")
    score = NoteRecord(TRACE, "langfuse", "s-1", "correctness", 0.1, "good", "Well.", "step", "me")
    notes.save([replace(score, created_us=10**15), replace(score, source_id="s-2", number=None)])
    Version.objects.filter(label="never ran").delete()
    assert_same_elsewhere()


def test_a_version_that_is_there_is_filled_and_not_changed() -> None:
    store.save_records([replace(STEP, run=RunFacts(version="v7"))])
    Version.objects.update(graph={"nodes": []}, comment="theirs")
    file = exported()
    Version.objects.update(graph=None, comment="ours", number=3)
    take(file)
    version = Version.objects.get()
    assert (version.graph, version.comment, version.number) == ({"nodes": []}, "ours", 3)


def test_a_persons_note_is_there_once() -> None:
    store.save_records([STEP])
    Note.objects.create(run=Run.objects.get(), name="comment", text="Look!", source="person")
    file = exported()
    take(file)
    assert Note.objects.count() == 1
    forget()
    take(file)
    take(file)
    note = Note.objects.get()
    assert (note.run, note.text, note.source) == (Run.objects.get(), "Look!", "person")


def test_a_file_and_what_is_there_become_one_run_in_any_order() -> None:
    later = replace(STEP, outputs="done")
    store.save_records([replace(STEP, inputs="asked", ended_us=None, status=None)])
    file = exported()
    snapshots = []
    for order in ((file, later), (later, file)):
        forget()
        for part in order:
            take(part) if isinstance(part, bytes) else store.save_records([part])
        tables = stored()
        for run in tables["runs"]:
            del run["last_seen_at"]
        for version in tables["versions"]:
            del version["created_at"]
        snapshots.append(tables)
    assert snapshots[0] == snapshots[1]


def test_long_runs_are_read_in_parts(monkeypatch: Any) -> None:
    monkeypatch.setattr("runs.recording.importing.run_files.reader.RECORDS_AT_ONCE", 3)
    monkeypatch.setattr("runs.recording.storing.execution_rows.STEPS_AT_ONCE", 2)
    steps = [replace(STEP, source_id=f"{n:016x}", parent_source_id="0" * 16) for n in range(10)]
    store.save_records(steps)
    store.save_records([replace(STEP, trace="b" * 32)])
    assert_same_elsewhere()
