"""Where the time of a run went, as JSON."""

from typing_extensions import TypedDict


class TimeSpentJson(TypedDict):
    """The time that a node, or the nodes of a kind, took."""

    key: str
    kind: str
    times: int
    """How often it ran."""
    self_us: int
    """Total own time, without the steps inside."""
    longest_us: int
    critical_us: int
    """How much of it is on the critical path."""
    tokens: int
    cost: str | None
    currency: str | None
    costs: dict[str, str | None]
    """By currency."""
    longest_execution: str


class TimeGapJson(TypedDict):
    """Time in which no step ran."""

    name: str
    duration_us: int
    times: int


class PathStretchJson(TypedDict):
    """A stretch of the critical path."""

    after_us: int
    """The time since the beginning of the run."""
    duration_us: int
    execution: str | None
    node_id: str | None
    gap: str | None
    """The reason for a gap, where no step ran."""
    rate_limited: bool
    first_token_us: int | None
    short_parts: int | None
    """How many short stretches were joined into this one."""


class RunTimeJson(TypedDict):
    """Where the time of a run went."""

    run: str
    duration_us: int
    worked_us: int
    """The duration without waits for people."""
    nodes: list[TimeSpentJson]
    nodes_in_all: int
    kinds: list[TimeSpentJson]
    gaps: list[TimeGapJson]
    path: list[PathStretchJson]
    """The critical path; short stretches are joined."""
    steps_left_out: bool
    """Whether the run has more steps than are read."""
