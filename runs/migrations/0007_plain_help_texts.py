"""Help texts in plain English; the database does not change."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('runs', '0006_notes'),
    ]

    operations = [
        migrations.AlterField(
            model_name='app',
            name='upstream_key',
            field=models.CharField(blank=True, help_text='The key that the upstream requires.', max_length=500),
        ),
        migrations.AlterField(
            model_name='app',
            name='upstream_kind',
            field=models.CharField(choices=[('dify', 'Dify API'), ('webhook', 'Webhook')], default='dify', help_text='The kind of API at this address.', max_length=10),
        ),
        migrations.AlterField(
            model_name='app',
            name='upstream_url',
            field=models.URLField(blank=True, help_text="The app's Dify API, such as https://dify.example.com/v1: the recording proxy forwards to it. Leave it empty to forward nothing."),
        ),
        migrations.AlterField(
            model_name='errorgroup',
            name='message',
            field=models.TextField(blank=True, help_text='The message with the parts that vary between runs masked.'),
        ),
        migrations.AlterField(
            model_name='errorgroup',
            name='title',
            field=models.CharField(blank=True, help_text='The name of the failed step.', max_length=255),
        ),
        migrations.AlterField(
            model_name='ingestkey',
            name='app',
            field=models.ForeignKey(blank=True, help_text='Everything sent with the key goes to this app. Leave it empty for any app.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='keys', to='runs.app'),
        ),
        migrations.AlterField(
            model_name='ingestkey',
            name='can_ingest',
            field=models.BooleanField(default=True, verbose_name='can record'),
        ),
        migrations.AlterField(
            model_name='ingestkey',
            name='can_read',
            field=models.BooleanField(default=False, verbose_name='can read'),
        ),
        migrations.AlterField(
            model_name='ingestkey',
            name='hint',
            field=models.CharField(editable=False, help_text='The first characters of the key.', max_length=12),
        ),
        migrations.AlterField(
            model_name='note',
            name='about_step',
            field=models.CharField(blank=True, help_text="The producer's id of the step; empty for a note on the run.", max_length=128),
        ),
        migrations.AlterField(
            model_name='note',
            name='scope',
            field=models.BigIntegerField(default=0, editable=False, help_text='The kind of the id, as in RunSource.'),
        ),
        migrations.AlterField(
            model_name='receivedrequest',
            name='door',
            field=models.CharField(help_text='The path of the request.', max_length=200),
        ),
        migrations.AlterField(
            model_name='receivedrequest',
            name='duplicates',
            field=models.PositiveIntegerField(default=0, help_text='Records that added nothing to a step already stored.'),
        ),
        migrations.AlterField(
            model_name='receivedrequest',
            name='error',
            field=models.TextField(blank=True, help_text='The error sentence in the answer.'),
        ),
        migrations.AlterField(
            model_name='receivedrequest',
            name='late',
            field=models.PositiveIntegerField(default=0, help_text='Records for a run that was already stored or had ended.'),
        ),
        migrations.AlterField(
            model_name='receivedrequest',
            name='records',
            field=models.PositiveIntegerField(default=0, help_text='The number of spans, events or logs in the request.'),
        ),
        migrations.AlterField(
            model_name='receivedrequest',
            name='run_ids',
            field=models.JSONField(blank=True, default=list, help_text='The ids of the first runs with records from this request.'),
        ),
        migrations.AlterField(
            model_name='receivedrequest',
            name='size',
            field=models.PositiveBigIntegerField(default=0, help_text='The size of the uncompressed body in bytes.'),
        ),
        migrations.AlterField(
            model_name='receivedrequest',
            name='status',
            field=models.PositiveSmallIntegerField(help_text='The HTTP status of the answer.'),
        ),
        migrations.AlterField(
            model_name='rerun',
            name='node_id',
            field=models.CharField(blank=True, help_text='The node that was run; empty for the whole app.', max_length=255),
        ),
        migrations.AlterField(
            model_name='run',
            name='cost_state',
            field=models.CharField(choices=[('priced', 'Priced'), ('partly', 'Partly priced'), ('unpriced', 'No price known'), ('free', 'Nothing to pay for')], default='free', max_length=10),
        ),
        migrations.AlterField(
            model_name='run',
            name='last_seen_at',
            field=models.DateTimeField(default=django.utils.timezone.now, help_text='When something about the run last arrived.'),
        ),
        migrations.AlterField(
            model_name='savedview',
            name='app',
            field=models.ForeignKey(blank=True, help_text='The app whose history is filtered; empty for all apps.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='saved_views', to='runs.app'),
        ),
        migrations.AlterField(
            model_name='searchdue',
            name='ready_at',
            field=models.DateTimeField(db_index=True, help_text='When the run can be indexed, if nothing more arrives until then.'),
        ),
    ]
