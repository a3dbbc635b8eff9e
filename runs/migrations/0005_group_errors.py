"""Groups for the failures that were recorded before there were any."""

from django.db import migrations

from runs.recording.deriving.fingerprint import ErrorFingerprint

AT_ONCE = 200


def group_errors(apps, schema_editor):
    Run, NodeExecution, ErrorGroup = (
        apps.get_model(name) for name in ("runs.Run", "nodes.NodeExecution", "runs.ErrorGroup")
    )
    runs = Run.objects.filter(status="failed", error_group=None).order_by("pk")
    runs = runs.only("id", "app_id", "error", "failed_execution", "failed_node_id", "failed_title")
    found = list(runs[:AT_ONCE])
    while found:
        told, groups = _told(NodeExecution, found), {}
        for run in found:
            error_type, error = told.get(run.pk, ("", ""))
            names = (run.failed_node_id, run.failed_title)
            failure = ErrorFingerprint.of(*names, error_type, error or run.error)
            run.error_group_id = key = failure.group(run.app_id)
            groups[key] = ErrorGroup(
                id=key, app_id=run.app_id, node_id=failure.node_id, title=failure.title,
                error_type=failure.error_type, message=failure.message,
            )  # fmt: skip
        ErrorGroup.objects.bulk_create(groups.values(), ignore_conflicts=True)
        Run.objects.bulk_update(found, ["error_group"])
        found = list(runs.filter(pk__gt=found[-1].pk)[:AT_ONCE])


def _told(NodeExecution, runs):
    """Run → type and message of what failed it: its failing step, else its own span."""
    steps = NodeExecution.objects.filter(
        pk__in=[r.failed_execution for r in runs if r.failed_execution]
    )
    own = NodeExecution.objects.filter(
        folded=True, run__in=[run.pk for run in runs if not run.failed_execution]
    ).exclude(error="")
    rows = [
        *own.order_by("started_at").values_list("run_id", "kind", "error_type", "error"),
        *steps.values_list("run_id", "kind", "error_type", "error"),
    ]
    told = {}
    for run_id, _, *said in sorted(rows, key=lambda row: row[1] != "workflow"):
        told.setdefault(run_id, said)
    return told


class Migration(migrations.Migration):
    dependencies = [("runs", "0004_search")]

    operations = [migrations.RunPython(group_errors, migrations.RunPython.noop)]
