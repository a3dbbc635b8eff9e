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
from runs.json.node import AppNodesJson, GraphJson, NodeHistoryJson, PromptHistoryJson, RunGraphJson
from runs.json.note import NoteDataSetLineJson, NoteListJson
from runs.json.rerun import RerunJson
from runs.json.run import RunDetailJson, RunListJson
from runs.json.run_sums import RunSumsJson
from runs.json.saved_view import SavedViewListJson
from runs.json.share import SharedRunJson, SharedStepJson
from runs.json.time import RunTimeJson
from runs.json.variables import VariablesJson
from runs.pages.conversations.forms import ConversationsForm
from runs.pages.errors.forms import ErrorsForm
from runs.pages.nodes.forms import NodesForm
from runs.pages.notes.forms import NoteFilterForm
from runs.pages.run.markdown_report import MAX_REPORT, SHORTEST_REPORT
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
    """Yield the filters and the order of runs."""
    for field in FIELDS:
        example = f"{field.help}, such as {field.example} in q"
        descriptions = dict.fromkeys([field.name, *field.aliases], example)
        descriptions |= {
            signed.parameter: f"{field.help}; here {signed.help}" for signed in field.parameters
        }
        for name, description in descriptions.items():
            yield QueryParameter(name, description, repeatable=True)
    yield QueryParameter("q", "All filters in one text, and words to search for")
    yield QueryParameter("order", "The order of the list", choices=tuple(ORDERS))


AFTER = QueryParameter("after", "Where the page begins: taken from `next` of the previous page")
LIMIT = QueryParameter("limit", "At most so many on a page; it can only be lowered")
WHOLE_VALUES = QueryParameter(
    "values",
    "In CSV: “whole” for whole values; without it they are cut, with a mark, to what a cell of a "
    "spreadsheet holds",
    choices=("whole",),
)
REPORT_LIMIT = QueryParameter(
    "limit", f"At most so many bytes, from {SHORTEST_REPORT} to {MAX_REPORT}, which is the default"
)
RUN_FILTERS = tuple(run_filters())
FORM_OF_ERRORS = tuple(_form_parameters(ErrorsForm))
FORM_OF_NOTES = tuple(_form_parameters(NoteFilterForm))

