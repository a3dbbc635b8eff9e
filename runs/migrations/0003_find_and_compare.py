"""What finding and comparing keep: kinds of failure, saved views, links that share a run, runs asked for
from here."""

import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("nodes", "0004_received_in_its_row"),
        ("runs", "0002_every_producer"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Rerun",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("source_id", models.CharField(blank=True, max_length=128)),
                ("sent", models.JSONField(default=dict)),
                (
                    "node_id",
                    models.CharField(
                        blank=True,
                        help_text="The one node that was run; empty: the whole app.",
                        max_length=255,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("running", "Running"), ("done", "Done"), ("failed", "Failed")],
                        default="running",
                        max_length=10,
                    ),
                ),
                ("error", models.TextField(blank=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["-created_at"],
            },
        ),
        migrations.CreateModel(
            name="SavedView",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                (
                    "query",
                    models.TextField(
                        blank=True, help_text="The query string, such as status=failed."
                    ),
                ),
                ("shared", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="ShareLink",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("digest", models.CharField(editable=False, max_length=64, unique=True)),
                ("masked", models.JSONField(blank=True, default=list)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                ("last_opened_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["-created_at"],
            },
        ),
        migrations.AddField(
            model_name="app",
            name="upstream_key",
            field=models.CharField(
                blank=True, help_text="The key that the upstream asks for.", max_length=500
            ),
        ),
        migrations.AddField(
            model_name="app",
            name="upstream_kind",
            field=models.CharField(
                choices=[("dify", "Dify API"), ("webhook", "Webhook")],
                default="dify",
                help_text="What it speaks.",
                max_length=10,
            ),
        ),
        migrations.CreateModel(
            name="ErrorGroup",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("node_id", models.CharField(blank=True, max_length=255)),
                (
                    "title",
                    models.CharField(
                        blank=True, help_text="The failed step's name.", max_length=255
                    ),
                ),
                ("error_type", models.CharField(blank=True, max_length=200)),
                (
                    "message",
                    models.TextField(blank=True, help_text="Masked: what all its runs say alike."),
                ),
                ("resolved_at", models.DateTimeField(blank=True, null=True)),
                (
                    "app",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="error_groups",
                        to="runs.app",
                    ),
                ),
                (
                    "resolved_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="run",
            name="error_group",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="runs",
                to="runs.errorgroup",
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("error_group__isnull", False)),
                fields=["error_group", "-started_at", "-id"],
                name="run_error_group_started",
            ),
        ),
        migrations.AddField(
            model_name="rerun",
            name="original",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="reruns", to="runs.run"
            ),
        ),
        migrations.AddField(
            model_name="rerun",
            name="requested_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="rerun",
            name="run",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="rerun_of",
                to="runs.run",
            ),
        ),
        migrations.AddField(
            model_name="savedview",
            name="app",
            field=models.ForeignKey(
                blank=True,
                help_text="The app whose history it filters; empty: the history of all apps.",
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="saved_views",
                to="runs.app",
            ),
        ),
        migrations.AddField(
            model_name="savedview",
            name="owner",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="saved_views",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="sharelink",
            name="created_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="sharelink",
            name="run",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="share_links",
                to="runs.run",
            ),
        ),
        migrations.AddConstraint(
            model_name="savedview",
            constraint=models.UniqueConstraint(
                fields=("owner", "name"), name="saved_view_owner_name"
            ),
        ),
    ]
