"""Conditions over runs, of which `runs.query.fields` gives each field one. Conditions over a run's
own columns leave the order to the index that serves it (see `Run.Meta.indexes`)."""

import json
import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import reduce
from operator import and_, or_
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, TextField
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast
from django.utils import timezone

from nodes.choices import NodeStatus
from nodes.ids import as_uuid
from nodes.models import NodeExecution
from runs.choices import UNFINISHED, RunStatus
from runs.models import App, Conversation, ErrorGroup, Note, Rerun, Run, Version
from runs.models.note import DOWN, UP
from runs.models.run import stalled_condition
from runs.query.language import Term
from runs.query.values import ValueRange

NO_RUNS = Q(pk__in=[])


@dataclass(frozen=True, slots=True)
class ConditionContext:
    """What a condition depends on beside its terms: the `apps` whose runs are listed (none: all of
    them), and the time `now`, from which "7d" counts back."""

    apps: list[App]
    now: datetime


RunConditionBuilder = Callable[[list[Term], ConditionContext], Q]
RelatedConditionBuilder = Callable[[list[Term]], Q]


@dataclass(frozen=True, slots=True)
class RunCondition:
    """A condition over a run. `build` returns what matches any of the terms; with `every_term` a
    run must match each of them. `aliases` are expressions that the condition refers to."""

    build: RunConditionBuilder
    every_term: bool = False
    aliases: Mapping[str, Combinable] = field(default_factory=dict)

    def over_runs(self, terms: list[Term], context: ConditionContext) -> Q:
        if self.every_term:
            return all_of(self.build([term], context) for term in terms)
        return self.build(terms, context)


@dataclass(frozen=True, slots=True)
class StepCondition:
    """A condition over a step: terms of several such fields speak of one and the same step."""

    build: RelatedConditionBuilder

    def over_runs(self, terms: list[Term], context: ConditionContext) -> Q:
        return has_step(self.build(terms))


@dataclass(frozen=True, slots=True)
class NoteCondition:
    """A condition over a note: terms of several such fields speak of one and the same note."""

    build: RelatedConditionBuilder

    def over_runs(self, terms: list[Term], context: ConditionContext) -> Q:
        return has_note(self.build(terms))


@dataclass(frozen=True, slots=True)
class TextCondition:
    """A condition over the text of a step's value, which no column holds: the search reads it.
    `value` is "inputs" or "outputs"; the step is the one that step conditions speak of."""

    value: str


Condition = RunCondition | StepCondition | NoteCondition | TextCondition


# -- parts of conditions --------------------------------------------------------------------------


def any_of(conditions: Iterable[Q]) -> Q:
    return reduce(or_, conditions, Q())


def all_of(conditions: Iterable[Q]) -> Q:
    return reduce(and_, conditions, Q())


def equals_any(column: str, values: Iterable[Any]) -> Q:
    values = list(values)
    return Q(**{column: values[0]}) if len(values) == 1 else Q(**{f"{column}__in": values})


def within_range(column: str, term: Term) -> Q:
    value_range = term.parsed
    assert isinstance(value_range, ValueRange)
    low, high = value_range.low, value_range.high
    if low is not None and low == high:
        return Q(**{column: _column_number(column, low)})
    condition = Q()
    if low is not None:
        lookup = "gt" if value_range.above else "gte"
        condition &= Q(**{f"{column}__{lookup}": _column_number(column, low)})
    if high is not None:
        lookup = "lt" if value_range.below else "lte"
        condition &= Q(**{f"{column}__{lookup}": _column_number(column, high)})
    return condition


def _column_number(column: str, number: Decimal) -> Decimal | int | float:
    """Return `number` in the type of the column: cost is Decimal, a note's score is float."""
    if column == "cost":
        return number
    return float(number) if column == "number" else math.trunc(number)


def has_step(*conditions: Q) -> Q:
    """Match runs with one visible step that meets all `conditions`."""
    steps = NodeExecution.objects.visible().filter(*conditions, run_id=OuterRef("pk"))
    return Q(Exists(steps))


