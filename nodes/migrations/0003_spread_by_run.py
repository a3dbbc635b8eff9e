"""So that the hot tables can be spread over several PostgreSQL nodes, they keep no unique constraint that
leaves out the column they would be spread by: executions by run, sources by the producer's id. Django
wants a primary key of one column, so only the database learns of this. Looking a row up by its id alone
(as the admin does) is served by a plain index. SQLite keeps its primary keys: it is never spread.
"""

from django.db import migrations

TABLES = ("nodes_nodeexecution", "runs_runsource")


def loosen(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    for table in TABLES:
        schema_editor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey")
        schema_editor.execute(f"CREATE INDEX {table}_id ON {table} (id)")


def tighten(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    for table in TABLES:
        schema_editor.execute(f"DROP INDEX {table}_id")
        schema_editor.execute(f"ALTER TABLE {table} ADD PRIMARY KEY (id)")


class Migration(migrations.Migration):
    dependencies = [("nodes", "0002_initial"), ("runs", "0001_initial")]
    operations = [migrations.RunPython(loosen, tighten)]
