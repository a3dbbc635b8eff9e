"""Removing runs: what refers to them goes with them, or to the run that takes their place."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db.models import ManyToOneRel

from runs.models import Note, Rerun, Run, RunSource, ShareLink, SpanLink
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
    SpanLink.objects.create(run=run, execution=uuid4(), trace="a" * 32, span="b" * 16)
    assert 0 not in references_to(run).values()
    return run


def references_to(run: Run) -> dict[str, int]:
    """Return how many rows refer to a run, by column."""
    fields = Run._meta.get_fields(include_hidden=True)
    return {
        str(ref.field): ref.related_model._base_manager.filter(**{ref.field.name: run.pk}).count()
        for ref in fields
        if isinstance(ref, ManyToOneRel)
    }


def test_nothing_is_left_of_runs_that_are_removed(run: Run) -> None:
    remaining = Run.objects.exclude(pk=run.pk)
    assert Run.objects.filter(pk=run.pk).remove() == 1
    assert set(references_to(run).values()) == {0}
    [attempt] = Rerun.objects.all()  # of the run that stays, whose new run is gone
    assert attempt.original in remaining and attempt.run is None


def test_another_run_takes_what_refers_to_them(run: Run) -> None:
    heir = make_run()
    before = references_to(run)
    assert Run.objects.filter(pk=run.pk).remove(heir=heir.pk) == 1
    # Steps and their links are stored anew.
    own = {"nodes.NodeExecution.run": 0, "runs.SpanLink.run": 0, "runs.SearchDue.run": 1}
    assert references_to(heir) == before | own
    assert RunSource.objects.get().run == heir and not Run.objects.filter(pk=run.pk).exists()
