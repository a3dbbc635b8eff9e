"""Taking the samples away again."""

from django.db import transaction
from django.db.models import QuerySet

from nodes.models import Payload
from runs.models import App, Conversation, ErrorGroup, Run, SavedView, Version
from runs.search.indexing import forget


@transaction.atomic
def remove() -> int:
    """Delete the sample apps with everything of them; the number of runs that are gone. Rows are
    deleted by app in the order of their references and never loaded."""
    apps = list(App.objects.filter(is_sample=True).values_list("pk", flat=True))
    runs = Run.objects.filter(app__in=apps)
    forget(runs)
    count = runs.remove()
    _delete(Payload.objects.filter(app__in=apps))
    _delete(Conversation.objects.filter(app__in=apps))
    for of_app in (Version, ErrorGroup, SavedView):
        _delete(of_app.objects.filter(app__in=apps))
    App.objects.filter(pk__in=apps).delete()
    return count


def _delete(rows: QuerySet) -> int:
    """One DELETE, without Django's walk over what refers to the rows."""
    return rows._raw_delete(rows.db)
