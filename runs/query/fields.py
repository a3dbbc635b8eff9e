"""The fields that runs can be searched by. One declaration holds all that a field is: name, help,
example, parser, condition, facet and input of the form. The parser, the help beside the search box,
the form, the facets and `/llms.txt` read this list; a field cannot be declared without a condition.
"""

from dataclasses import KW_ONLY, dataclass
from typing import Literal

from nodes.kinds import kind_key
from runs.choices import STALLED, RunStatus
from runs.query import conditions
from runs.query.conditions import (
    HAS_STATES,
    IS_STATES,
    Condition,
    column_equals,
    column_in_range,
    one_of_states,
    step_column_equals,
)
from runs.query.language import FormInput, QueryField, QueryLanguage, SignedParameter
from runs.query.values import (
    ChoiceParser,
    DurationParser,
    NumberParser,
    TimestampParser,
    WordParser,
)


@dataclass(frozen=True, slots=True)
class FieldFacet:
    """How a field's values are counted beside a list: in `column` of the runs, or without one in
    the runs' steps. `place` is where the facet stands among the others."""

    label: str
    place: int
    column: str = ""


@dataclass(frozen=True, slots=True)
class OfferedValues:
    """Where values are read that the search box offers: in `column` of `rows`, which are the newest
    runs, their steps, or the apps."""

    rows: Literal["runs", "steps", "apps"]
    column: str


@dataclass(frozen=True, slots=True, eq=False)
class FilterField(QueryField):
    """A field of the language with what it means for runs. `values` are those that the search box
    offers."""

    condition: Condition
    _: KW_ONLY
    facet: FieldFacet | None = None
    values: OfferedValues | None = None


WORD, WHOLE_NUMBER = WordParser(), NumberParser(whole=True)
# As pages write them, and as others do.
WORDS_FOR_STATUSES = {
    "-".join(str(status.label).lower().split()): status.value for status in RunStatus
} | {"success": "succeeded", "ok": "succeeded", "error": "failed", "failure": "failed"}
WORDS_FOR_EMPTY = dict.fromkeys(("nothing", "none", "null", "[]", "{}"), "empty")
# A run is in one of these states only; a stalled run says that it is running.
EXCLUSIVE_STATES = (
    frozenset(("running", "finished")),
    frozenset(("stalled", "finished")),
    frozenset(("paused", "finished")),
    frozenset(("running", "paused")),
    frozenset(("stalled", "paused")),
)

