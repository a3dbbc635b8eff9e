"""Runs as files that the console gives."""

import gzip
import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.core.management import call_command
from django.test import Client

from runs.models import IngestKey, Run
from tests.factories import make_execution, make_payload, make_run
from tests.runs.recording.importing.run_files.file_lines import Send, body, rows

pytestmark = pytest.mark.django_db


# -- down ------------------------------------------------------------------------------------------


def test_a_set_is_what_the_history_shows(console: Client, record: Send) -> None:
    record("pydantic-ai")
    lines = body(console, "/runs.ndjson?status=failed").splitlines()
    runs = [orjson.loads(line)["run"]["id"] for line in lines if line.startswith(b'{"run"')]
    assert runs == [str(run.id) for run in Run.objects.filter(status="failed")]
    assert orjson.loads(lines[-1]) == {"end": {"runs": len(runs)}}
    packed = console.get("/runs.ndjson.gz?status=failed")
    assert gzip.decompress(b"".join(packed)).splitlines() == lines
    assert re.search(r'filename="waylog-runs-[\d-]+\.ndjson\.gz"', packed["Content-Disposition"])


def test_a_set_is_read_over_many_pages(console: Client, monkeypatch: Any) -> None:
    monkeypatch.setattr("runs.pages.history.listing.RUNS_AT_ONCE", 3)
    made = {str(make_run(name=f"run {number}").id) for number in range(10)}
    run_ids = [row["id"] for row in rows(body(console, "/runs.csv"))]
    assert len(run_ids) == 10 and set(run_ids) == made


def test_a_wrong_filter_is_answered_with_a_sentence(console: Client) -> None:
    answer = console.get("/runs.csv?statsu=failed")
    assert (answer.status_code, answer.json()) == (400, {"error": "There is no filter “statsu”."})


def test_keys_read_what_they_may(
    client: Client, record: Send, read_key: str, ingest_key: str
) -> None:
    record("pydantic-ai")
    record("langfuse")
    run = Run.objects.filter(app__name="support-bot").first()
    other = Run.objects.exclude(app__name="support-bot").first()
    assert run and other
    _, bound = IngestKey.create("bound", can_ingest=False, can_read=True, app=run.app)
    forms = ("ndjson", "html", "steps.csv", "otlp.json")
    for form in forms:
        url = f"/runs/{run.id}.{form}"
        assert client.get(url).status_code == 401
        assert client.get(url, headers={"x-api-key": ingest_key}).status_code == 403
        assert body(client, url, headers={"x-api-key": read_key})
        assert body(client, url, headers={"x-api-key": bound})
        theirs = client.get(f"/runs/{other.id}.{form}", headers={"x-api-key": bound})
        assert theirs.status_code == 404
    theirs = rows(body(client, "/runs.csv", headers={"x-api-key": bound}))
    assert {row["app.slug"] for row in theirs} == {run.app.slug}


def test_csv_is_flat_and_harmless(console: Client) -> None:
    make_run(
        name="=1+1", user="+49 30", error="@SUM(A1)\r\n-second line", tags=["a", "b"],
        inputs_preview="  =HYPERLINK()", outputs_preview='quo"te, comma', status="failed",
    )  # fmt: skip
    text = body(console, "/runs.csv")
    assert text.count(b"\r\n") == 2  # a head and one run, each on one line
    [row] = rows(text)
    assert (row["name"], row["user"]) == ("'=1+1", "'+49 30")
    assert row["input_preview"] == "'  =HYPERLINK()"
    assert row["error"] == "'@SUM(A1) -second line"
    assert (row["output_preview"], row["tags"]) == ('quo"te, comma', "a; b")
    assert (row["tokens.total"], row["duration_us"], row["stalled"]) == ("0", "1500000", "false")
    twin = console.get("/runs.json").json()["runs"][0]
    assert all(row[name] == twin[name] for name in ("id", "url", "started_at", "status"))


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ({"answer": "第一行\r\n=SUM(A1)"}, "第一行\n=SUM(A1)"),
        ({"sys.query": "  =1+1", "sys.user_id": "u1"}, "'  =1+1"),
        ("@cmd", "'@cmd"),
        ({"a": 1, "b": ["x"]}, '{"a":1,"b":["x"]}'),
        ({"sys.query": "q", "lang": "en"}, '{"lang":"en","sys.query":"q"}'),
        ([], "[]"),
    ],
)
def test_csv_has_values_as_they_are(console: Client, value: Any, cell: str) -> None:
    run = make_run()
    run.outputs = make_payload(run.app, value)
    run.save()
    make_execution(run, inputs=value)
    assert rows(body(console, "/runs.csv"))[0]["outputs"] == cell
    [step] = rows(body(console, f"/runs/{run.id}.steps.csv"))
    assert (step["inputs"], step["outputs"]) == (cell, "")


