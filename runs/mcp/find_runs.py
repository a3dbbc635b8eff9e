"""Find runs by the language of the search box."""

from pydantic import Field

from runs.json.run import ListedRunJson, RunJson, RunListJson
from runs.json.search_hit import SearchHitJson
from runs.mcp.text import (
    facts,
    iteration,
    labelled,
    lasted,
    listing,
    money,
    on_a_line,
    second,
)
from runs.mcp.tool import Tool, ToolArguments
from runs.mcp.twins import TwinReader, cursor
from runs.pages.history.views import run_list_twin
from runs.query.fields import FIELDS
from runs.query.run_filters import ORDERS

MAX_HITS = 2


class FindRunsArguments(ToolArguments):
    query: str = Field(
        "",
        description="Filters and words. Words are searched for in inputs, outputs, errors and"
        " titles, with node:X in the steps of that node. All must match; OR, parentheses and a"
        " minus in front are understood. Filters: " + " ".join(field.example for field in FIELDS),
    )
    order: str = Field("", description=f"One of {', '.join(ORDERS)}; only without words")
    limit: int = Field(10, ge=1, le=20, description="How many")
    after: str = ""
    """Where to read on, from the end of the answer before"""


def find_runs(reader: TwinReader, arguments: FindRunsArguments) -> str:
    answer: RunListJson = reader.read(
        run_list_twin,
        q=arguments.query,
        order=arguments.order,
        limit=arguments.limit,
        after=arguments.after,
    )
    entries = [_entry(run) for run in answer["runs"]]
    following = cursor(answer["next"])
    if not entries:
        return f"No further run matches.{_searched(answer)}"
    read_on = f"There are more: after={following}" if following else "These are all."
    return listing("", entries, lambda _: read_on + _searched(answer), arguments.limit)


def _searched(answer: RunListJson) -> str:
    until = answer["searched_until"]
    return f" Searched back to {second(until)}." if until else ""


def _entry(run: ListedRunJson) -> str:
    failed, conversation = run["failed_node"], run["conversation"]
    lines = [
        f"- {run_line(run)}",
        labelled("conversation", conversation and conversation["id"]),
        labelled("user", run["user"], 60),
        f"failed step: {on_a_line(failed['title'], 60)} {failed['execution']}" if failed else "",
        labelled("error", run["error"]),
        *map(_hit_line, (run["hits"] or [])[:MAX_HITS]),
        labelled("input", run["input_preview"], 150),
        labelled("output", run["output_preview"], 150),
    ]
    return "\n  ".join(filter(None, lines))


def _hit_line(hit: SearchHitJson) -> str:
    where = facts(on_a_line(hit["title"], 60), iteration(hit["iteration"]), hit["execution"])
    around = f"{hit['before'][-80:]}{hit['match']}{hit['after'][:80]}"
    return f"match in {hit['field']} of {where or 'the run'}: {on_a_line(around, 220)}"


def run_line(run: RunJson) -> str:
    """Return the facts of a run on a line that begins with its id."""
    version = run["version"]
    return facts(
        run["id"],
        f"{run['status']}{' (stalled)' if run['stalled'] else ''}",
        f"app {run['app']['slug']}",
        f"version {version['number']}" if version else "",
        second(run["started_at"]),
        lasted(run["duration_us"]),
        f"{run['tokens']['total']} tokens" if run["tokens"]["total"] else "",
        money(run["cost"]["amount"], run["cost"]["currency"]),
    )


FIND_RUNS = Tool(
    "find_runs",
    "Find runs",
    "List runs, newest first: id, status, app, failed step, error, input, output, and where words"
    " were found.",
    FindRunsArguments,
    find_runs,
)
