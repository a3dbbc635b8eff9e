"""Nodes of an app over time, as JSON."""

from typing import Any

from typing_extensions import TypedDict

from runs.json.app import AppRefJson, VersionRefJson
from runs.json.execution import ExecutionJson, NodeExecutionJson


class CostSumJson(TypedDict):
    """A sum of costs in one currency."""

    amount: str | None
    currency: str | None


class SelfTimesJson(TypedDict):
    """Own times of a node's executions, without the steps inside."""

    p50: int | None
    p95: int | None
    total: int


class NodeTotalsJson(TypedDict):
    """What the executions of a node add up to."""

    node_id: str | None
    """Null for usage that runs reported as a whole when none of their steps reported any."""
    title: str
    kind: str
    url: str | None
    executions: int
    failures: int
    """Executions that failed for good: `failed` and `handled` together."""
    failed: int
    handled: int
    """Executions whose failure was handled."""
    retried: int
    """Executions that were tried again."""
    self_us: SelfTimesJson
    tokens: int
    costs: list[CostSumJson]
    cost_percent: str | None
    """Its share of the app's cost in the main currency."""


class LookedAtJson(TypedDict):
    """The runs that were read."""

    runs: int
    steps: int
    since: str | None
    older_runs: bool
    steps_left_out: bool


class AppNodesJson(TypedDict):
    """All nodes of an app over its newest runs."""

    app: AppRefJson
    over: LookedAtJson
    tokens: int
    costs: list[CostSumJson]
    nodes: list[NodeTotalsJson]
    nodes_left_out: int


class DurationsJson(TypedDict):
    """The median and the 95th percentile of durations."""

    p50: int | None
    p95: int | None


class NodeFiguresJson(TypedDict):
    """What a page of a node's executions adds up to."""

    executions: int
    ended: int
    succeeded: int
    duration_us: DurationsJson
    tokens: int
    costs: list[CostSumJson]


class NodeHistoryJson(TypedDict):
    """The executions of a node over all runs and versions, newest first."""

    app: AppRefJson
    node_id: str
    title: str
    url: str | None
    figures: NodeFiguresJson
    searched_back_to: str | None
    """How far back the filter has searched."""
    executions: list[NodeExecutionJson]
    next: str | None
    """The address of the next page."""


class ObservedPromptJson(TypedDict):
    """A system prompt of a node, and what its executions came to."""

    id: str
    """A digest of the text."""
    text: str
    first_at: str | None
    last_at: str | None
    runs: int
    executions: int
    failed: int
    models: list[str]
    costs: list[CostSumJson]


class PromptHistoryJson(TypedDict):
    """The system prompts of a node in its newest executions, the newest first."""

    node_id: str
    title: str
    executions_read: int
    older_executions: bool
    prompts: list[ObservedPromptJson]
    prompts_left_out: int


class GraphNodeJson(TypedDict):
    """A node of a version's graph, with where it stands."""

    id: str
    kind: str
    title: str
    x: float | None
    y: float | None
    parent: str | None
    """The container that it is in."""
    config: Any
    runs: int
    failed: int
    """Runs in which it failed; each run counts once, here or in one of the next two."""
    handled: int
    """Runs in which its failure was handled."""
    retried: int
    """Runs in which another attempt went well."""
    last_run: ExecutionJson | None


class GraphEdgeJson(TypedDict):
    """An edge of a version's graph."""

    source: str
    target: str
    handle: str | None
    """The branch of `source` that it begins at."""
    runs: int
    """How many of the newest runs took it."""


class CanvasNoteJson(TypedDict):
    """A note on the canvas of the workflow's editor; `x`, `y` and `width` are those of the canvas,
    null where they are not known."""

    text: str
    author: str
    colour: str
    x: float | None
    y: float | None
    width: float | None


class GraphJson(TypedDict):
    """The graph of a version."""

    version: VersionRefJson | None
    inferred: bool
    """Whether it was inferred from runs, because none was sent."""
    runs: int
    nodes: list[GraphNodeJson]
    edges: list[GraphEdgeJson]
    notes: list[CanvasNoteJson]


class RunGraphNodeJson(TypedDict):
    """A node of a run's graph, with how it went."""

    id: str
    kind: str
    title: str
    x: float | None
    y: float | None
    parent: str | None
    """The container that it is in."""
    status: str | None
    """Null where the run did not come to it."""
    executions: int
    duration_us: int | None
    """Of all its executions."""
    execution: str | None
    """The newest execution, of those that failed where one did."""


class RunGraphEdgeJson(TypedDict):
    """An edge of a run's graph."""

    source: str
    target: str
    handle: str | None
    """The branch of `source` that it begins at."""
    taken: bool


class RunGraphJson(TypedDict):
    """The graph of the version that ran, with the way that the run took."""

    run: str
    version: VersionRefJson | None
    inferred: bool
    """Whether it was inferred from runs, because none was sent."""
    nodes: list[RunGraphNodeJson]
    edges: list[RunGraphEdgeJson]
