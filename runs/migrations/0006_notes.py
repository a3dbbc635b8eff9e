"""All notes in one list: newest first, those of one name, those of one source."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("runs", "0005_group_errors")]

    operations = [
        migrations.AddIndex(
            model_name="note",
            index=models.Index(fields=["-created_at", "-id"], name="note_created"),
        ),
        migrations.AddIndex(
            model_name="note",
            index=models.Index(fields=["name", "-created_at", "-id"], name="note_name_created"),
        ),
        migrations.AddIndex(
            model_name="note",
            index=models.Index(fields=["source", "-created_at", "-id"], name="note_source_created"),
        ),
    ]
