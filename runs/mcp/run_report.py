"""The report of a run in Markdown."""

from runs.mcp.text import MAX_ANSWER
from runs.mcp.tool import Tool, ToolArguments
from runs.mcp.twins import TwinReader
from runs.pages.run.views import run_markdown


class RunReportArguments(ToolArguments):
    run: str
    """A run, by Waylog's id or the producer's (trace, workflow run, message)"""


def run_report(reader: TwinReader, arguments: RunReportArguments) -> str:
    report: str = reader.read(run_markdown, reader.run_id(arguments.run), limit=MAX_ANSWER)
    return report


RUN_REPORT = Tool(
    "run_report",
    "Why a run ended as it did",
    "One run: why it failed, since when runs fail like this, inputs and outputs of the failing"
    " step, the path it took, totals. Begin here with a failed run.",
    RunReportArguments,
    run_report,
)
