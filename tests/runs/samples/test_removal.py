"""Taking runs away: what refers to them goes with them, or to the run that takes their place."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import ManyToOneRel

from runs.models import Note, Rerun, Run, RunSource, ShareLink
from tests.factories import make_execution, make_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(admin: Any) -> Run:
    """A run that everything refers to which can."""
    run = make_run(source_ids={"trace": "t1"})
    make_execution(run)
    Note.objects.create(run=run, name="tag", label="vip")
    ShareLink.create(run, timedelta(days=1), [], admin)
    Rerun.objects.create(original=run, run=make_run())
    Rerun.objects.create(original=make_run(), run=run)
    assert 0 not in referring(run).values()
    return run


def referring(run: Run) -> dict[str, int]:
    """How many rows refer to a run, by column."""
    fields = Run._meta.get_fields(include_hidden=True)
    return {
        str(one.field): one.related_model._base_manager.filter(**{one.field.name: run.pk}).count()
        for one in fields
        if isinstance(one, ManyToOneRel)
    }


def test_nothing_is_left_of_runs_that_are_removed(run: Run) -> None:
    others = Run.objects.exclude(pk=run.pk)
    assert Run.objects.filter(pk=run.pk).remove() == 1
    assert set(referring(run).values()) == {0}
    [attempt] = Rerun.objects.all()  # of the run that stays, which nobody knows to have led on
    assert attempt.original in others and attempt.run is None


def test_another_run_takes_what_refers_to_them(run: Run) -> None:
    heir = make_run()
    before = referring(run)
    assert Run.objects.filter(pk=run.pk).remove(heir=heir.pk) == 1
    own = {"nodes.NodeExecution.run": 0, "runs.SearchDue.run": 1}  # steps are stored anew
    assert referring(heir) == before | own
    assert RunSource.objects.get().run == heir and not Run.objects.filter(pk=run.pk).exists()