# By URL name, in the order in which one debugs; others follow.
ENDPOINTS: dict[str, ReadEndpoint] = {
    "runs-json": ReadEndpoint(
        "Runs, newest first: ids, status, error, failed node, tokens, cost. Accepts the filters"
        " below. A page has 50 runs; `next` is the address of the next page.",
        RunListJson,
        (*RUN_FILTERS, AFTER, LIMIT),
    ),
    "run-md": ReadEndpoint(
        "One run as Markdown of at most 16 KB: why it failed, since when runs fail like this, the"
        " path it took, the failing step's inputs and outputs. Begin here.",
        parameters=(REPORT_LIMIT,),
    ),
    "run-json": ReadEndpoint(
        "One run with inputs, outputs, cause, metadata, configuration, notes.", RunDetailJson
    ),
    "run-tracing-json": ReadEndpoint(
        "The steps of a run in tree order with previews of their values, 1,000 per page.",
        TracingJson,
        (QueryParameter("after", "The index of the last execution that was read"), LIMIT),
    ),
    "run-execution-json": ReadEndpoint(
        "One step with its inputs, outputs, messages, attributes, events, logs.",
        ExecutionDetailJson,
    ),
    "run-lineage-json": ReadEndpoint(
        "Where each value of a step came from and went to.",
        LineageJson,
        (
            QueryParameter(
                "path", "A JSON pointer to one value of the step: the answer traces only that"
            ),
        ),
    ),
    "run-variables-json": ReadEndpoint(
        "The value of each variable after every step, and which step wrote it.",
        VariablesJson,
        (
            QueryParameter("after", "The execution after which the values are read"),
            QueryParameter("q", "Text that the variable's name or value contains"),
            QueryParameter("from", "The first group of the page"),
        ),
    ),
    "run-passes-json": ReadEndpoint(
        "The iterations of a loop: the status of each inner node in each iteration.",
        LoopJson,
        (
            QueryParameter("from", "The first iteration of the window"),
            QueryParameter("nodes", "The first node of the window"),
            QueryParameter("first", "Which iterations come first", choices=("failed",)),
        ),
    ),
    "run-time-json": ReadEndpoint(
        "Where the time of a run went: by node and kind, the critical path, gaps.",
        RunTimeJson,
        (
            QueryParameter(
                "sort", "The time that nodes are sorted by", choices=("own", "path", "most")
            ),
        ),
    ),
    "run-by-source-json": ReadEndpoint(
        "The run with any of its producer's ids: trace, workflow run or message.",
        RunDetailJson,
    ),
    "run-by-source-md": ReadEndpoint("The same run as Markdown.", parameters=(REPORT_LIMIT,)),
    "run-compare-json": ReadEndpoint(
        "Two runs step by step; `first_divergence` is where they diverge.",
        RunComparisonJson,
        (
            QueryParameter(
                "a", "A run, by any id; by default the successful run that tells most about b"
            ),
            QueryParameter("b", "Another run, by any id", required=True),
            QueryParameter("from", "The first pair of the page"),
        ),
        example="?a={run}&b={run}",
    ),
    "errors-json": ReadEndpoint(
        "Failures grouped by what failed: how often, when first and last, in which versions.",
        ErrorListJson,
        FORM_OF_ERRORS,
    ),
    "error-group-json": ReadEndpoint(
        "One error group: its newest message, its runs, and a successful run to compare with.",
        ErrorGroupDetailJson,
    ),
    "facets-json": ReadEndpoint(
        "The number of matching runs by status, app, node and so on.",
        FacetsJson,
        RUN_FILTERS,
    ),
    "sums-json": ReadEndpoint(
        "The matching runs in figures: how many, failed, median and p95 time, tokens and cost, and"
        " how many there were over time.",
        RunSumsJson,
        RUN_FILTERS,
    ),
    "apps-json": ReadEndpoint(
        "Apps with their versions, today's runs and the last run.", AppListJson
    ),
    "app-json": ReadEndpoint("One app.", AppJson),
    "app-errors-json": ReadEndpoint(
        "The errors of one app, like /errors.json.",
        ErrorListJson,
        tuple(parameter for parameter in FORM_OF_ERRORS if parameter.name != "app"),
    ),
    "app-versions-json": ReadEndpoint(
        "The versions of an app, with figures of their runs.", VersionListJson
    ),
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
    "run-graph-json": ReadEndpoint(
        "The graph of the version that ran, with the way that the run took and how each node went.",
        RunGraphJson,
    ),
    "app-graph-json": ReadEndpoint(
        "The graph of a version (`?version=`), each node with its last run.",
        GraphJson,
        (
            QueryParameter(
                "version", "The number of a version; by default the one of the newest run"
            ),
        ),
    ),
    "app-nodes-json": ReadEndpoint(
        "The nodes of an app: how often they ran and failed, how long they took, what they cost.",
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
            LIMIT,
        ),
    ),
    "node-prompts-json": ReadEndpoint(
        "The system prompts of a node, as its runs reported them.", PromptHistoryJson
    ),
    "last-run-json": ReadEndpoint("The newest execution of a node, over all runs.", ExecutionJson),
    "app-conversations-json": ReadEndpoint(
        "The conversations of an app, the most recently active first.",
        ConversationListJson,
        (*_form_parameters(ConversationsForm), AFTER),
    ),
    "conversation-json": ReadEndpoint(
        "One conversation, turn by turn.", ConversationDetailJson, (AFTER,)
    ),
    "conversation-compare-json": ReadEndpoint(
        "Turns of a conversation side by side.",
        TurnComparisonJson,
        (
            QueryParameter(
                "runs", "Ids of the runs to show; by default the newest turns", repeatable=True
            ),
        ),
    ),
    "rerun-json": ReadEndpoint(
        "A rerun that was requested from the console, and its result.", RerunJson
    ),
    "notes-json": ReadEndpoint(
        "What people and evaluators noted about runs and steps.",
        NoteListJson,
        (*FORM_OF_NOTES, AFTER),
    ),
    "notes-file": ReadEndpoint(
        "The noted runs and steps as a data set: input, output, expected output, label.",
        NoteDataSetLineJson,
        FORM_OF_NOTES,
    ),
    "views-json": ReadEndpoint("Filters that people saved under a name.", SavedViewListJson),
    "runs-file": ReadEndpoint(
        "All runs that match the filters as one file; append `.gz` to compress it.",
        parameters=(*RUN_FILTERS, WHOLE_VALUES),
    ),
    "run-file": ReadEndpoint(
        "One run as a file; append `.gz` to compress it.", parameters=(WHOLE_VALUES,)
    ),
    "run-execution-read-json": ReadEndpoint(
        "The received attribute behind each field of a step.", AttributeMappingJson
    ),
    "shared-run-json": ReadEndpoint(
        "A run shared by a link, which needs no key.",
        SharedRunJson,
        (QueryParameter("after", "The index of the last step that was read"),),
        is_open=True,
    ),
    "shared-step-json": ReadEndpoint("A step of a shared run.", SharedStepJson, is_open=True),
    "inbox-json": ReadEndpoint(
        "Recent requests from producers, and how they were answered.",
        RequestListJson,
        (QueryParameter("only", "“failed”: only requests that failed", choices=("failed",)), AFTER),
    ),
    "inbox-refused-json": ReadEndpoint(
        "Refused records, and why each was refused.", RefusedListJson, (AFTER,)
    ),
    "skill-md": ReadEndpoint(
        "The way from a failure to its cause, for coding agents: with curl, and with the tools of"
        " the MCP server at /mcp.",
        is_open=True,
    ),
    "openapi-json": ReadEndpoint("All of these addresses as OpenAPI 3.1, with their schemas."),
}
