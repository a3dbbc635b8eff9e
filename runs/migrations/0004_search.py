"""The search over what runs say: which runs are not indexed yet, and the index itself, which each database
makes in its own way (see runs.search.index). All runs that are there become due.
"""

from django.db import NotSupportedError, migrations, models
from django.db.utils import DatabaseError
import django.db.models.deletion

TABLE = "runs_searchindex"
RUNS = "runs_searchrun"


def create(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        _in_sqlite(schema_editor)
    else:
        _in_postgres(schema_editor)


def _in_sqlite(schema_editor):
    try:
        schema_editor.execute(
            f"CREATE VIRTUAL TABLE {TABLE} USING fts5("
            "text, content='', detail=none, columnsize=0, tokenize='trigram case_sensitive 1')"
        )
    except DatabaseError as problem:
        raise NotSupportedError(
            f"The search needs SQLite 3.34 or newer with its full-text module FTS5 ({problem})."
        ) from None
    schema_editor.execute(
        f"CREATE TABLE {RUNS} (run_id char(32) NOT NULL PRIMARY KEY, document bigint NOT NULL)"
    )
    schema_editor.execute(f"CREATE INDEX {RUNS}_document ON {RUNS} (document)")


def _in_postgres(schema_editor):
    try:
        schema_editor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except DatabaseError as problem:
        reason = str(problem).strip().splitlines()[0]
        raise NotSupportedError(
            f"The search needs PostgreSQL's extension pg_trgm, which cannot be made here ({reason})."
            " Somebody who may, once has to say CREATE EXTENSION pg_trgm; in this database."
        ) from None
    schema_editor.execute(
        f"CREATE TABLE {TABLE} (run_id uuid PRIMARY KEY, document bigint NOT NULL, text text NOT NULL)"
    )
    schema_editor.execute(f"CREATE INDEX {TABLE}_document ON {TABLE} (document)")
    schema_editor.execute(f"CREATE INDEX {TABLE}_text ON {TABLE} USING gin (text gin_trgm_ops)")


def drop(apps, schema_editor):
    schema_editor.execute(f"DROP TABLE {TABLE}")
    schema_editor.execute(f"DROP TABLE IF EXISTS {RUNS}")


def all_due(apps, schema_editor):
    schema_editor.execute(
        "INSERT INTO runs_searchdue (run_id, started_at, ready_at)"
        " SELECT id, started_at, started_at FROM runs_run"
    )


class Migration(migrations.Migration):
    dependencies = [("runs", "0003_find_and_compare")]

    operations = [
        migrations.CreateModel(
            name="SearchDue",
            fields=[
                (
                    "run",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="runs.run",
                    ),
                ),
                ("started_at", models.DateTimeField()),
                (
                    "ready_at",
                    models.DateTimeField(
                        db_index=True,
                        help_text="When it will have been quiet for long enough to be indexed.",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["-started_at", "-run"], name="search_due_started")],
            },
        ),
        migrations.RunPython(create, drop),
        migrations.RunPython(all_due, migrations.RunPython.noop),
    ]
