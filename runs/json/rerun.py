"""Reruns as JSON."""

from typing import Any

from typing_extensions import TypedDict


class RunLinkJson(TypedDict):
    """A run that something refers to."""

    id: str
    url: str
    status: str


class RerunJson(TypedDict):
    """A rerun of a run, and its result."""

    id: str
    state: str
    error: str | None
    original: RunLinkJson | None
    run: RunLinkJson | None
    """The new run."""
    compare: str | None
    """The address that compares the original and the new run."""
    node_id: str | None
    """The node that was run alone, or from which the run started."""
    sent: Any
    requested_by: str | None
    created_at: str | None
    ended_at: str | None
