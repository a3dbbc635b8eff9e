"""A run that goes through a file is the same run: rows are compared, not pages."""

import io
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
import pytest
from django.test import Client
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from runs.exports import ndjson, otlp
from runs.models import App, Conversation, Note, RefusedRecord, Run, Version
from runs.recording import inbox, notes, store
from runs.recording.identity import derived_run_id
from runs.recording.records import Cost, LogLine, NodeRecord, NoteRecord, RunFacts, Usage
from runs.recording.run_file_reading import Report
from runs.recording.run_files import take_file
from tests.conftest import CAPTURES
from tests.runs.recording.elsewhere import stored

pytestmark = pytest.mark.django_db

NAMES = sorted({path.name.rpartition("-")[0] for path in CAPTURES.glob("*-[0-9]*.bin")})
SENDER = inbox.Sender("import_runs")
TRACE = "0af7651916cd43dd8448eb211c80319c"
STEP = NodeRecord(
    TRACE, "b7ad6b7169203331", "shop", "Answer", "llm", status="succeeded",
    started_us=10**15, ended_us=10**15 + 5,
)  # fmt: skip


def exported() -> bytes:
    return b"".join(ndjson.lines(Run.objects.for_list().with_sources()))


def take(file: bytes, **more: Any) -> Report:
    return take_file(io.BytesIO(file), SENDER, **more)


def forget() -> None:
    """Another installation: the same tables, empty, with other numbers."""
    App.objects.all().delete()
    Note.objects.all().delete()
    App.objects.create(name="not in the file", slug="not-in-the-file").delete()


def assert_same_elsewhere() -> None:
    before, file = stored(), exported()
    forget()
    report = take(file)
    assert (report.refused, report.sentences) == (0, [])
    assert stored() == before
    assert exported() == file
    assert take(file).refused == 0
    assert stored() == before


# -- without loss ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_run_is_the_same_elsewhere(name: str, record: Any) -> None:
    record(name)
    assert_same_elsewhere()