def has_note(*conditions: Q) -> Q:
    """Match runs with one note, on themselves or on a step, that meets all `conditions`."""
    return Q(pk__in=run_ids_of(Note.objects.filter(*conditions)))


def run_ids_of(notes: QuerySet[Note]) -> QuerySet[Any, Any]:
    return notes.filter(run__isnull=False).values("run_id")


def values_of(terms: Iterable[Term]) -> list[str]:
    return [term.value for term in terms]


def timestamp_of(term: Term, now: datetime) -> datetime:
    """Return the aware time that a term of since or until means."""
    assert isinstance(term.parsed, datetime | timedelta)
    return aware_timestamp(term.parsed, now)


def aware_timestamp(parsed: datetime | timedelta, now: datetime) -> datetime:
    """Return the aware time of a parsed one: so long before `now`; without a zone it is local."""
    if isinstance(parsed, timedelta):
        return now - parsed
    return parsed if timezone.is_aware(parsed) else timezone.make_aware(parsed)


# -- conditions over a run's own columns ----------------------------------------------------------


def column_equals(column: str) -> RunCondition:
    return RunCondition(lambda terms, context: equals_any(column, values_of(terms)))


def column_in_range(column: str) -> RunCondition:
    return RunCondition(lambda terms, context: within_range(column, terms[0]), every_term=True)


def started(lookup: str) -> RunCondition:
    """Compare the run's start: `lookup` is gte or lt."""
    return RunCondition(
        lambda terms, context: Q(**{f"started_at__{lookup}": timestamp_of(terms[0], context.now)}),
        every_term=True,
    )


def _in_app(terms: list[Term], context: ConditionContext) -> Q:
    return Q(app__in=App.objects.filter(slug__in=values_of(terms)))


def _of_version(terms: list[Term], context: ConditionContext) -> Q:
    """Match runs of the versions. Served by `run_version_started`; with one version also in its
    order, which is why the ids are looked up first."""
    app = context.apps[0] if len(context.apps) == 1 else None
    ids = {
        pk
        for name in values_of(terms)
        for pk in Version.objects.named(name, app).values_list("pk", flat=True)
    }
    return equals_any("version", sorted(ids)) if ids else NO_RUNS


def _in_conversation(terms: list[Term], context: ConditionContext) -> Q:
    """Match runs by the conversation's id or the producer's. Served by
    `run_conversation_started`."""
    names = values_of(terms)
    named = Q(source_id__in=names)
    if ids := _uuids(names):
        named |= Q(pk__in=ids)
    return Q(conversation__in=Conversation.objects.filter(named))


def _known_by_id(terms: list[Term], context: ConditionContext) -> Q:
    ids = [
        pk
        for source_id in values_of(terms)
        for pk in Run.objects.with_source_id(source_id).values_list("pk", flat=True)
    ]
    return Q(pk__in=ids)


def _failed_in(terms: list[Term], context: ConditionContext) -> Q:
    names = values_of(terms)
    by_title = any_of(Q(failed_title__iexact=name) for name in names)
    return equals_any("failed_node_id", names) | by_title


def _error_contains(terms: list[Term], context: ConditionContext) -> Q:
    """Match runs by a part of their error's message or type, or by "type: message", as pages write
    both."""
    condition = Q()
    for text in values_of(terms):
        types = ErrorGroup.objects.filter(error_type__icontains=text)
        condition |= Q(error__icontains=text) | Q(error_group__in=types)
        error_type, colon, message = text.partition(": ")
        if colon and error_type.strip():
            types = ErrorGroup.objects.filter(error_type__iendswith=error_type.strip())
            condition |= Q(error_group__in=types, error__icontains=message.strip())
    return condition


def _in_error_group(terms: list[Term], context: ConditionContext) -> Q:
    """Match runs by the id of their error group. Served by `run_error_group_started`."""
    ids = _uuids(values_of(terms))
    return equals_any("error_group", ids) if ids else NO_RUNS


