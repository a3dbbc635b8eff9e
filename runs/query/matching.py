"""Finds the runs that match a query."""

from datetime import datetime

from django.db.models import Q

from runs.models import App
from runs.models.run import RunQuerySet
from runs.query.conditions import (
    ConditionContext,
    NoteCondition,
    RunCondition,
    StepCondition,
    has_note,
    has_step,
)
from runs.query.fields import FIELDS
from runs.query.language import Query

# `RunFilters` narrows the list to the apps, and reads each status by itself.
APPLIED_ELSEWHERE = frozenset({"app", "status"})


def matching_runs(runs: RunQuerySet, query: Query, apps: list[App], now: datetime) -> RunQuerySet:
    """Return the runs that match all terms of `query` but the statuses that it asks for, which
    `page_of` merges. `apps`: those whose runs are listed; none: all."""
    if apps:
        runs = runs.for_app(apps[0]) if len(apps) == 1 else runs.filter(app__in=apps)
    if not shows_transport(query):
        runs = runs.listed()
    context = ConditionContext(apps, now)
    if steps := related_conditions(query, StepCondition):
        runs = runs.filter(has_step(*steps))
    if notes := related_conditions(query, NoteCondition):
        runs = runs.filter(has_note(*notes))
    for field in FIELDS:
        condition = field.condition
        required, excluded = query.required(field.name), query.excluded(field.name)
        if isinstance(condition, RunCondition) and (required or excluded):
            runs = runs.alias(**condition.aliases)
            if required and field.name not in APPLIED_ELSEWHERE:
                runs = runs.filter(condition.over_runs(required, context))
        for term in excluded:
            runs = runs.exclude(condition.over_runs([term], context))
    return runs


def shows_transport(query: Query) -> bool:
    """Return whether runs of a transport alone are listed: where they, or a run by its id, are
    asked for."""
    states = {term.value for term in query.required("is")}
    return "transport" in states or bool(query.required("id"))


def related_conditions(
    query: Query, condition_type: type[StepCondition] | type[NoteCondition]
) -> list[Q]:
    """Return what `query` requires of one and the same step, or of one and the same note."""
    return [
        field.condition.build(required)
        for field in FIELDS
        if isinstance(field.condition, condition_type) and (required := query.required(field.name))
    ]
