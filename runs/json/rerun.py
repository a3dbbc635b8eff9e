"""Attempts to run a run again, as JSON."""

from typing import Any

from typing_extensions import TypedDict


class RunLinkJson(TypedDict):
    """A run that something refers to."""

    id: str
    url: str
    status: str


class RerunJson(TypedDict):
    """An attempt to run a run again, and what came of it."""

    id: str
    state: str
    error: str | None
    original: RunLinkJson | None
    run: RunLinkJson | None
    """The run that came of it."""
    compare: str | None
    """The address that compares both."""
    node_id: str | None
    """The node that alone, or from which on, was run."""
    sent: Any
    requested_by: str | None
    created_at: str | None
    ended_at: str | None
