"""The addresses that machines read: what each answers, and which parameters it takes.

`/llms.txt` and `/openapi.json` are made of this table and of the URL patterns; a test validates the
answer of every address against what is declared here.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django import forms

from nodes.choices import NodeStatus
from runs.json.app import AppJson, AppListJson, VersionDetailJson, VersionListJson
from runs.json.attribute_mapping import AttributeMappingJson
from runs.json.comparison import RunComparisonJson, VersionComparisonJson
from runs.json.conversation import (
    ConversationDetailJson,
    ConversationListJson,
    TurnComparisonJson,
)
from runs.json.error_group import ErrorGroupDetailJson, ErrorListJson
from runs.json.execution import ExecutionJson, TracingJson
from runs.json.facets import FacetsJson
from runs.json.inbox import RefusedListJson, RequestListJson
from runs.json.lineage import ExecutionDetailJson, LineageJson
from runs.json.loop import LoopJson
from runs.json.node import AppNodesJson, GraphJson, NodeHistoryJson
from runs.json.note import NoteDataSetLineJson, NoteListJson
from runs.json.rerun import RerunJson
from runs.json.run import RunDetailJson, RunListJson
from runs.json.saved_view import SavedViewListJson
from runs.json.share import SharedRunJson, SharedStepJson
from runs.json.time import RunTimeJson
from runs.json.variables import VariablesJson
from runs.pages.errors.forms import ErrorsForm
from runs.pages.nodes.forms import NodesForm
from runs.pages.notes.forms import NoteFilterForm
from runs.query.fields import FIELDS
from runs.query.run_filters import ORDERS


@dataclass(frozen=True, slots=True)
class QueryParameter:
    """A parameter of the query string. `choices`: the only values that it takes. `repeatable`: it
    may be given several times."""

    name: str
    description: str
    required: bool = False
    choices: tuple[str, ...] = ()
    repeatable: bool = False


@dataclass(frozen=True, slots=True)
class ReadEndpoint:
    """An address for machines. `answer` is the type of its JSON, or of each line of its NDJSON;
    None where it answers in another form. `example`: a query string that it cannot do without.
    `is_open`: it needs no key; a secret is in the address."""

    summary: str
    answer: type | None = None
    parameters: tuple[QueryParameter, ...] = ()
    example: str = ""
    is_open: bool = False


def _form_parameters(form: type[forms.Form]) -> Iterator[QueryParameter]:
    """Yield the fields of a form over the query string."""
    for name, field in form.base_fields.items():
        choices = getattr(field, "choices", ()) if isinstance(field, forms.ChoiceField) else ()
        description = ": ".join(str(text) for text in (field.label, field.help_text) if text)
        yield QueryParameter(name, description, choices=tuple(key for key, _ in choices if key))


def run_filters() -> Iterator[QueryParameter]:
    """Yield the filters of runs, and in which order the runs come."""
    for field in FIELDS:
        example = f"{field.help}, such as {field.example} in q"
        names = [field.name, *field.aliases]
        ends = [(end.parameter, f"{field.help}, as one end of a range") for end in field.range_ends]
        for name, description in [*((name, example) for name in names), *ends]:
            yield QueryParameter(name, description, repeatable=True)
    yield QueryParameter("q", "All filters in one text, and words that are searched")
    yield QueryParameter("order", "The order of the list", choices=tuple(ORDERS))


AFTER = QueryParameter("after", "Where the page begins: as `next` of the page before has it")
RUN_FILTERS = tuple(run_filters())
FORM_OF_ERRORS = tuple(_form_parameters(ErrorsForm))
FORM_OF_NOTES = tuple(_form_parameters(NoteFilterForm))

# By URL name, in the order in which one debugs; others follow.
ENDPOINTS: dict[str, ReadEndpoint] = {
    "runs-json": ReadEndpoint(
        "Runs, newest first: ids, status, error, failed node, tokens, cost. Takes the filters"
        " below; 50 a page, `next` is the address of the next page.",
        RunListJson,
        (*RUN_FILTERS, AFTER),
    ),
    "run-md": ReadEndpoint(
        "One run as Markdown of at most 16 KB: why it failed, since when runs fail so, the"
        " way it took, the failing step's inputs and outputs. Begin here.",
    ),
    "run-json": ReadEndpoint(
        "One run with inputs, outputs, cause, metadata, configuration, notes.", RunDetailJson
    ),
    "run-tracing-json": ReadEndpoint(
        "Its steps in order of the tree, 1,000 a page, with previews of values.",
        TracingJson,
        (QueryParameter("after", "The index of the last execution that was read"),),
    ),
    "run-execution-json": ReadEndpoint(
        "One step with its inputs, outputs, messages, attributes, events, logs.",
        ExecutionDetailJson,
    ),
    "run-lineage-json": ReadEndpoint(
        "Where each value of a step came from and went to.",
        LineageJson,
        (QueryParameter("path", "One value of the step as a JSON pointer: its way alone"),),
    ),
    "run-variables-json": ReadEndpoint(
        "Each variable's value after every step, and who wrote it.",
        VariablesJson,
        (
            QueryParameter("after", "The execution after which the values are meant"),
            QueryParameter("q", "A text that the variable or its value contains"),
            QueryParameter("from", "The first group of the page"),
        ),
    ),
    "run-passes-json": ReadEndpoint(
        "The iterations of a loop: inner nodes by iteration, with statuses.",
        LoopJson,
        (
            QueryParameter("from", "The first pass of the window"),
            QueryParameter("nodes", "The first node of the window"),
            QueryParameter("first", "Which iterations come first", choices=("failed",)),
        ),
    ),
    "run-time-json": ReadEndpoint(
        "Where the time went: by node and kind, the critical path, gaps.",
        RunTimeJson,
        (QueryParameter("sort", "By which time nodes stand", choices=("own", "path", "most")),),
    ),
    "run-by-source-json": ReadEndpoint(
        "The run that any id of its producer leads to: trace, workflow run, message.",
        RunDetailJson,
    ),
    "run-by-source-md": ReadEndpoint("The same as Markdown."),
    "run-compare-json": ReadEndpoint(
        "Two runs step by step; `first_divergence` is where they part.",
        RunComparisonJson,
        (
            QueryParameter("a", "A run, by any id", required=True),
            QueryParameter("b", "Another run, by any id", required=True),
            QueryParameter("from", "The first pair of the page"),
        ),
        example="?a={run}&b={run}",
    ),
    "errors-json": ReadEndpoint(
        "Failures grouped by what failed: how often, first, last, in which versions.",
        ErrorListJson,
        FORM_OF_ERRORS,
    ),
    "error-group-json": ReadEndpoint(
        "One such group: its newest message and runs, and a good run to compare.",
        ErrorGroupDetailJson,
    ),
    "facets-json": ReadEndpoint(
        "How many runs of a list there are by status, app, node and so on.",
        FacetsJson,
        RUN_FILTERS,
    ),
    "apps-json": ReadEndpoint("Apps with their versions, runs of today and last run.", AppListJson),
    "app-json": ReadEndpoint("One app.", AppJson),
    "app-errors-json": ReadEndpoint(
        "As /errors.json, of one app.",
        ErrorListJson,
        tuple(parameter for parameter in FORM_OF_ERRORS if parameter.name != "app"),
    ),
    "app-versions-json": ReadEndpoint("Its versions with what ran of them.", VersionListJson),
    "app-version-json": ReadEndpoint(
        "One version with its graph and configuration.", VersionDetailJson
    ),
    "app-versions-compare-json": ReadEndpoint(
        "What changed between two versions, and how their runs went.",
        VersionComparisonJson,
        (
            QueryParameter("a", "The number of a version", required=True),
            QueryParameter("b", "The number of another version", required=True),
        ),
        example="?a={number}&b={number}",
    ),
    "app-graph-json": ReadEndpoint(
        "The graph of a version (`?version=`), each node with its last run.",
        GraphJson,
        (QueryParameter("version", "The number of a version; else that of the newest run"),),
    ),
    "app-nodes-json": ReadEndpoint(
        "Its nodes: how often, how long, how dear, how often failed.",
        AppNodesJson,
        tuple(_form_parameters(NodesForm)),
    ),
    "node-history-json": ReadEndpoint(
        "One node's executions over time.",
        NodeHistoryJson,
        (
            QueryParameter(
                "status", "How executions ended", choices=("failures", *NodeStatus.values)
            ),
            QueryParameter("version", "The number of a version"),
            AFTER,
        ),
    ),
    "last-run-json": ReadEndpoint("The newest execution of a node, over all runs.", ExecutionJson),
    "app-conversations-json": ReadEndpoint(
        "Its conversations, the last active first.", ConversationListJson, (AFTER,)
    ),
    "conversation-json": ReadEndpoint(
        "One conversation turn by turn.", ConversationDetailJson, (AFTER,)
    ),
    "conversation-compare-json": ReadEndpoint(
        "Its turns side by side.",
        TurnComparisonJson,
        (QueryParameter("runs", "Runs of it, by id; else its newest turns", repeatable=True),),
    ),
    "rerun-json": ReadEndpoint(
        "A run that was asked for again from the console, and what came of it.", RerunJson
    ),
    "notes-json": ReadEndpoint(
        "What people and evaluators said of runs and steps.",
        NoteListJson,
        (*FORM_OF_NOTES, AFTER),
    ),
    "notes-file": ReadEndpoint(
        "The same as a data set: input, output, expected, label.",
        NoteDataSetLineJson,
        FORM_OF_NOTES,
    ),
    "views-json": ReadEndpoint("Searches that people keep under a name.", SavedViewListJson),
    "runs-file": ReadEndpoint(
        "All runs that the filters let through, as one file; `.gz` after it packs it.",
        parameters=RUN_FILTERS,
    ),
    "run-file": ReadEndpoint("One run as a file; `.gz` after it packs it."),
    "run-execution-read-json": ReadEndpoint(
        "Which received attribute gave which field of a step.", AttributeMappingJson
    ),
    "shared-run-json": ReadEndpoint(
        "A run that somebody shares by a link, which needs no key.",
        SharedRunJson,
        (QueryParameter("after", "The index of the last step that was read"),),
        is_open=True,
    ),
    "shared-step-json": ReadEndpoint("A step of it.", SharedStepJson, is_open=True),
    "inbox-json": ReadEndpoint(
        "Recent requests of machines, and what became of them.",
        RequestListJson,
        (QueryParameter("only", "Those that failed alone", choices=("failed",)), AFTER),
    ),
    "inbox-refused-json": ReadEndpoint("What was refused, and why.", RefusedListJson, (AFTER,)),
    "openapi-json": ReadEndpoint("All of these in the form of OpenAPI 3.1, with their schemas."),
}
