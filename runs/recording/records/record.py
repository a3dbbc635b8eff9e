"""Neutral records: what every decoder produces and the only thing that the writer reads.

No Django, no ORM, no settings. Times are integer microseconds since the epoch (UTC); durations
integer microseconds; money is Decimal with its currency; ids are the producer's own, as text.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

# A value as a person reads it: JSON (dict, list, number, bool) or text (str). None means
# "unknown".
Value = Any


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one model call. `input` includes `cached` and `cache_write`; `output` includes
    `reasoning` (OpenTelemetry's rule; decoders of dialects that exclude them add them up)."""

    input: int | None = None
    output: int | None = None
    cached: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """Money that the producer reported for this step."""

    amount: Decimal
    currency: str = "USD"


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What one record says about its whole run. Any span may carry some of it; each fact is taken
    from the record nearest the root that has it."""

    name: str | None = None  # the workflow's own name, where an app holds several
    mode: str | None = None  # "workflow" | "chatflow"
    version: str | None = None  # label of the version that ran
    version_id: str | None = None  # the producer's id of it, where it names no label
    conversation: str | None = None  # the producer's conversation, session or thread id
    user: str | None = None  # the producer's user id
    trigger: str | None = None  # app-run, debugging, webhook, api, …
    environment: str | None = None
    tags: tuple[str, ...] = ()
    # A status that the producer states for the run as such (a RunStatus value); None: derive it.
    status: str | None = None
    # Further ids of the same run: (kind, id), e.g. ("dify-run", "1111…"), ("dify-message", "m1").
    # Two traces that share one of them are one run.
    source_ids: tuple[tuple[str, str], ...] = ()
    # What the producer itself reports for the run, kept beside what we compute.
    reported_tokens: int | None = None
    reported_cost: Cost | None = None
    reported_duration_us: int | None = None


# Fields of a NodeRecord that `rank` may name.
RANKED = (
    "title", "kind", "node_id", "parent_source_id", "started_us", "ended_us", "error", "error_type",
    "inputs", "outputs", "process_data", "received", "model",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class StepLog:
    """A log that belongs to a step: {"name", "severity", "body", "attributes", "scope"}, of which
    only those that say something. It `tells` where the step's own values may be read from it
    (messages of a model call, an exception). Nanoseconds since the epoch, 0: unknown."""

    time_ns: int
    value: Value
    tells: bool = False


# Nothing changes a record; it is not frozen, because Python makes frozen objects of so many fields
# three times as slowly, and there is one a span.
@dataclass(slots=True)
class NodeRecord:
    """One message about one step of a run. Several messages may be about the same step (start and
    end, the same span sent twice, a log that follows its span); the writer merges them.

    `run` facts aside, a record speaks of its step alone: what depends on other steps (the tree,
    iteration numbers, whether a failure was handled, which tokens count) is derived by
    `deriving.derive`.
    """

    trace: str  # the producer's id of the whole (OTel trace id in hex, Dify run id …)
    # The producer's id of the step: its execution id where it has one, so that the step is the same
    # by whichever receiver or import it comes; else the span id in hex.
    source_id: str
    service: str  # names the app: openinference.project.name, else service.name …
    title: str
    kind: str  # a key of nodes.kinds.KINDS; "span" when nothing is known
    parent_source_id: str | None = None
    # Ids by which others name this step as their parent, where it is not `source_id` (span ids).
    span_ids: tuple[str, ...] = ()
    node_id: str | None = None  # id in the graph, where the producer names one
    status: str | None = None  # a NodeStatus value as the producer reports it; None: unknown
    started_us: int | None = None
    ended_us: int | None = None  # None: not finished, or unknown

    inputs: Value = None
    outputs: Value = None
    process_data: Value = None
    # Beginnings of the two for lists, where they were made before (a stored value has lost the
    # order of its keys); None: they are made from the values.
    inputs_preview: str | None = None
    outputs_preview: str | None = None
    # {"attributes": {…}, "events": […], "links": […], "scope": "…"}: what was received, without
    # the values already shown as inputs, outputs or process data.
    received: Value = None
    resource: Value = None  # shared by all spans of one process
    # field → (dialect, attribute): how this was read.
    read_from: dict[str, tuple[str, str]] = field(default_factory=dict)
    inputs_cut: int | None = None  # bytes before the producer cut the value; None: whole
    outputs_cut: int | None = None
    process_data_cut: int | None = None
    # Field → how near its producer stands to the engine, where two sources describe the same step
    # in different words; the value with the higher rank is kept. 0 where absent. Fields of RANKED.
    rank: Mapping[str, int] = field(default_factory=dict)

    model: str | None = None
    provider: str | None = None
    response_id: str | None = None  # the provider's id of the answer of a model call
    usage: Usage | None = None
    cost: Cost | None = None

    error: str | None = None  # the full message
    error_type: str | None = None
    # The producer (or its framework) says that it handled the failure: default value, fail branch.
    handled: bool = False
    # The id of an execution of which this record is one attempt, where all attempts are reported
    # alike: which of them were tried again follows from the others (Dify's own OpenTelemetry).
    attempt_of: str | None = None
    # The id of the execution whose log this is an entry of, or of its node in the graph.
    in_log: str | None = None
    # Events of a stream that say when the step began and ended, each as `moments.Moment` writes it:
    # when that was follows from all events of the run.
    moments: tuple[str, ...] = ()
    # The id of a task of the engine: executions of one task beside each other are its attempts, and
    # one in another run goes on where this one waited (LangGraph's checkpoint namespace).
    task: str | None = None
    attempt: int | None = None  # 1 for the first; a failed attempt that was tried again is `retry`

    # --- hints for the tree --------------------------------------------------------------------
    # True: this record is the run itself (its root, Dify's workflow_… span), not a step of it.
    is_run: bool = False
    # True: the parent is in another process, which may not send here. As long as the parent has not
    # arrived, this record is the run itself.
    parent_elsewhere: bool = False
    # True, with `is_run`: the producer keeps no end of the whole (Langfuse's traces): it has ended
    # when its parts have.
    envelope: bool = False
    # True: it works on a message that its parent has sent, which did not wait for it.
    deferred: bool = False
    # True: a call over a network by the conventions for HTTP, databases, RPC, messaging or MCP, of
    # which nothing says that it is about AI.
    transport: bool = False
    # True: a model call as the model's own SDK reports it, whatever else reports it (Anthropic's).
    sdk_call: bool = False
    # True: a wrapper, which says nothing of its own; its children move up to its parent.
    folded: bool = False
    # True: the producer chains a step to its predecessor instead of its container (Dify). The step
    # then belongs to the nearest ancestor that is a run or an iteration, and runs after its parent.
    chained: bool = False
    # True: a step, with `chained` the first one, whose parent is what its workflow runs in: the
    # run, or a step of another workflow, which uses this one as a tool.
    nested: bool = False
    # What the step may have called that its producer reports beside it; and, of what was called, as
    # what: by the innermost step that calls such, and was at work when it began (n8n).
    calls: str | None = None
    called_as: str | None = None
    # Set on a span that is one iteration of a container: its number. The span itself is hidden as a
    # wrapper and its children get the number in their `iteration`.
    pass_index: int | None = None
    # The number of the iteration that this step ran in, where the step itself says it, and the node
    # id (in the graph) or source id of the container.
    iteration_index: int | None = None
    container: str | None = None
    # A second container, where the step names two and not which of them is in the other.
    other_index: int | None = None
    other_container: str | None = None
    # True: a container that its producer reports without its execution id, once as it begins and
    # once as it ends (Dify's event stream): the end takes the place of the start, and the same
    # container with its id, from another source, that of both. Or the model call that
    # must have made a message: the steps of its workflow, where it has one, take its place.
    stand_in: bool = False
    # Items of a parallel fan-out (LangGraph's Send): the number of this item.
    fan_out_index: int | None = None
    # Branch steps: the node id or case that was chosen ("__end__" for the end).
    taken: str | None = None
    # Source ids of steps whose end this one waited for, or node ids, where a producer names those
    # that may send (Haystack) or came before (Dify).
    ran_after: tuple[str, ...] = ()

    # The name of the app whose workflow this step used as a tool (Dify).
    called_app: str | None = None

    # Spans that this step's span names as belonging to it (OpenTelemetry's links): ids of trace and
    # span in hex, "trace:span"; or whole runs, by an id of their producer's: "id:".
    links: tuple[str, ...] = ()

    # Logs of this step: united, and read together once all are known (see `storing.log_merging`).
    logs: tuple[StepLog, ...] = ()
    logs_cut: bool = False  # there were more than are kept

    run: RunFacts = RunFacts()


@dataclass(frozen=True, slots=True)
class NoteRecord:
    """What a person or program says about a run or a step: a score, a thumb, a label, a text.
    `about` is any of the producer's ids of the run, `about_step` one of the step ("" for the run as
    such)."""

    about: str
    source: str  # "langfuse", "evaluation", "dify-feedback", "dify-annotation", "api", "person"
    source_id: str  # the producer's id of the note: sending it again changes the same note
    name: str
    number: float | None = None
    label: str = ""
    text: str = ""
    about_step: str = ""
    author: str = ""
    created_us: int | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """One record that could not be recorded, kept with its reason where an admin can see it. `body`
    is a whole request with this record alone, in the content type that it came in; b"": none."""

    reason: str
    raw: Value
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Decoded:
    """What one request body held: good records, refused ones, notes on runs, and remarks for the
    inbox: a sentence → of how many spans; `aside`: how many spans are no part of any run."""

    records: list[NodeRecord]
    refused: list[Refused]
    notes: list[NoteRecord] = field(default_factory=list)
    remarks: Mapping[str, int] = field(default_factory=dict)
    aside: int = 0
