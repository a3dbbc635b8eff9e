"""Variables of a run as JSON."""

from typing import Any

from typing_extensions import TypedDict


class WriterJson(TypedDict):
    """The step that wrote a variable."""

    execution: str
    node_id: str
    title: str
    iteration: list[int]
    attempt: int


class VariableWriteJson(TypedDict):
    """A value that a variable had."""

    value: Any
    left_out: bool
    """Whether the value is too large for this answer; the page of its step has it."""
    masked: bool
    """Whether it is secret."""
    written_by: WriterJson | None
    """Null where the value was there from the beginning."""
    written_in_run: str | None
    """An earlier turn of the conversation that wrote it."""


class VariableJson(VariableWriteJson):
    """A variable with its last value and those before."""

    name: str
    group: str
    node_id: str | None
    title: str | None
    writes: list[VariableWriteJson]
    earlier_writes: int
    """How many earlier writes are left out."""


class VariablesJson(TypedDict):
    """The variables of a run after a step, or at its end."""

    run: str
    after: str | None
    """The execution after which the values are read."""
    variables: list[VariableJson]
    left_out: int
    older_turns_left_out: bool
    next: str | None
    """The address of the next page."""
