"""Runs shared by a link, as JSON. Fields that the link masks are null."""

from typing import Any, NotRequired

from typing_extensions import TypedDict

from runs.json.run import ApiCallsJson


class SharedTokensJson(TypedDict):
    """Tokens of a shared run or step."""

    input: int | None
    output: int | None
    total: int | None


class SharedRunCostJson(TypedDict):
    """The cost of a shared run."""

    amount: str | None
    currency: str | None
    state: str


class SharedStepCostJson(TypedDict):
    """The cost of a shared step."""

    amount: str | None
    currency: str | None


class SharedNoteJson(TypedDict):
    """A note on a shared run."""

    name: str
    value: str | None
    text: str | None
    author: str | None


class SharedStepJson(TypedDict):
    """A step of a shared run; its values only at the address of the step."""

    id: str
    depth: int
    index: int
    kind: str
    title: str | None
    status: str
    iteration: list[int]
    attempt: int
    taken: str | None
    started_at: str | None
    duration_us: int | None
    tokens: SharedTokensJson
    cost: SharedStepCostJson | None
    model: str | None
    provider: str | None
    error: str | None
    error_type: str | None
    inputs: NotRequired[Any]
    """A value that is not shown is {"left_out": why}."""
    process_data: NotRequired[Any]
    outputs: NotRequired[Any]


class SharedRunJson(TypedDict):
    """A shared run with a page of its steps."""

    app: str | None
    name: str | None
    version: str | None
    status: str
    status_label: str
    stalled: bool
    started_at: str | None
    finished_at: str | None
    duration_us: int | None
    error: str | None
    failed_step: str | None
    failed_title: str | None
    tokens: SharedTokensJson
    cost: SharedRunCostJson | None
    api_calls: ApiCallsJson
    steps: int
    iterations: int
    retries: int
    user: str | None
    trigger: str | None
    environment: str | None
    tags: list[str]
    masked: list[str]
    """The fields that the link hides."""
    expires_at: str | None
    inputs: Any
    """A value that is not shown is {"left_out": why}."""
    outputs: Any
    notes: NotRequired[list[SharedNoteJson]]
    """Missing where the link hides notes."""
    executions: list[SharedStepJson]
    next: str | None
    """The address of the next page of steps."""
