"""What each field of the search means, as a condition over runs. Conditions over a run's own
columns leave the order to the index that serves it (see `Run.Meta.indexes`)."""

import json
from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta

from django.db.models import Q, TextField
from django.db.models.functions import Cast

from nodes.ids import as_uuid
from runs.models import App, Conversation, Note, Run, Version
from runs.models.run import RunQuerySet
from runs.query.columns import any_met, any_of, within
from runs.query.fields import Takes
from runs.query.language import Query, Term
from runs.query.related_conditions import (
    OF_NOTE,
    OF_STEP,
    of_note,
    of_step,
    on_runs,
    with_note,
    with_step,
)
from runs.query.states import HAS, IS
from runs.query.timestamps import at

Words = Collection[str]
# Ranges: the run's column.
COLUMNS = {
    "time": "duration_us",
    "tokens": "total_tokens",
    "cost": "cost",
    "steps": "steps",
    "retries": "retries",
}
# Words that a column holds as they are.
SAME = {
    "status": "status",
    "user": "user",
    "name": "name",
    "source": "source_kind",
    "trigger": "trigger",
    "environment": "environment",
}


def meeting(runs: RunQuerySet, query: Query, apps: list[App], now: datetime) -> RunQuerySet:
    """The runs that meet all terms of `query` but the status that it asks for, which `page_of`
    merges. `apps`: those that it asks for, or of which the list is."""
    if apps:
        runs = runs.for_app(apps[0]) if len(apps) == 1 else runs.filter(app__in=apps)
    if any(term.field.name == "tag" for term in query.terms):
        runs = runs.alias(told_tags=Cast("tags", TextField()))
    for asked in _together(query):
        runs = runs.filter(asked)
    for term in query.terms:
        told = _taken(term, apps, now) if term.negated else _asked(query, term, apps, now)
        if told is not None:
            runs = runs.exclude(told) if term.negated else runs.filter(told)
    return runs


def _asked(query: Query, term: Term, apps: list[App], now: datetime) -> Q | None:
    """The condition of a term, of the first of a field's for all of them; None for what is asked
    otherwise."""
    name = term.field.name
    if name in ("app", "status", *OF_STEP, *OF_NOTE):
        return None
    if term.field.all_of or term.field.takes is not Takes.WORD:
        return condition(name, [term], apps, now)
    asked = query.of(name)[0]
    return condition(name, asked, apps, now) if asked[0] is term else None


def _taken(term: Term, apps: list[App], now: datetime) -> Q:
    name = term.field.name
    if name in OF_STEP:
        return with_step(of_step(name, [term]))
    if name in OF_NOTE:
        return with_note(of_note(name, [term]))
    return condition(name, [term], apps, now)


def _together(query: Query) -> Iterable[Q]:
    """What is asked of a step, and of a note, in one condition each."""
    steps = [of_step(name, asked) for name in OF_STEP if (asked := query.of(name)[0])]
    notes = [of_note(name, asked) for name in OF_NOTE if (asked := query.of(name)[0])]
    return [*([with_step(*steps)] if steps else []), *([with_note(*notes)] if notes else [])]


def condition(name: str, terms: list[Term], apps: list[App], now: datetime) -> Q:
    """Runs that meet any of `terms`, which are of one field."""
    words = [term.value for term in terms]
    if name in SAME:
        return any_of(SAME[name], words)
    if name in COLUMNS:
        return any_met(within(COLUMNS[name], term) for term in terms)
    if name in ("since", "until"):
        return Q(**{f"started_at__{'gte' if name == 'since' else 'lt'}": moment(terms[0], now)})
    if name == "version":
        return _version(words, apps)
    if name in ("is", "has"):
        return any_met((IS if name == "is" else HAS)[word](now) for word in words)
    return BY_WORDS[name](words)


def moment(term: Term, now: datetime) -> datetime:
    """The time that a term of since or until means."""
    told = term.meaning
    assert isinstance(told, datetime | timedelta)
    return at(told, now)


def _version(words: Words, apps: list[App]) -> Q:
    """Served by `run_version_started`, in order where it is one version: so its id is looked up
    first."""
    app = apps[0] if len(apps) == 1 else None
    ids = {
        pk for word in words for pk in Version.objects.named(word, app).values_list("pk", flat=True)
    }
    return any_of("version", sorted(ids)) if ids else Q(pk__in=[])


def _conversation(words: Words) -> Q:
    """By the conversation's id or the producer's. Served by `run_conversation_started`."""
    by_name = Q(source_id__in=words)
    if ids := [found for word in words if (found := as_uuid(word))]:
        by_name |= Q(pk__in=ids)
    return Q(conversation__in=Conversation.objects.filter(by_name))


def _id(words: Words) -> Q:
    runs = [Run.objects.with_source_id(word) for word in words]
    return Q(pk__in=[pk for of_word in runs for pk in of_word.values_list("pk", flat=True)])


def _failed_in(words: Words) -> Q:
    return any_of("failed_node_id", words) | any_met(Q(failed_title__iexact=word) for word in words)


def _error(words: Words) -> Q:
    return any_met(Q(error__icontains=word) for word in words)


def _error_group(words: Words) -> Q:
    """Served by `run_error_group_started`."""
    ids = [found for word in words if (found := as_uuid(word))]
    return any_of("error_group", ids) if ids else Q(pk__in=[])


def _tag(words: Words) -> Q:
    """A producer's tag (a JSON list of them, which databases keep escaped or not) or a person's."""
    told = Q(pk__in=on_runs(Note.objects.filter(name="tag", label__in=words)))
    for word in words:
        told |= Q(told_tags__contains=json.dumps(word))
        told |= Q(told_tags__contains=json.dumps(word, ensure_ascii=False))
    return told


BY_WORDS: dict[str, Callable[[Words], Q]] = {
    "app": lambda words: Q(app__in=App.objects.filter(slug__in=words)),
    "conversation": _conversation,
    "id": _id,
    "failed_in": _failed_in,
    "error": _error,
    "errorgroup": _error_group,
    "tag": _tag,
}
