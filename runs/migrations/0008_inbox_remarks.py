"""What the inbox says about spans that were set aside, or whose form is not known."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("runs", "0007_plain_help_texts")]

    operations = [
        migrations.AddField(
            model_name="receivedrequest",
            name="remarks",
            field=models.JSONField(
                blank=True,
                default=dict,
                help_text="A sentence about spans, and how many it is about.",
            ),
        ),
    ]
