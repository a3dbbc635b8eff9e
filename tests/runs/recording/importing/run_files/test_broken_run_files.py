"""Run files that are broken: one sentence, and the good part kept."""

from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
import pytest

from runs.models import RefusedRecord, Run
from runs.recording.records.record import Cost
from runs.recording.storing import store
from tests.runs.recording.importing.run_files.other_waylog import STEP, exported, forget, take

pytestmark = pytest.mark.django_db
FORM = "“{}” does not have the form of a run file."


def lines_of_a_run() -> list[bytes]:
    store.save_records([STEP, replace(STEP, source_id="c" * 16, cost=Cost(Decimal("0.5")))])
    lines = exported().splitlines(keepends=True)
    forget()
    assert [line[2:6] for line in lines] == [b"wayl", b'run"', b"step", b"step", b'end"']
    return lines


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (b"[1]", "It is not a JSON object."),
        (b"nonsense", "It is not readable JSON."),
        (b"\xff{}", "It is not UTF-8."),
        (b'{"stepp": {}}', "A run file has no lines of the type “stepp”."),
        (b'{"step": []}', "It is not a JSON object."),
        (b'{"step": {"source_id": "x"}}', "The field “trace” is missing."),
        (b'{"step": {"new": 1}}', "There is no field “new”."),
        (b'{"version": {"app": "x"}}', "The field “label” is missing."),
        (b'{"note": {"about": ""}}', "“about” has 0 characters; an id has 1 to 128."),
        (b"[" * 5_000, "It is not readable JSON."),
        (b"[" * 300 + b"]" * 300, "It is nested more than 200 levels deep."),
        (b'{"version": {"app": "x", "label": "", "graph": []}}', FORM.format("graph")),
    ],
)
def test_a_bad_line_is_refused_alone(line: bytes, sentence: str) -> None:
    lines = lines_of_a_run()
    report = take(b"".join([*lines[:4], line + b"\n", *lines[4:]]))
    assert report.sentences == [f"Line 5: {sentence}"]
    assert (report.refused, report.steps, Run.objects.get().steps) == (1, 2, 2)
    assert RefusedRecord.objects.get().reason == f"Line 5: {sentence}"


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("started_us", 10**18, "“started_us” is not a time before the year 9999."),
        ("started_us", -1, "“started_us” is negative."),
        ("started_us", 1.5, "“started_us” is not a whole number of 64 bits."),
        ("attempt", 0, "“attempt” is not a number of 1 or more."),
        ("title", None, "“title” is not a text."),
        ("status", "done", "“done” is not a known status."),
        ("cost", {"amount": "NaN"}, "“amount” is not an amount of money as text."),
        ("cost", {"amount": 1}, "“amount” is not an amount of money as text."),
        ("usage", {"input": True}, "“input” is not a whole number of 64 bits."),
        ("folded", 1, "“folded” is neither true nor false."),
        ("ran_after", "x", "“ran_after” is not a list."),
        ("run", {"source_ids": [["a"]]}, "“source_ids” does not have 2 items."),
        ("rank", {"colour": 1}, "“rank” names a field that has no rank."),
        ("received", {"attributes": [1]}, FORM.format("received")),
        ("received", {"events": [{"name": "x"}]}, FORM.format("received")),
        ("received", {"read_from": {"inputs": None}}, FORM.format("received")),
        ("resource", "x", FORM.format("resource")),
        ("logs", [{"time_ns": 1, "value": {"attributes": [1]}}], FORM.format("value")),
        ("trace", "c" * 32, "It belongs to a trace of another run."),
    ],
)
def test_a_bad_field_is_reported(field: str, value: Any, sentence: str) -> None:
    lines = lines_of_a_run()
    step = orjson.loads(lines[3])["step"] | {field: value}
    lines[3] = orjson.dumps({"step": step}) + b"\n"
    report = take(b"".join(lines))
    assert (report.steps, report.sentences) == (1, [f"Line 4: {sentence}"])


def test_a_bad_run_line_is_reported_once() -> None:
    lines = lines_of_a_run()
    lines[1] = b'{"run": {"id": "x", "app": "shop", "sources": [["trace", "t"]], "seen_us": 1}}\n'
    report = take(b"".join(lines))
    assert report.sentences[:2] == [
        "Line 2: “id” is not a UUID.", "2 lines belong to a run that could not be imported.",
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
    store.save_records([replace(STEP, trace="b" * 32, source_id="e" * 16)])
    theirs = Run.objects.get(sources__source_id="b" * 32).id
    run_line = orjson.loads(lines[1])
    run_line["run"]["id"] = str(theirs)
    lines[1] = orjson.dumps(run_line) + b"\n"
    take(b"".join(lines))
    assert Run.objects.get().steps == 3  # one run: the file says so
    assert isinstance(Run.objects.get().id, UUID)
