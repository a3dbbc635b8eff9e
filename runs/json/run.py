"""Runs as JSON."""

from typing import Any

from typing_extensions import TypedDict

from runs.json.app import AppRefJson, VersionRefJson, version_ref
from runs.json.execution import SpanLinkJson
from runs.json.note import NoteJson
from runs.json.search_hit import SearchHitJson
from runs.json.values import decimal_text, iso_time, page_url
from runs.models import Run


class FailedNodeJson(TypedDict):
    """The step whose failure ended a run."""

    execution: str
    node_id: str | None
    title: str | None


class RunTokensJson(TypedDict):
    """Tokens of a run, summed over the steps that did the work."""

    input: int
    output: int
    cached: int
    reasoning: int
    total: int


class RunCostJson(TypedDict):
    """The cost of a run."""

    amount: str | None
    currency: str | None
    state: str
    """“priced”, “partly” (a part has no known price), “unpriced” or “free”."""


class ApiCallsJson(TypedDict):
    """How many calls of each kind a run made."""

    model: int
    tool: int
    http: int


class ConversationRefJson(TypedDict):
    """The conversation that a run is a turn of."""

    id: str
    source_id: str
    """The producer's id of the conversation."""


class RunSourceJson(TypedDict):
    """How a run arrived, and its producer's ids."""

    kind: str | None
    """“otlp”, “dify-otlp”, “dify-events” …"""
    ids: dict[str, str]
    """By kind, such as “otel-trace”. Of several ids of one kind it is the first in alphabetical
    order, so that the answer never depends on the order of arrival."""


class ReportedJson(TypedDict):
    """What the producer reports about the whole run."""

    tokens: int | None
    cost: str | None
    duration_us: int | None


class RunJson(TypedDict):
    """A run of an app."""

    id: str
    url: str
    app: AppRefJson
    version: VersionRefJson | None
    name: str | None
    """The workflow's own name."""
    environment: str | None
    status: str
    """“running”, “paused”, “succeeded”, “partial-succeeded”, “failed” or “stopped”."""
    stalled: bool
    """Whether it was last reported as running, but nothing has arrived for a long time."""
    started_at: str | None
    finished_at: str | None
    duration_us: int | None
    input_preview: str | None
    output_preview: str | None
    error: str | None
    failed_node: FailedNodeJson | None
    tokens: RunTokensJson
    cost: RunCostJson
    api_calls: ApiCallsJson
    steps: int
    iterations: int
    turns: int
    """Turns of a conversation that it holds: one, unless its trace holds several."""
    retries: int
    conversation: ConversationRefJson | None
    user: str | None
    """The producer's id of the user."""
    trigger: str | None
    tags: list[Any]
    source: RunSourceJson
    reported: ReportedJson | None


class ListedRunJson(RunJson):
    """A run in the list of runs."""

    hits: list[SearchHitJson] | None
    """The places that contain the searched words; null without a search."""


class RunListJson(TypedDict):
    """A page of runs."""

    runs: list[ListedRunJson]
    next: str | None
    """The address of the next page."""
    searched_until: str | None
    """How far back the search for words has looked."""


class RunSourceIdJson(TypedDict):
    """A producer's id of a run."""

    kind: str
    id: str


class RunMetadataJson(TypedDict):
    """Ids, times and process of a run."""

    sources: list[RunSourceIdJson]
    last_seen_at: str | None
    environment: str | None
    resource: Any
    """The OpenTelemetry resource of its steps."""


class UsedModelJson(TypedDict):
    """A model that a run called."""

    model: str
    provider: str | None
    calls: int
    parameters: Any


class RunConfigurationJson(TypedDict):
    """The version that ran and the models that it used."""

    version: VersionRefJson | None
    models: list[UsedModelJson]


class CauseStepJson(TypedDict):
    """A step between the top of a run and the step that failed."""

    execution: str
    node_id: str
    title: str
    where: str | None
    """The iteration and the attempt, in words."""
    url: str


class CauseJson(TypedDict):
    """Why a run failed."""

    error_type: str | None
    error: str | None
    chain: list[CauseStepJson]
    """From the top of the run down to the step that ended it."""


class RunAttemptJson(TypedDict):
    """A rerun of a run."""

    id: str
    run: str | None
    """The new run."""
    state: str


class ResumedRunJson(TypedDict):
    """Another run, which waited for a person or went on afterwards."""

    id: str
    url: str


class RunDetailJson(RunJson):
    """A run with its values and why it failed."""

    inputs: Any
    outputs: Any
    answer: Any
    """What the user saw of `outputs` that are the state of an agent; null where that is all."""
    metadata: RunMetadataJson
    configuration: RunConfigurationJson
    cause: CauseJson | None
    error_group: str | None
    """The error group of the run; see /errors/{group}.json."""
    notes: list[NoteJson]
    rerun_of: str | None
    """The original, where this run is a rerun."""
    reruns: list[RunAttemptJson]
    resumes: ResumedRunJson | None
    """The run that waited for a person until this one went on."""
    resumed_by: ResumedRunJson | None
    """The run that went on after this one had waited for a person."""
    linked_runs: list[SpanLinkJson]
    """Links between steps of this run and of others, as their producers named them."""


def run_json(run: Run, base_url: str = "") -> RunJson:
    """Return a run as lists show it. Rows come from `for_list().with_sources()`."""
    return {
        "id": str(run.id),
        "url": page_url(run, base_url),
        "app": {"slug": run.app.slug, "name": run.app.name, "mode": run.mode},
        "version": version_ref(run.version),
        "name": run.name or None,
        "environment": run.environment or None,
        "status": run.status,
        "stalled": run.stalled,
        "started_at": iso_time(run.started_at),
        "finished_at": iso_time(run.ended_at),
        "duration_us": run.duration_us,
        "input_preview": run.inputs_preview or None,
        "output_preview": run.outputs_preview or None,
        "error": run.error or None,
        "failed_node": failed_node(run),
        "tokens": {
            "input": run.input_tokens,
            "output": run.output_tokens,
            "cached": run.cached_tokens,
            "reasoning": run.reasoning_tokens,
            "total": run.total_tokens,
        },
        "cost": {
            "amount": decimal_text(run.cost),
            "currency": run.cost_currency or None,
            "state": run.cost_state,
        },
        "api_calls": {"model": run.model_calls, "tool": run.tool_calls, "http": run.http_calls},
        "steps": run.steps,
        "iterations": run.iterations,
        "turns": run.turns,
        "retries": run.retries,
        "conversation": _conversation_ref(run),
        "user": run.user or None,
        "trigger": run.trigger or None,
        "tags": run.tags,
        "source": {
            "kind": run.source_kind or None,
            "ids": {source.kind: source.source_id for source in reversed(run.producer_ids)},
        },
        "reported": _reported(run),
    }


def failed_node(run: Run) -> FailedNodeJson | None:
    if run.failed_execution is None:
        return None
    return {
        "execution": str(run.failed_execution),
        "node_id": run.failed_node_id or None,
        "title": run.failed_title or None,
    }


def _conversation_ref(run: Run) -> ConversationRefJson | None:
    if run.conversation is None:
        return None
    return {"id": str(run.conversation.id), "source_id": run.conversation.source_id}


def _reported(run: Run) -> ReportedJson | None:
    reported: ReportedJson = {
        "tokens": run.reported_tokens,
        "cost": decimal_text(run.reported_cost),
        "duration_us": run.reported_duration_us,
    }
    return reported if any(value is not None for value in reported.values()) else None