def _has_tag(terms: list[Term], context: ConditionContext) -> Q:
    """Match runs by a tag of the producer (a JSON list, which databases store escaped or not) or of
    a person."""
    tags = values_of(terms)
    condition = Q(pk__in=run_ids_of(Note.objects.filter(name="tag", label__in=tags)))
    for tag in tags:
        condition |= Q(tags_as_text__contains=json.dumps(tag))
        condition |= Q(tags_as_text__contains=json.dumps(tag, ensure_ascii=False))
    return condition


def _uuids(texts: Collection[str]) -> list[Any]:
    return [parsed for text in texts if (parsed := as_uuid(text))]


in_app = RunCondition(_in_app)
of_version = RunCondition(_of_version)
in_conversation = RunCondition(_in_conversation)
known_by_id = RunCondition(_known_by_id)
failed_in = RunCondition(_failed_in)
error_contains = RunCondition(_error_contains)
in_error_group = RunCondition(_in_error_group)
has_tag = RunCondition(_has_tag, aliases={"tags_as_text": Cast("tags", TextField())})

StateCondition = Callable[[datetime], Q]


def one_of_states(states: Mapping[str, StateCondition]) -> RunCondition:
    """Return the condition of a field whose choices are states; a run must be in every state of the
    query."""
    return RunCondition(lambda terms, context: states[terms[0].value](context.now), every_term=True)


IS_STATES: dict[str, StateCondition] = {
    "running": lambda now: Q(status=RunStatus.RUNNING),
    "paused": lambda now: Q(status=RunStatus.PAUSED),
    "stalled": stalled_condition,
    "finished": lambda now: ~Q(status__in=UNFINISHED),
    "transport": lambda now: Q(only_transport=True),
    "pinned": lambda now: has_note(Q(name="pin")),
    "rerun": lambda now: Q(pk__in=Rerun.objects.filter(run__isnull=False).values("run_id")),
}
HAS_STATES: dict[str, StateCondition] = {
    "note": lambda now: Q(pk__in=run_ids_of(Note.objects.exclude(name__in=("pin", "tag")))),
    "tag": lambda now: ~Q(tags=[]) | has_note(Q(name="tag")),
    "error": lambda now: ~Q(error=""),
    "user": lambda now: ~Q(user=""),
    "conversation": lambda now: Q(conversation__isnull=False),
    "cost": lambda now: Q(cost__isnull=False),
    "retry": lambda now: Q(retries__gt=0),
}

# -- conditions over a step, or over a note -------------------------------------------------------


def _step_of_node(terms: list[Term]) -> Q:
    names = values_of(terms)
    return equals_any("node_id", names) | any_of(Q(title__iexact=name) for name in names)


def _step_of_model(terms: list[Term]) -> Q:
    """Match steps by a part of their model's name, or after "=" by the whole name."""
    return any_of(
        Q(model=name[1:]) if name.startswith("=") else Q(model__icontains=name)
        for name in values_of(terms)
    )


def step_column_equals(column: str) -> StepCondition:
    return StepCondition(lambda terms: equals_any(column, values_of(terms)))


def _step_that_returned_nothing(terms: list[Term]) -> Q:
    """Match steps that succeeded and whose output holds nothing: then its preview is empty (see
    `nodes.content.previews`), or the text "null". No value is stored for null and for an empty
    text; so a step without an output counts where its input was recorded."""
    nothing = Q(status=NodeStatus.SUCCEEDED, outputs_preview__in=("", "null"))
    return nothing & (Q(outputs__isnull=False) | Q(inputs__isnull=False))


step_that_returned_nothing = StepCondition(_step_that_returned_nothing)
step_of_node = StepCondition(_step_of_node)
step_of_model = StepCondition(_step_of_model)
note_named = NoteCondition(lambda terms: Q(name__in=values_of(terms)))
note_labelled = NoteCondition(
    lambda terms: any_of(Q(label__iexact=label) for label in values_of(terms))
)
note_scored = NoteCondition(lambda terms: all_of(within_range("number", term) for term in terms))
note_thumbs = NoteCondition(
    lambda terms: any_of(UP if term.value == "up" else DOWN for term in terms)
)
