"""Notes as a data set: a line for each run or step that has any."""

from datetime import timedelta

import orjson
import pytest
from django.utils import timezone

from runs.models import IngestKey, Note
from tests.factories import make_execution, make_run, make_version

pytestmark = pytest.mark.django_db
LONG = "A long answer. " * 1_000


def noted(run, **fields):
    fields = {"source": "person", "name": "comment"} | fields
    fields.setdefault("created_at", timezone.now() + timedelta(seconds=Note.objects.count()))
    return Note.objects.create(run=run, **fields)


def lines(client, query="", **headers):
    answer = client.get(f"/notes.ndjson?{query}", headers=headers)
    assert answer.status_code == 200 and answer["Content-Type"] == "application/x-ndjson"
    assert answer["Content-Disposition"].startswith('attachment; filename="waylog-notes-')
    return [orjson.loads(line) for line in b"".join(answer.streaming_content).splitlines()]


@pytest.fixture
def run():
    run = make_run(inputs={"question": "Wo ist 订单 A-17?"}, outputs=LONG)
    run.version = make_version(run.app)
    run.save()
    return run


def test_a_line_has_input_output_and_expected_output(console, run):
    noted(run, name="expected", text="Found.")
    noted(run, name="score", number=0.5)
    noted(run, name="label", label="wrong")
    noted(run, name="thumbs", number=-1, label="down")
    noted(run, name="tag", label="refund")
    noted(run, name="tag", label="a")
    [line] = lines(console)
    assert {name: line[name] for name in line if name not in ("notes", "started_at")} == {
        "input": {"question": "Wo ist 订单 A-17?"}, "output": LONG, "expected": "Found.",
        "label": "wrong", "score": 0.5, "thumb": "down", "tags": ["a", "refund"],
        "run": str(run.id), "execution": None, "app": "support-desk",
        "version": {"number": 1, "label": "v1"},
    }  # fmt: skip
    assert [note["name"] for note in line["notes"]][:2] == ["expected", "score"]


def test_a_step_has_its_own_line(console, run):
    step = make_execution(run, source_id="s-1", hints='{"span_ids": ["x-9"]}', inputs="in",
                          outputs={"answer": "out"})  # fmt: skip
    noted(run, name="score", number=1, about_step="s-1")
    noted(run, name="label", label="good", about_step="x-9")
    noted(run, name="score", number=0, about_step="not received")
    [line] = lines(console, "name=score")
    assert (line["execution"], line["input"], line["output"]) == (
        str(step.id), "in", {"answer": "out"},
    )  # fmt: skip
    assert (line["score"], line["label"], len(line["notes"])) == (1, "good", 2)


def test_the_newest_counts_and_people_before_programs(console, run):
    noted(run, name="correctness", number=0.1, label="low", source="evaluation")
    noted(run, name="score", number=0.7, label="fair")
    noted(run, name="score", number=0.8)
    noted(run, name="correctness", number=0.2, label="lower", source="evaluation")
    noted(run, name="annotation", text="By Dify.", source="dify-annotation")
    [line] = lines(console)
    assert (line["score"], line["label"], line["expected"]) == (0.8, "fair", "By Dify.")


def test_filters_choose_runs_whose_notes_are_all_exported(console, run):
    other = make_run("other-app", inputs="x")
    noted(run, name="thumbs", number=1)
    noted(run, name="expected", text="Found.")
    noted(other, name="thumbs", number=-1)
    noted(None, about="not here")
    [line] = lines(console, "thumbs=up")
    assert line["expected"] == "Found." and line["run"] == str(run.id)
    [line] = lines(console, "app=other-app")
    assert line["input"] == "x" and line["output"] is None
    assert len(lines(console)) == 2


def test_many_runs_each_once_with_a_bounded_number_of_queries(
    console, django_assert_max_num_queries
):
    for n in range(130):
        noted(make_run(inputs=n), name="score", number=n)
    with django_assert_max_num_queries(2 + 3 + 130 * 4):
        written = lines(console)
    assert sorted(line["input"] for line in written) == list(range(130))


def test_who_may_have_it(client, run, read_key, ingest_key):
    noted(run)
    noted(make_run("other-app"))
    bound = IngestKey.create("k", can_read=True, app=run.app)[1]
    assert len(lines(client, **{"x-api-key": read_key})) == 2
    [line] = lines(client, **{"x-api-key": bound})
    assert line["app"] == "support-desk"
    # About an app that it may not know it gets the same answer as about an app that does not exist.
    answers = [
        client.get(f"/notes.ndjson?app={app}", headers={"x-api-key": bound})
        for app in ("other-app", "nowhere")
    ]
    assert [answer.status_code for answer in answers] == [400, 400]
    assert answers[0].content.replace(b"other-app", b"nowhere") == answers[1].content
    assert client.get("/notes.ndjson").status_code == 401
    assert client.get("/notes.ndjson", headers={"x-api-key": ingest_key}).status_code == 403
