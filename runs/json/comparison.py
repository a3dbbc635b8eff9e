"""Two runs, or two versions, side by side, as JSON."""

from typing import NotRequired

from typing_extensions import TypedDict

from nodes.diff.difference import ValueChangeJson
from runs.json.node import CostSumJson
from runs.json.run import RunJson


class StepPairJson(TypedDict):
    """A step of one run beside the same step of the other."""

    a: str | None
    """The execution in run a; null where only b has it."""
    b: str | None
    node_id: str
    kind: str
    title: str
    iteration: list[int]
    attempt: int
    verdict: str
    """“same”, “inherited” (differs because of what it received), “origin” (differs by itself),
    “only_a”, “only_b” or “cost_only”."""
    reason: str | None
    differences: list[str]
    approximate: bool
    """Whether the steps were paired by name, kind and position, because their node ids differ."""


class DivergingPairJson(StepPairJson):
    """The first pair that differs by itself."""

    values: NotRequired[dict[str, list[ValueChangeJson]]]
    """What differs, by section of the step."""


class PromptChangeJson(TypedDict):
    """A node whose system prompt differs; `before` and `after` are digests, see the node's
    prompts.json."""

    node_id: str
    title: str
    before: str
    after: str


class RunComparisonJson(TypedDict):
    """Two runs step by step."""

    a: RunJson
    b: RunJson
    given: str
    """What was equal in the inputs of both; “different” for nothing."""
    first_divergence: DivergingPairJson | None
    counts: dict[str, int]
    """How many pairs there are of each verdict."""
    approximate: int
    """How many pairs are approximate."""
    left_out: bool
    """Whether a run has more steps than are compared."""
    prompts: list[PromptChangeJson]
    """Nodes whose system prompt is another one in b."""
    pairs: list[StepPairJson]
    next: str | None
    """The address of the next page of pairs."""


class ComparedVersionJson(TypedDict):
    """A version and how its newest runs went."""

    number: int
    label: str | None
    runs: int
    more: bool
    first_run_at: str | None
    last_run_at: str | None
    success_rate: float | None
    median_us: int | None
    p95_us: int | None
    tokens_per_run: int | None
    cost_per_run: CostSumJson


class NodeChangeJson(TypedDict):
    """A node that one of two versions has, or that differs."""

    change: str
    id: str
    kind: str
    title: str
    title_before: str | None
    kind_before: str | None
    settings: list[ValueChangeJson]


class EdgeChangeJson(TypedDict):
    """An edge that only one of two versions has."""

    change: str
    source: str
    target: str
    handle: str | None


class ModelChangeJson(TypedDict):
    """A node whose model differs."""

    title: str
    before: str
    after: str


class VersionComparisonJson(TypedDict):
    """What changed between two versions."""

    a: ComparedVersionJson
    b: ComparedVersionJson
    inferred: bool
    nodes: list[NodeChangeJson]
    nodes_total: int
    edges: list[EdgeChangeJson]
    edges_total: int
    models: list[ModelChangeJson]
    prompts: list[PromptChangeJson]
    configuration: list[ValueChangeJson]