def test_csv_marks_what_it_cuts_and_has_the_whole_on_request(console: Client) -> None:
    run = make_run()
    for name, value in (("inputs", "问" * 40_000), ("outputs", {"items": ["x" * 40_000] * 3})):
        setattr(run, name, make_payload(run.app, value))
    run.outputs.cut_of = 5_000_000
    run.outputs.save()
    run.save()
    for address in ("/runs.csv", f"/runs/{run.id}.steps.csv"):
        assert console.get(f"{address}?values=some").status_code == 400
    [row] = rows(body(console, "/runs.csv"))
    assert row["inputs"] == "问" * 32_000 + " […] (cut here, the value has 120.0 KB)"
    assert row["outputs"].startswith('{"items":["xxx') and len(row["outputs"]) < 32_700
    assert "cut by the producer, which had 5.0 MB" in row["outputs"]
    [row] = rows(body(console, "/runs.csv?values=whole"))
    assert row["inputs"] == "问" * 40_000 and row["outputs"].count("x") == 120_000
    assert "cut here" not in row["outputs"] and "cut by the producer" in row["outputs"]


def test_csv_of_steps_has_a_line_for_each(console: Client, monkeypatch: Any) -> None:
    monkeypatch.setattr("runs.exports.table.STEPS_AT_ONCE", 2)
    run = make_run()
    for number in range(5):
        make_execution(run, f"Step {number}", iteration=str(number), folded=number == 3)
    steps = rows(body(console, f"/runs/{run.id}.steps.csv"))
    assert [row["title"] for row in steps] == ["Step 0", "Step 1", "Step 2", "Step 4"]
    assert {row["run"] for row in steps} == {str(run.id)}


def test_the_pages_lead_to_the_files(console: Client, record: Send) -> None:
    record("pydantic-ai")
    run = Run.objects.filter(status="failed").first()
    assert run
    link = re.compile(r'href="(/runs[^"]*\.(?:ndjson|csv|html|otlp\.jsonl?)[^"]*)"')
    addresses = set()
    for page in ("/runs/?status=failed", f"/apps/{run.app.slug}/", f"/runs/{run.id}/"):
        html = console.get(page).content.decode()
        addresses |= {address.replace("&amp;", "&") for address in link.findall(html)}
    assert "/runs.csv?status=failed" in addresses and len(addresses) == 11
    assert "/runs.csv?status=failed&values=whole" in addresses
    for address in addresses:
        assert body(console, address)
    of_app = rows(body(console, f"/runs.csv?&app={run.app.slug}"))
    assert len(of_app) == Run.objects.filter(app=run.app).count()


# -- a page that opens offline ---------------------------------------------------------------------


def test_the_page_has_every_value_and_loads_nothing(console: Client, record: Send) -> None:
    record("dify-phoenix")
    for run in Run.objects.all():
        html = body(console, f"/runs/{run.id}.html").decode()
        assert not re.search(r"<(script|link|img|iframe)\b|@import|url\((?!\"data:)", html)
        assert not re.search(r'\s(src|hx-\w+|srcset)="', html)
        assert "http://testserver" in html  # links lead to the console, whole
        assert not re.search(r'href="(?!http://testserver/|#)', html)
        for step in run.executions.filter(folded=False):
            assert f'id="step-{step.id.hex}"' in html


def test_the_page_without_a_console_has_no_links(record: Send, tmp_path: Path) -> None:
    record("pydantic-ai")
    run = Run.objects.filter(status="failed").first()
    assert run and run.failed_execution
    file = tmp_path / "run.html"
    call_command("export_runs", str(run.id), format="html", output=str(file))
    html = file.read_text()
    links = set(re.findall(r'href="([^"]*)"', html))
    assert links > {"#result", "#detail", "#tracing", f"#step-{run.failed_execution.hex}"}
    assert [link for link in links if f'id="{link.removeprefix("#")}"' not in html] == []


def test_the_page_escapes_and_cuts_nothing(console: Client) -> None:
    run = make_run(name="<script>alert(1)</script>", inputs="</style><!--steps-->")
    make_execution(
        run, '"><img src=x>', inputs={"items": [{"number": n} for n in range(500)]},
        outputs="long " * 20_000 + "the end", received={"attributes": {"x": "<b>"}},
    )  # fmt: skip
    html = body(console, f"/runs/{run.id}.html").decode()
    assert "<script>alert" not in html and "<img" not in html and "<b>" not in html
    assert html.count("</style>") == 1 and html.count('<details class="file-step"') == 1
    assert "the end" in html and "499" in html
    assert "Show all" not in html
