"""Failures, grouped by what failed."""

from nodes.ids import as_uuid
from runs.json.error_group import (
    ErrorGroupDetailJson,
    ErrorGroupJson,
    ErrorListJson,
    FailedRunJson,
)
from runs.mcp.text import facts, labelled, lasted, listing, on_a_line, second
from runs.mcp.tool import Tool, ToolArguments
from runs.mcp.twins import NoTwin, TwinReader
from runs.pages.errors.views import error_group_twin, error_list_twin


class ErrorsArguments(ToolArguments):
    app: str = ""
    """An app, by the name in its address"""
    since: str = ""
    """Failures from then on, as 24h, 7d or a date"""
    until: str = ""
    """Failures until then"""
    state: str = ""
    """open (the default), resolved or all"""
    group: str = ""
    """A group, by its id: its newest message and runs. Without it the groups are listed"""


def failing(reader: TwinReader, arguments: ErrorsArguments) -> str:
    if arguments.group:
        group_id = as_uuid(arguments.group)
        if group_id is None:
            raise NoTwin("“group” must be the id of a group, as the list of errors has it.")
        return _one_group(reader.read(error_group_twin, group_id))
    filters = arguments.model_dump(exclude={"group"})
    answer: ErrorListJson = reader.read(error_list_twin, **filters)
    entries = [f"- {_group_lines(group)}" for group in answer["errors"]]
    if not entries:
        return "No failures."

    def read_on(shown: int) -> str:
        left_out = len(entries) - shown
        more = f"{left_out} more are not shown: give app or since. " if left_out else ""
        return more + ("Older failures were not read: give until." if answer["next"] else "")

    return listing("The most recent failure first; `errors` with group=ID:", entries, read_on)


def _group_lines(group: ErrorGroupJson) -> str:
    node, since = group["node"], group["since_version"]
    line = facts(
        group["id"],
        f"{group['runs']} runs",
        group["state"],
        f"app {group['app']['slug']}",
        f"first {second(group['first_at'])}",
        f"last {second(group['last_at'])}",
        f"since version {since['number']}" if since else "",
        f"at {on_a_line(node['title'], 60)}" if node else "",
    )
    message = labelled(group["error_type"] or "error", group["message"])
    return "\n  ".join(filter(None, (line, message)))


def _one_group(group: ErrorGroupDetailJson) -> str:
    versions = [
        f"version {count['version']['number']}: {count['runs']}" if count["version"] else ""
        for count in group["versions"]
    ]
    good = group["compare"]
    heading = [
        _group_lines(group),
        labelled("newest message", group["newest_error"], 1_500),
        labelled("runs by version", ", ".join(filter(None, versions)), 300),
        f"a run that succeeded, to compare with: {good['good_run']}" if good else "",
        "Its newest runs:",
    ]
    entries = [f"- {_failed_run_line(run)}" for run in group["newest_runs"]]
    more = f"All: find_runs with query=errorgroup:{group['id']}"
    return listing("\n".join(filter(None, heading)), entries, lambda _: more)


def _failed_run_line(run: FailedRunJson) -> str:
    version = run["version"]
    return facts(
        run["id"],
        f"version {version['number']}" if version else "",
        second(run["started_at"]),
        lasted(run["duration_us"]),
        on_a_line(run["error"], 200),
    )


ERRORS = Tool(
    "errors",
    "What fails",
    "Failed runs grouped by what failed: how many, when first and last, since which version; or"
    " one group with its runs.",
    ErrorsArguments,
    failing,
)
