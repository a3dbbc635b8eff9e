"""What was received of a step lies in the step's own row: no two steps share it. Ids of payloads begin
with day and app, so that their table needs no index on them. Neither table has its rows' app checked by
the database: the one writer makes the app first, and the check took a fifth of the time of writing.
"""

from django.db import migrations, models

MOVE = """UPDATE nodes_nodeexecution SET received_body =
(SELECT body FROM nodes_payload WHERE nodes_payload.id = nodes_nodeexecution.received_id)"""

_APP = models.ForeignKey(
    "runs.app", models.CASCADE, related_name="+", db_constraint=False, db_index=False
)


class Migration(migrations.Migration):
    dependencies = [("nodes", "0003_spread_by_run")]
    operations = [
        migrations.AddField("nodeexecution", "received_body", models.BinaryField(null=True)),
        migrations.RunSQL(MOVE, migrations.RunSQL.noop),
        migrations.RemoveField("nodeexecution", "received"),
        migrations.RemoveIndex("payload", "payload_day_app"),
        migrations.AlterField("payload", "app", _APP),
        migrations.AlterField("nodeexecution", "app", _APP),
    ]
