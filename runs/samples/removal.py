"""Taking the samples away again."""

from django.db import transaction
from django.db.models import QuerySet

from nodes.models import NodeExecution, Payload
from runs.models import (
    App,
    Conversation,
    ErrorGroup,
    Note,
    Rerun,
    Run,
    RunSource,
    SavedView,
    ShareLink,
    Version,
)
from runs.search.indexing import forget


@transaction.atomic
def remove() -> int:
    """Delete the sample apps with everything of them; the number of runs that are gone. Rows are
    deleted by app in the order of their references and never loaded."""
    apps = list(App.objects.filter(is_sample=True).values_list("pk", flat=True))
    runs = Run.objects.filter(app__in=apps)
    Rerun.objects.filter(run__in=runs).update(run=None)
    forget(runs)
    for of_run in (RunSource, Note, ShareLink):
        _delete(of_run.objects.filter(run__in=runs))
    _delete(Rerun.objects.filter(original__in=runs))
    _delete(NodeExecution.objects.filter(app__in=apps))
    count = _delete(runs)
    _delete(Payload.objects.filter(app__in=apps))
    _delete(Conversation.objects.filter(app__in=apps))
    for of_app in (Version, ErrorGroup, SavedView):
        _delete(of_app.objects.filter(app__in=apps))
    App.objects.filter(pk__in=apps).delete()
    return count


def _delete(rows: QuerySet) -> int:
    """One DELETE, without Django's walk over what refers to the rows."""
    return rows._raw_delete(rows.db)
