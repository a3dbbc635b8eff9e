"""Taking the samples away again."""

from django.db import transaction
from django.db.models import QuerySet

from nodes.models import NodeExecution, Payload
from runs.models import App, Conversation, Run, RunSource, Version


@transaction.atomic
def remove() -> int:
    """Delete the sample apps with everything of them; the number of runs that are gone. Rows are
    deleted by app in the order of their references and never loaded."""
    apps = list(App.objects.filter(is_sample=True).values_list("pk", flat=True))
    runs = Run.objects.filter(app__in=apps)
    _delete(RunSource.objects.filter(run__in=runs))
    _delete(NodeExecution.objects.filter(app__in=apps))
    count = _delete(runs)
    _delete(Payload.objects.filter(app__in=apps))
    _delete(Conversation.objects.filter(app__in=apps))
    _delete(Version.objects.filter(app__in=apps))
    App.objects.filter(pk__in=apps).delete()
    return count


def _delete(rows: QuerySet) -> int:
    """One DELETE, without Django's walk over what refers to the rows."""
    return rows._raw_delete(rows.db)
