"""`manage.py import_dify`: following a live Dify, lost connections, wrong databases, secrets."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from runs.models import ImportState, Run
from runs.recording.importing.dify_database import importer
from runs.recording.importing.dify_database.connection import connect
from runs.recording.storing import store
from tests.runs.recording.importing.dify_database.dify_rows import imported, put_workflow_run
from tests.runs.recording.importing.dify_database.dify_tables import DifyTables, at, uid

pytestmark = pytest.mark.django_db
Make = Callable[..., DifyTables]


def test_following_a_live_dify_until_it_is_stopped(
    dify: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = dify()
    app = db.app("Desk")
    db.run(app, "first")
    rounds = []

    def sleep(seconds: float) -> None:
        rounds.append(Run.objects.count())
        if len(rounds) == 1:
            db.run(app, "second", 60)
            db.run(db.app("New one"), "third", 60)
        elif len(rounds) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", sleep)
    with pytest.raises(CommandError) as stopped:
        imported(db, "--follow")
    assert stopped.value.returncode == 130
    assert str(stopped.value).startswith("Stopped. What was imported is kept (3 runs")
    assert rounds == [1, 3, 3]


def test_a_database_that_goes_away_during_an_import(
    dify: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = dify()
    app = db.app("Desk")
    for n in range(4):
        put_workflow_run(db, app, f"run {n}", begin=n * 3600)
    whole = store.save_records

    def save(*args: Any) -> Any:
        saved = whole(*args)
        db.connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'waylog' AND datname = current_database()"
        )
        return saved

    monkeypatch.setattr(importer, "RUNS_AT_ONCE", 2)
    monkeypatch.setattr(store, "save_records", save)
    with pytest.raises(CommandError) as failed:
        imported(db)
    assert str(failed.value).startswith("Dify's database failed: ")
    assert "\n" not in str(failed.value)
    assert Run.objects.count() == 2
    monkeypatch.undo()
    imported(db)
    assert Run.objects.count() == 4
    assert {run.steps for run in Run.objects.all()} == {9}


@pytest.mark.parametrize(
    ("dsn", "sentence"),
    [
        ("", "Give the address of Dify's database"),
        ("postgresql://me:pa55word@127.0.0.1:1/dify", "127.0.0.1:1/dify does not answer"),
        ("mysql://me:pa55word@localhost/dify", "The DSN cannot be read"),
        ("host=127.0.0.1 port=1 password=pa55word what", "The DSN cannot be read"),
    ],
)
def test_no_message_repeats_a_password(dsn: str, sentence: str) -> None:
    with pytest.raises(CommandError) as problem:
        call_command("import_dify", "--dsn", dsn)
    assert sentence in str(problem.value)
    assert "pa55word" not in str(problem.value)
    assert problem.value.__cause__ is None


def test_a_database_that_is_no_dify_is_recognised(dify_server: str) -> None:
    with pytest.raises(CommandError, match="no table “apps”"):
        call_command("import_dify", "--dsn", dify_server)


def test_nothing_can_be_written_there(dify: Make) -> None:
    db = dify()
    db.app("Desk")
    with connect(db.dsn) as connection, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        connection.rows(sql.SQL("DELETE FROM apps").format())
    assert db.connection.execute("SELECT count(*) FROM apps").fetchone() == (1,)


def test_the_checkpoint_is_stored_without_a_secret(dify: Make) -> None:
    db = dify()
    db.run(db.app("Desk"), "one")
    imported(db)
    [state] = ImportState.objects.all()
    assert state.source.startswith("dify ") and state.source.endswith(uid("app Desk"))
    assert "waylog@" not in state.source
    assert state.position["runs"]["reached"][1] == uid("run one")


def test_tables_that_may_not_be_read_are_named_with_what_is_missing(
    dify: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    db = dify()
    db.run(db.app("Desk"), "one")
    name = f"reader_{uid(db.dsn)[:8]}"
    db.connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'x'")
    db.connection.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}")
    db.connection.execute(f"REVOKE ALL ON messages, end_users FROM {name}")
    parts = conninfo_to_dict(db.dsn) | {"user": name, "password": "x"}
    call_command("import_dify", dsn=make_conninfo(**parts))
    written = capsys.readouterr().err
    assert "may not read end_users, messages" in written
    assert "missing: names of users, chats" in written
    assert Run.objects.count() == 1
    db.connection.execute(f"REVOKE ALL ON apps FROM {name}")
    with pytest.raises(CommandError, match="may not read Dify's table “apps”"):
        call_command("import_dify", dsn=make_conninfo(**parts))


def test_a_schema_that_changes_between_two_polls(
    dify: Make, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    db = dify()
    db.run(db.app("Desk"), "first")
    rounds: list[int] = []

    def sleep(seconds: float) -> None:
        rounds.append(Run.objects.count())
        if len(rounds) == 1:
            db.connection.execute("ALTER TABLE workflow_runs DROP COLUMN exceptions_count")
            db.columns["workflow_runs"].discard("exceptions_count")
            db.run(db.app("New one"), "second", 60)
        else:
            raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", sleep)
    with pytest.raises(CommandError, match="Stopped"):
        call_command("import_dify", dsn=db.dsn, follow=True)
    assert rounds == [1, 2]
    assert capsys.readouterr().err.count("Dify's tables have changed") == 1


def test_a_note_counts_once_while_a_dify_is_followed(
    dify: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = dify()
    app = db.app("Chat", "chat")
    message = db.message(app, uid("conversation"), "one")
    db.put("message_feedbacks", id=uid("like"), app_id=app, message_id=message, rating="like",
           from_source="user", created_at=at(1), updated_at=at(1))  # fmt: skip
    rounds: list[int] = []

    def sleep(seconds: float) -> None:
        rounds.append(1)
        if len(rounds) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", sleep)
    with pytest.raises(CommandError, match="1 notes"):
        imported(db, "--follow")
