"""Runs from files, through the console and the shell; and to files through the shell."""

import gzip
import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from nodes.compression import zstd
from runs.models import App, RefusedRecord, Run
from runs.recording.storing import store
from tests.conftest import CAPTURES
from tests.factories import make_app
from tests.runs.recording.importing.run_files.file_lines import Send, body, upload
from tests.runs.recording.importing.run_files.other_waylog import stored

pytestmark = pytest.mark.django_db


# -- up --------------------------------------------------------------------------------------------


def test_what_went_down_comes_up(console: Client, record: Send) -> None:
    record("langgraph-openinference")
    before, file = stored(), body(console, "/runs.ndjson")
    for packed in (file, gzip.compress(file), zstd.compress(file)):
        App.objects.all().delete()
        page = upload(console, packed).content.decode()
        assert stored() == before
        run = Run.objects.first()
        assert run and f'href="{run.get_absolute_url()}"' in page


def test_traces_come_up_too(console: Client) -> None:
    assert upload(console, (CAPTURES / "pydantic-ai-01.bin").read_bytes()).status_code == 200
    count = Run.objects.count()
    assert count and Run.objects.filter(source_kind="otlp").count() == count
    file = (CAPTURES / "vercel-ai-v7-json-01.body.json").read_bytes()
    pretty = orjson.dumps(orjson.loads(file), option=orjson.OPT_INDENT_2)
    for form in (file, file.rstrip() + b"\n" + file, pretty):
        Run.objects.all().delete()
        assert upload(console, form).status_code == 200
        assert Run.objects.count() == 5


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The submitted file is empty|Choose a file first|The file is empty"),
        (b"a,b\n1,2\n", "neither a run file"),
        (b'{"run": {}}\n', "neither a run file"),
        (b'{"waylog": 2}\n', "a newer version of Waylog can read it"),
        (b"\x1f\x8b\x08\x00 not gzip at all", "damaged"),
        (b'{"waylog": 1}\n'.decode().encode("utf-16"), "neither a run file"),
    ],
)
def test_a_file_that_is_no_run_file_is_reported(
    console: Client, content: bytes, sentence: str
) -> None:
    answer = upload(console, content)
    assert answer.status_code == 400
    assert re.search(sentence, answer.content.decode())
    assert not Run.objects.exists()


def test_a_decompression_bomb_is_reported_and_not_unpacked(console: Client, settings: Any) -> None:
    settings.WAYLOG_MAX_BODY = 1 << 20
    head, line, lines = b'{"waylog": 1}\n', b" " * (30 << 20), (b" " * 1023 + b"\n") * (30 << 10)
    for bomb in (head + line, head + lines, lines):
        answer = upload(console, gzip.compress(bomb))
        assert answer.status_code == 400
        page = answer.content.decode()
        assert re.search("more than 10 MB|longer than 1 MB|larger than 1 MB", page)


def test_a_file_that_is_too_large_is_refused(console: Client, settings: Any) -> None:
    settings.WAYLOG_MAX_BODY = 10_000
    assert upload(console, b" " * 10_001).status_code == 413


def test_a_lost_database_is_reported(console: Client, record: Send, monkeypatch: Any) -> None:
    record("pydantic-ai")
    file = body(console, "/runs.ndjson")
    App.objects.all().delete()
    calls: list[int] = []

    def away(*args: Any) -> Any:
        calls.append(1)
        if len(calls) > 2:
            raise OperationalError("the database is gone")
        return save(*args)

    save = store.save_records
    monkeypatch.setattr("runs.recording.importing.run_files.reader.RECORDS_AT_ONCE", 10)
    monkeypatch.setattr(store, "save_records", away)
    answer = upload(console, file)
    assert answer.status_code == 503
    assert "What was read so far is kept; try again." in answer.content.decode()
    monkeypatch.setattr(store, "save_records", save)
    assert Run.objects.exists()
    assert upload(console, file).status_code == 200
    assert body(console, "/runs.ndjson") == file


def test_only_staff_imports(console: Client, client: Client, django_user_model: Any) -> None:
    assert console.get("/runs/import/").status_code == 200
    client.force_login(django_user_model.objects.create_user("somebody"))
    assert client.get("/runs/import/").status_code == 403
    assert upload(client, b'{"waylog": 1}\n').status_code == 403
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(django_user_model.objects.get(username="admin"))
    assert upload(careful, b'{"waylog": 1}\n').status_code == 403
    assert reverse("runs-import") in console.get("/runs/").content.decode()


# -- the shell -------------------------------------------------------------------------------------


def test_commands_write_and_read(record: Send, tmp_path: Path) -> None:
    record("haystack-native")
    before, file = stored(), str(tmp_path / "runs.ndjson.gz")
    call_command("export_runs", output=file)
    App.objects.all().delete()
    call_command("import_runs", file)
    call_command("import_runs", file, str(CAPTURES / "haystack-native-01.bin"))
    after = stored()
    for run in (*before["runs"], *after["runs"]):
        del run["last_seen_at"]  # the capture is news
    assert after == before


def test_a_broken_file_ends_with_1_and_keeps_the_good_part(
    record: Send, tmp_path: Path, capsys: Any
) -> None:
    record("pydantic-ai")
    file = tmp_path / "runs.ndjson"
    call_command("export_runs", output=str(file))
    lines = file.read_bytes().splitlines(keepends=True)
    steps = [number for number, line in enumerate(lines) if line.startswith(b'{"step"')]
    lines[steps[0]] = b'{"step": {"trace": 1}}\n'
    lines[steps[-1] :] = [lines[steps[-1]][:40]]
    file.write_bytes(b"".join(lines))
    App.objects.all().delete()
    with pytest.raises(SystemExit) as ended:
        call_command("import_runs", str(file))
    assert ended.value.code == 1
    errors = capsys.readouterr().err
    assert f"Line {steps[0] + 1}: “trace” is not a text." in errors
    assert f"Line {steps[-1] + 1}: The file ends in the middle of it." in errors
    assert Run.objects.count() == 3
    reasons = RefusedRecord.objects.values_list("reason", flat=True)
    assert len(reasons) == 2 and all(reason.startswith("Line ") for reason in reasons)


def test_commands_say_what_is_wrong(tmp_path: Path) -> None:
    make_app()
    for arguments, options, sentence in (
        (["export_runs"], {"filter": "nope=1"}, "There is no filter"),
        (["export_runs", "nobody"], {}, "There is no run nobody"),
        (["export_runs"], {"format": "html"}, "name its id"),
        (["export_runs"], {"steps": True}, "--steps needs"),
        (["export_runs"], {"output": str(tmp_path / "a" / "b")}, "cannot be written"),
        (["import_runs", str(tmp_path / "none")], {}, "cannot be read"),
    ):
        with pytest.raises(CommandError, match=sentence):
            call_command(*arguments, **options)
