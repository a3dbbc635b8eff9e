"""Received requests and refused records as JSON."""

from typing_extensions import TypedDict


class ReceivedRequestJson(TypedDict):
    """A request from a producer, and how it was answered."""

    id: int
    received_at: str | None
    door: str
    """The endpoint that it was sent to."""
    key: str | None
    """The name of its key."""
    user_agent: str | None
    content_type: str | None
    status: int
    """The HTTP status of the answer."""
    error: str | None
    remarks: dict[str, int]
    """A sentence about spans of it → how many they are: why they were set aside, for example."""
    size: int
    """The size of the body in bytes."""
    duration_us: int
    records: int
    refused: int
    duplicates: int
    late: int
    orphans: int
    run_count: int
    runs: list[str]
    """The first of its runs."""


class RequestListJson(TypedDict):
    """A page of requests, newest first."""

    requests: list[ReceivedRequestJson]
    next: str | None
    """The address of the next page."""


class RefusedRecordJson(TypedDict):
    """A record that was refused, and why."""

    id: int
    received_at: str | None
    request: int | None
    door: str
    """The endpoint that refused it."""
    key: str | None
    user_agent: str | None
    reason: str
    replayed_at: str | None
    raw_beginning: str


class RefusedListJson(TypedDict):
    """A page of refused records, newest first."""

    refused: list[RefusedRecordJson]
    next: str | None
    """The address of the next page."""
