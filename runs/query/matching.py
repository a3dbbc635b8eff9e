"""Finds the runs that match a query."""

from datetime import datetime

from django.db.models import Q

from nodes.models import NodeExecution, NodeExecutionQuerySet
from runs.models import App
from runs.models.run import RunQuerySet
from runs.query.conditions import (
    ConditionContext,
    NoteCondition,
    RunCondition,
    StepCondition,
    TextCondition,
    any_of,
    has_note,
    has_step,
)
from runs.query.fields import FIELDS
from runs.query.language import Query, Term
from runs.search.terms import StepText, normalized_phrase

# `RunFilters` narrows the list to the apps, and reads each status by itself.
APPLIED_ELSEWHERE = frozenset({"app", "status"})


def matching_runs(runs: RunQuerySet, query: Query, apps: list[App], now: datetime) -> RunQuerySet:
    """Return the runs that match all terms of `query` but the texts of steps, which the search
    finds, and the statuses that it asks for, which `page_of` merges. `apps`: those whose runs are
    listed; none: all."""
    if apps:
        runs = runs.for_app(apps[0]) if len(apps) == 1 else runs.filter(app__in=apps)
    if not shows_transport(query):
        runs = runs.listed()
    names = {term.field.name for term in query.every_term}
    for field in FIELDS:
        if field.name in names and isinstance(field.condition, RunCondition):
            runs = runs.alias(**field.condition.aliases)
    return runs.filter(_condition_of(query, ConditionContext(apps, now), APPLIED_ELSEWHERE))


def _condition_of(query: Query, context: ConditionContext, left_out: frozenset[str]) -> Q:
    """Return the condition that a run matches all terms and alternatives of `query`, but what the
    fields `left_out` require."""
    condition = Q()
    if steps := related_conditions(query, StepCondition):
        condition &= has_step(*steps)
    if notes := related_conditions(query, NoteCondition):
        condition &= has_note(*notes)
    for field in FIELDS:
        required = query.required(field.name)
        if required and isinstance(field.condition, RunCondition) and field.name not in left_out:
            condition &= field.condition.over_runs(required, context)
        if not isinstance(field.condition, TextCondition):
            for term in query.excluded(field.name):
                condition &= ~field.condition.over_runs([term], context)
    for group in query.groups:
        nothing_left_out = frozenset[str]()
        matched = any_of(
            _condition_of(alternative, context, nothing_left_out)
            for alternative in group.alternatives
        )
        condition &= ~matched if group.negated else matched
    return condition


def step_texts(query: Query) -> tuple[StepText, ...]:
    """Return what the search has to find in values of steps."""
    texts: list[StepText] = []
    for field in FIELDS:
        if isinstance(field.condition, TextCondition):
            value = field.condition.value
            if required := query.required(field.name):
                texts.append(StepText(value, tuple(map(_needle, required))))
            texts += (
                StepText(value, (_needle(term),), excluded=True)
                for term in query.excluded(field.name)
            )
    return tuple(texts)


def _needle(term: Term) -> str:
    """Return the text of a term; "" in quotes stands for itself."""
    return normalized_phrase(term.value) or '""'


def searched_steps(query: Query) -> NodeExecutionQuerySet | None:
    """Return the steps in which `step_texts` have to stand; None for any step."""
    conditions = related_conditions(query, StepCondition)
    return NodeExecution.objects.visible().filter(*conditions) if conditions else None


def shows_transport(query: Query) -> bool:
    """Return whether runs of a transport alone are listed: where they, or a run by its id, are
    asked for."""
    required = [term for term in query.every_term if not term.negated]
    return any(
        term.field.name == "id" or (term.field.name == "is" and term.value == "transport")
        for term in required
    )


def related_conditions(
    query: Query, condition_type: type[StepCondition] | type[NoteCondition]
) -> list[Q]:
    """Return what `query` requires of one and the same step, or of one and the same note."""
    return [
        field.condition.build(required)
        for field in FIELDS
        if isinstance(field.condition, condition_type) and (required := query.required(field.name))
    ]