TEXTS = st.text(max_size=20)
ANY_TEXTS = TEXTS | st.sampled_from(["\ud800", "\x00", "=1", '{"a": 1}', "1" * 30, "\u2028\n"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | ANY_TEXTS,
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
    received=st.none() | st.dictionaries(st.sampled_from(["attributes", "links"]), VALUES),
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
def test_whatever_was_told_is_the_same_elsewhere(records: list[NodeRecord]) -> None:
    App.objects.all().delete()
    store.save(records)
    assert_same_elsewhere()


def test_logs_are_the_same_elsewhere() -> None:
    told = {"name": "gen_ai.user.message", "body": {"content": "Where is it?"}}
    logs = [LogLine(10**18 + n, {"name": "line", "body": str(n)}) for n in range(1200)]
    store.save([replace(STEP, title="", logs=(LogLine(10**18, told, True), *logs))])
    [step] = stored()["steps"]
    assert step["hints"]["assembled"] and step["hints"]["logs_cut"]
    assert_same_elsewhere()


def test_a_run_of_several_traces_is_the_same_elsewhere() -> None:
    facts = RunFacts(source_ids=(("dify-run", "r-1"),))
    other = replace(STEP, trace="b" * 32, source_id="c" * 16, outputs="told by the other")
    store.save([replace(STEP, inputs="told by one")])
    store.save([replace(STEP, run=facts)], store.Origin(kind="events"))
    store.save([replace(other, run=facts)])
    assert Run.objects.count() == 1
    assert_same_elsewhere()


def test_runs_that_bound_keys_sent_stay_apart(client: Client) -> None:
    """Their ids follow from their app's number, which is another one elsewhere."""
    for name in ("one", "two"):
        app = App.objects.create(name=name, slug=name)
        store.save([STEP], store.Origin(app.pk, name))
    ids = set(Run.objects.values_list("id", "app__name"))
    assert len(ids) == 2
    assert_same_elsewhere()
    assert set(Run.objects.values_list("id", "app__name")) == ids
    # What the key of such an app sends there later belongs to the same run.
    two = App.objects.get(name="two")
    store.save([replace(STEP, source_id="d" * 16)], store.Origin(two.pk, "two"))
    run = Run.objects.get(app=two)
    [(former, _)] = [pair for pair in ids if pair[1] == "two"]
    assert run.id == min(former, derived_run_id(two.pk, TRACE)) and run.steps == 2


def test_what_runs_do_not_tell_comes_along() -> None:
    store.save([replace(STEP, run=RunFacts(version="v7", conversation="talk", mode="chatflow"))])
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
    store.save([replace(STEP, run=RunFacts(version="v7"))])
    Version.objects.update(graph={"nodes": []}, comment="theirs")
    file = exported()
    Version.objects.update(graph=None, comment="ours", number=3)
    take(file)
    version = Version.objects.get()
    assert (version.graph, version.comment, version.number) == ({"nodes": []}, "ours", 3)


def test_a_persons_note_is_there_once() -> None:
    store.save([STEP])
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
    store.save([replace(STEP, inputs="asked", ended_us=None, status=None)])
    file = exported()
    snapshots = []
    for order in ((file, later), (later, file)):
        forget()
        for one in order:
            take(one) if isinstance(one, bytes) else store.save([one])
        found = stored()
        for run in found["runs"]:
            del run["last_seen_at"]
        for version in found["versions"]:
            del version["created_at"]
        snapshots.append(found)
    assert snapshots[0] == snapshots[1]


def test_long_runs_are_taken_in_parts(monkeypatch: Any) -> None:
    monkeypatch.setattr("runs.recording.run_file_reading.RECORDS_AT_ONCE", 3)
    monkeypatch.setattr("runs.recording.stored.AT_ONCE", 2)
    steps = [replace(STEP, source_id=f"{n:016x}", parent_source_id="0" * 16) for n in range(10)]
    store.save(steps)
    store.save([replace(STEP, trace="b" * 32)])
    assert_same_elsewhere()


# -- OTLP ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_otlp_that_comes_back_is_the_same(name: str, record: Any, ingest_key: str) -> None:
    record(name)
    before = stored()
    files = [b"".join(otlp.request(run)) for run in Run.objects.for_list().with_sources()]
    forget()
    for file in files:
        answer = Client().post(
            "/v1/traces", file, content_type="application/json", headers={"x-api-key": ingest_key}
        )
        assert (answer.status_code, answer.content) == (200, b"{}")
    after = stored()
    for found in (before, after):
        for row in (*found["runs"], *found["versions"]):
            for name_of_arrival in ("last_seen_at", "created_at", "number"):
                row.pop(name_of_arrival, None)
    assert after == before


def test_steps_that_were_no_spans_are_spans_for_others() -> None:
    parent = replace(
        STEP, source_id="11111111-2222", title="Flow", kind="workflow", inputs={"q": 1}
    )
    child = replace(
        STEP, source_id="node-2", parent_source_id="11111111-2222", outputs="Yes.", model="gpt-4o",
        usage=Usage(3, 4, total=7), status="failed", error="no", trace="run of ours",
    )  # fmt: skip
    store.save([replace(parent, trace="run of ours"), child])
    request = orjson.loads(b"".join(otlp.request(Run.objects.with_sources().get())))
    [resource] = request["resourceSpans"]
    spans = {span["name"]: span for span in resource["scopeSpans"][0]["spans"]}
    flow, answer = spans["Flow"], spans["Answer"]
    assert {len(span["traceId"]) for span in spans.values()} == {32}
    assert {len(span["spanId"]) for span in spans.values()} == {16}
    assert answer["parentSpanId"] == flow["spanId"]
    assert answer["status"] == {"code": 2, "message": "no"}
    told = {pair["key"]: pair["value"] for pair in answer["attributes"]}
    assert told["openinference.span.kind"] == {"stringValue": "LLM"}
    assert told["llm.token_count.total"] == {"intValue": "7"}
    assert told["output.value"] == {"stringValue": "Yes."}
    asked = {pair["key"]: pair["value"] for pair in flow["attributes"]}
    assert asked["input.value"] == {"stringValue": '{"q":1}'}
    assert asked["input.mime_type"] == {"stringValue": "application/json"}


# -- broken files ----------------------------------------------------------------------------------


def lines_of_a_run() -> list[bytes]:
    store.save([STEP, replace(STEP, source_id="c" * 16, cost=Cost(Decimal("0.5")))])
    lines = exported().splitlines(keepends=True)
    forget()
    assert [line[2:6] for line in lines] == [b"wayl", b'run"', b"step", b"step", b'end"']
    return lines


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        (b"[1]", "It is not a JSON object."),
        (b"nonsense", "It is not readable JSON."),
        (b"\xff{}", "It is not UTF-8."),
        (b'{"stepp": {}}', "There are no lines “stepp” in a run file."),
        (b'{"step": []}', "It is not a JSON object."),
        (b'{"step": {"source_id": "x"}}', "The field “trace” is missing."),
        (b'{"step": {"new": 1}}', "There is no field “new”."),
        (b'{"version": {"app": "x"}}', "The field “label” is missing."),
        (b'{"note": {"about": ""}}', "“about” has 0 characters; an id has 1 to 128."),
        (b"[" * 5_000, "It is not readable JSON."),
    ],
)
def test_a_bad_line_is_refused_alone(told: bytes, sentence: str) -> None:
    lines = lines_of_a_run()
    report = take(b"".join([*lines[:4], told + b"\n", *lines[4:]]))
    assert report.sentences == [f"Line 5: {sentence}"]
    assert (report.refused, report.steps, Run.objects.get().steps) == (1, 2, 2)
    assert RefusedRecord.objects.get().reason == f"Line 5: {sentence}"


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("started_us", 10**18, "“started_us” is no time before the year 9999."),
        ("started_us", -1, "“started_us” is negative."),
        ("started_us", 1.5, "“started_us” is not a whole number of 64 bits."),
        ("attempt", 0, "“attempt” is no number from 1 on."),
        ("title", None, "“title” is not a text."),
        ("status", "done", "“done” is no status that there is."),
        ("cost", {"amount": "NaN"}, "“amount” is no amount of money as text."),
        ("cost", {"amount": 1}, "“amount” is no amount of money as text."),
        ("usage", {"input": True}, "“input” is not a whole number of 64 bits."),
        ("folded", 1, "“folded” is neither true nor false."),
        ("ran_after", "x", "“ran_after” is not a list."),
        ("run", {"source_ids": [["a"]]}, "“source_ids” has items of another number than 2."),
        ("rank", {"colour": 1}, "“rank” names a field that has none."),
        ("trace", "c" * 32, "It belongs to a trace that is none of its run's."),
    ],
)
def test_a_bad_field_is_told(field: str, value: Any, sentence: str) -> None:
    lines = lines_of_a_run()
    step = orjson.loads(lines[3])["step"] | {field: value}
    lines[3] = orjson.dumps({"step": step}) + b"\n"
    report = take(b"".join(lines))
    assert (report.steps, report.sentences) == (1, [f"Line 4: {sentence}"])


