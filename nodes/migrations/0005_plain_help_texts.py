"""Help texts in plain English; the database does not change."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('nodes', '0004_received_in_its_row'),
    ]

    operations = [
        migrations.AlterField(
            model_name='nodeexecution',
            name='cost_reported',
            field=models.BooleanField(default=False, help_text='The cost was reported by the producer, not computed here.'),
        ),
        migrations.AlterField(
            model_name='nodeexecution',
            name='counted',
            field=models.BooleanField(default=False, help_text="The run's totals include the tokens and cost of this step."),
        ),
        migrations.AlterField(
            model_name='nodeexecution',
            name='folded',
            field=models.BooleanField(default=False, help_text='A wrapper span, shown only with all spans.'),
        ),
        migrations.AlterField(
            model_name='nodeexecution',
            name='index',
            field=models.PositiveIntegerField(default=0, help_text='The index in pre-order, from 0.'),
        ),
        migrations.AlterField(
            model_name='nodeexecution',
            name='iteration',
            field=models.CharField(blank=True, help_text='Iteration numbers from 0, outermost first: 3 or 3.0', max_length=100),
        ),
        migrations.AlterField(
            model_name='nodeexecution',
            name='node_id',
            field=models.CharField(help_text='The key of the node in the graph.', max_length=255),
        ),
        migrations.AlterField(
            model_name='nodeexecution',
            name='orphan',
            field=models.BooleanField(default=False, help_text='The parent has not been received.'),
        ),
        migrations.AlterField(
            model_name='nodeexecution',
            name='parent_id',
            field=models.UUIDField(help_text='The parent in the tree, which may not have arrived yet.', null=True),
        ),
        migrations.AlterField(
            model_name='nodeexecution',
            name='taken',
            field=models.CharField(blank=True, help_text='The branch that a branching step chose.', max_length=255),
        ),
        migrations.AlterField(
            model_name='payload',
            name='cut_of',
            field=models.PositiveBigIntegerField(blank=True, help_text='The size in bytes before the producer truncated the value; empty if complete.', null=True),
        ),
    ]
