"""Where values came from and went to, as JSON."""

from typing import NotRequired

from typing_extensions import TypedDict

from runs.json.execution import SpanLinkJson, StoredExecutionJson


class LineagePlaceJson(TypedDict):
    """A value at a step, or at the edge of the run."""

    form: str
    """“step”; else “input”, “system”, “environment”, “conversation”, “nothing” or “answer”."""
    name: NotRequired[str | None]
    """The name of the variable, for a value at the edge of the run."""
    execution: NotRequired[str]
    node_id: NotRequired[str]
    title: NotRequired[str]
    iteration: NotRequired[list[int]]
    attempt: NotRequired[int]
    path: NotRequired[str | None]
    """The place in the step as a JSON pointer, such as /inputs/messages/0; null for its
    settings."""


class LineageLinkJson(TypedDict):
    """A value that two places have in common."""

    place: LineagePlaceJson
    other: LineagePlaceJson
    change: str | None
    """How the value was changed on the way."""
    certain: bool
    """Whether the link was declared; else it was inferred from equal values."""
    why: str
    preview: str | None


class LineageUseJson(LineageLinkJson):
    """A use of a value of the step."""

    times: int
    """How many places of the same kind there are."""


class LineageHopJson(LineageLinkJson):
    """A place that a value went to."""

    level: int


class ExecutionLinksJson(TypedDict):
    """Where the values of a step came from, and which steps used them."""

    came_from: list[LineageLinkJson]
    used_by: list[LineageUseJson]
    left_out: int
    """How many values were not looked at."""
    stopped: bool
    """Whether there was more to look at."""


class LineageJson(TypedDict):
    """The links of a step; with `?path=` the trace of one value instead."""

    run: str
    execution: str
    path: NotRequired[str]
    back: NotRequired[list[LineageLinkJson]]
    """From the value back to its origins."""
    forward: NotRequired[list[LineageHopJson]]
    came_from: NotRequired[list[LineageLinkJson]]
    used_by: NotRequired[list[LineageUseJson]]
    left_out: int
    """How many values were not looked at."""
    stopped: bool
    """Whether there was more to look at."""


class ExecutionDetailJson(StoredExecutionJson):
    """An execution with its values, all that was received of it, and the links of its values."""

    links: ExecutionLinksJson
    linked_steps: list[SpanLinkJson]
    """Other steps that its producer links with it, in both directions."""