def test_a_bad_run_line_is_told_once() -> None:
    lines = lines_of_a_run()
    lines[1] = b'{"run": {"id": "x", "app": "shop", "sources": [["trace", "t"]], "seen_us": 1}}\n'
    report = take(b"".join(lines))
    assert report.sentences[:2] == [
        "Line 2: “id” is no UUID.", "2 lines belong to a run that could not be taken.",
    ]  # fmt: skip
    assert not Run.objects.exists()


def test_files_put_together_are_one_file() -> None:
    lines = lines_of_a_run()
    assert take(b"".join(lines * 2)).refused == 0
    assert Run.objects.get().steps == 2


def test_a_line_that_is_too_long_is_refused(settings: Any) -> None:
    lines = lines_of_a_run()
    settings.WAYLOG_MAX_BODY = 1 << 20
    long = b'{"step": "' + b"x" * (1 << 20) + b'"}\n'
    report = take(b"".join([*lines[:4], long, *lines[4:]]))
    assert report.sentences == ["Line 5: It is longer than 1 MB."]
    assert Run.objects.get().steps == 2


def test_an_id_that_is_another_run_here_does_no_harm() -> None:
    lines = lines_of_a_run()
    take(b"".join(lines))
    store.save([replace(STEP, trace="b" * 32, source_id="e" * 16)])
    theirs = Run.objects.get(sources__source_id="b" * 32).id
    told = orjson.loads(lines[1])
    told["run"]["id"] = str(theirs)
    lines[1] = orjson.dumps(told) + b"\n"
    take(b"".join(lines))
    assert Run.objects.get().steps == 3  # one run: the file says so
    assert isinstance(Run.objects.get().id, UUID)
