"""Error groups as JSON."""

from typing_extensions import TypedDict

from runs.json.app import AppRefJson, VersionRefJson
from runs.json.run import FailedNodeJson


class FailingNodeJson(TypedDict):
    """The node that a group of failures has in common."""

    node_id: str
    title: str | None


class VersionCountJson(TypedDict):
    """How many runs of a version failed like this."""

    version: VersionRefJson | None
    runs: int


class ErrorGroupHeadJson(TypedDict):
    """The part of an error group that is known before its runs are read."""

    id: str
    url: str
    app: AppRefJson
    node: FailingNodeJson | None
    error_type: str | None
    message: str | None
    all_runs: str
    """The address of its runs."""
    resolved_at: str | None
    resolved_by: str | None


class ErrorGroupJson(ErrorGroupHeadJson):
    """Runs of an app that the same node ended in the same way."""

    state: str
    """“open”, “resolved”, or “reopened” where runs failed like this again after it was resolved."""
    runs: int
    """How many of the failures that were read belong to the group."""
    first_at: str | None
    last_at: str | None
    since_version: VersionRefJson | None
    """The version of its first run."""
    versions: list[VersionCountJson]


class ListedErrorGroupJson(ErrorGroupJson):
    """A group in the list of errors."""

    new_in_newest_version: bool


class FailuresReadJson(TypedDict):
    """How many failures were read."""

    failures: int
    complete: bool


class ErrorListJson(TypedDict):
    """Error groups, the most recent failure first."""

    errors: list[ListedErrorGroupJson]
    read: FailuresReadJson
    next: str | None
    """The address of earlier failures."""


class FailedRunJson(TypedDict):
    """A run of a group."""

    id: str
    url: str
    version: VersionRefJson | None
    started_at: str | None
    duration_us: int | None
    cost: str | None
    failed_node: FailedNodeJson | None
    error: str | None


class GoodRunJson(TypedDict):
    """The successful run to compare the newest failure with."""

    good_run: str
    why: str
    """What it has in common with the failure: “input”, “question”, “version” or “success”."""
    url: str


class NodeSuccessJson(TypedDict):
    """A successful execution of the failing node."""

    execution: str
    run: str
    started_at: str | None


class ErrorGroupDetailJson(ErrorGroupJson):
    """A group with its newest message and runs."""

    more_runs: bool
    """Whether the group has more runs than `runs` counts."""
    newest_error: str | None
    newest_runs: list[FailedRunJson]
    compare: GoodRunJson | None
    node_successes: list[NodeSuccessJson]