FIELDS: tuple[FilterField, ...] = (
    FilterField(
        "status", "How the run ended", "status:failed",
        ChoiceParser(
            tuple(RunStatus.values), also=WORDS_FOR_STATUSES, elsewhere={STALLED: "is:stalled"}
        ),
        column_equals("status"),
        synonyms=("state",), facet=FieldFacet("Status", 1, "status"),
    ),
    FilterField(
        "app", "App, by its name or the one in its address", "app:support-chat",
        WORD, conditions.in_app,
        synonyms=("workflow", "project"), facet=FieldFacet("App", 2, "app_id"),
        values=OfferedValues("apps", "slug"),
    ),
    FilterField(
        "version", "Version, by number or label", "version:#3", WORD, conditions.of_version,
        facet=FieldFacet("Version", 3, "version_id"),
        form=FormInput("Version", "Number or label", 1),
    ),
    FilterField(
        "since", "Started at this time or later", "since:7d",
        TimestampParser((">", ">=")), conditions.started("gte"), synonyms=("after", "from"),
        form=FormInput("Since", "2026-11-22, or 24h, 7d", 3),
    ),
    FilterField(
        "until", "Started before this", "until:2026-11-22",
        TimestampParser(("<", "<=")), conditions.started("lt"),
        aliases=("before",), synonyms=("to",),
        form=FormInput("Until", "2026-11-22, or 1h", 4),
    ),
    FilterField(
        "time", "How long the run took", "time:>2s",
        DurationParser(), column_in_range("duration_us"),
        aliases=("duration",), synonyms=("latency", "took"),
        parameters=(
            SignedParameter("min_duration", ">=", FormInput("Time from", "2s, 500ms", 12)),
            SignedParameter("max_duration", "<=", FormInput("Time to", "2s, 500ms", 13)),
        ),
    ),
    FilterField(
        "tokens", "Tokens of the whole run", "tokens:>10k",
        WHOLE_NUMBER, column_in_range("total_tokens"),
        parameters=(
            SignedParameter("min_tokens", ">=", FormInput("Tokens from", "10k", 14)),
            SignedParameter("max_tokens", "<="),
        ),
    ),
    FilterField(
        "cost", "Cost of the whole run", "cost:>0.05", NumberParser(), column_in_range("cost"),
        synonyms=("price",),
        parameters=(
            SignedParameter("min_cost", ">=", FormInput("Cost from", "0.05", 15)),
            SignedParameter("max_cost", "<="),
        ),
    ),
    FilterField(
        "steps", "How many steps it took", "steps:>100", WHOLE_NUMBER, column_in_range("steps"),
    ),
    FilterField(
        "retries", "How many steps were retried", "retries:>0",
        WHOLE_NUMBER, column_in_range("retries"),
    ),
    FilterField(
        "user", "Who used the app, by the producer's id", "user:u-1", WORD, column_equals("user"),
        facet=FieldFacet("User", 9, "user"), form=FormInput("User", "", 2),
        values=OfferedValues("runs", "user"),
    ),
    FilterField(
        "conversation", "Conversation, by id", "conversation:thread-9",
        WORD, conditions.in_conversation, synonyms=("session", "thread"),
        form=FormInput("Conversation", "Id", 5),
    ),
    FilterField(
        "id", "The run, by any id of it: run, trace, message", "id:4bf92f3577b34da6",
        WORD, conditions.known_by_id, synonyms=("trace",),
    ),
    FilterField(
        "name", "The workflow's own name", "name:checkout", WORD, column_equals("name"),
        values=OfferedValues("runs", "name"),
    ),
    FilterField(
        "source", "How it was recorded", "source:otlp", WORD, column_equals("source_kind"),
        facet=FieldFacet("Source", 10, "source_kind"), values=OfferedValues("runs", "source_kind"),
        form=FormInput("Source", "otlp, dify-otlp, …", 6),
    ),
    FilterField(
        "trigger", "What started it", "trigger:webhook", WORD, column_equals("trigger"),
        facet=FieldFacet("Trigger", 11, "trigger"), values=OfferedValues("runs", "trigger"),
    ),
    FilterField(
        "environment", "Where it ran", "environment:production", WORD, column_equals("environment"),
        aliases=("env",), synonyms=("env_name",),
        facet=FieldFacet("Environment", 12, "environment"),
        values=OfferedValues("runs", "environment"),
    ),
    FilterField(
        "node", "Has a step of this node, by id or title", "node:classify",
        WORD, conditions.step_of_node, synonyms=("step",),
        facet=FieldFacet("Node", 7), form=FormInput("Node", "Id or title", 8),
        values=OfferedValues("steps", "title"),
    ),
    FilterField(
        "kind", "Has a step of this kind", "kind:llm",
        WordParser(kind_key), step_column_equals("kind"), synonyms=("type",),
        facet=FieldFacet("Kind of node", 8), form=FormInput("Kind of node", "llm, tool, …", 9),
        values=OfferedValues("steps", "kind"),
    ),
    FilterField(
        "model", "Has a step that used this model, by a part of its name; = before the whole name",
        "model:gpt-4o",
        WORD, conditions.step_of_model, takes_part=True,
        parameters=(
            SignedParameter("model", "=", help="the whole name"),
            SignedParameter(
                "model_part", "", FormInput("Model", "A part of its name", 7), "a part of the name"
            ),
        ),
        facet=FieldFacet("Model", 6), values=OfferedValues("steps", "model"),
    ),
    FilterField(
        "output", "Has a step whose output contains this text", 'output:"not found"',
        WORD, conditions.TextCondition("outputs"), is_text=True,
        synonyms=("outputs", "answer", "result"),
    ),
    FilterField(
        "input", "Has a step whose input contains this text", "input:A-17",
        WORD, conditions.TextCondition("inputs"), is_text=True,
        synonyms=("inputs", "prompt", "question"),
    ),
    FilterField(
        "returned", "Has a step that succeeded and returned nothing: no output, null, or an empty"
        " text, list or object, also one with only such values", "returned:empty",
        ChoiceParser(("empty",), also=WORDS_FOR_EMPTY),
        conditions.step_that_returned_nothing,
    ),
    FilterField(
        "failed_in", "The node that ended the run, by id or title", "failed_in:classify",
        WORD, conditions.failed_in, facet=FieldFacet("Failed in", 4, "failed_node_id"),
        values=OfferedValues("runs", "failed_title"),
    ),
    FilterField(
        "error", "The run's error has this text in its type or message", "error:timeout",
        WORD, conditions.error_contains, synonyms=("exception",),
        form=FormInput("Error contains", "", 10),
        values=OfferedValues("runs", "error_group__error_type"),
    ),
    FilterField(
        "errorgroup", "Error group, by its id", "errorgroup:8c1e…",
        WORD, conditions.in_error_group,
        facet=FieldFacet("Error group", 5, "error_group_id"),
    ),
    FilterField(
        "tag", "Has this tag, from a producer or a person", "tag:vip", WORD, conditions.has_tag,
        synonyms=("tags",),
        facet=FieldFacet("Tag", 13, "tags"), form=FormInput("Tag", "", 11),
        values=OfferedValues("runs", "tags"),
    ),
    FilterField(
        "note", "Has a note of this name", "note:correctness", WORD, conditions.note_named,
    ),
    FilterField(
        "label", "Has a note with this label", "label:wrong-tone", WORD, conditions.note_labelled,
    ),
    FilterField(
        "score", "Has a note with this score", "score:<0.5",
        NumberParser(), conditions.note_scored,
    ),
    FilterField(
        "thumbs", "Has a thumb up or down", "thumbs:down",
        ChoiceParser(("up", "down")), conditions.note_thumbs, synonyms=("feedback",),
    ),
    FilterField(
        "is", "Is in this state", "is:running",
        ChoiceParser(tuple(IS_STATES), EXCLUSIVE_STATES), one_of_states(IS_STATES),
    ),
    FilterField(
        "has", "Has this", "has:note",
        ChoiceParser(tuple(HAS_STATES)), one_of_states(HAS_STATES),
    ),
)  # fmt: skip

LANGUAGE = QueryLanguage(FIELDS)
# By field, in the order in which a list shows them.
FACETS = dict(
    sorted(
        ((field.name, field.facet) for field in FIELDS if field.facet),
        key=lambda named: named[1].place,
    )
)
