"""Two runs side by side."""

from collections import Counter
from typing import Literal

from runs.json.comparison import DivergingPairJson, RunComparisonJson, StepPairJson
from runs.mcp.find_runs import run_line
from runs.mcp.text import facts, iteration, listing, on_a_line
from runs.mcp.tool import Tool, ToolArguments
from runs.mcp.twins import TwinReader
from runs.pages.compare.views import compare_twin

Side = Literal["a", "b"]
# Each run, and the other one.
_SIDES: tuple[tuple[Side, Side], ...] = (("a", "b"), ("b", "a"))
MAX_TITLES = 12
MAX_CHANGES = 8
MAX_CHANGED = 400  # bytes of each side of a change


class CompareArguments(ToolArguments):
    run: str
    """A run, by any id"""
    other: str = ""
    """Another run; without it the successful run that tells most about the first"""


def compare_runs(reader: TwinReader, arguments: CompareArguments) -> str:
    answer: RunComparisonJson = reader.read(compare_twin, a=arguments.other, b=arguments.run)
    first = answer["first_divergence"]
    heading = [
        f"A: {run_line(answer['a'])}",
        f"B: {run_line(answer['b'])}",
        f"Their inputs: {answer['given']}.",
        f"First difference: {_pair_line(first)}" if first else "No step differs by itself.",
        *(_change_lines(first) if first else ()),
        "Steps that differ, with A's execution and B's:",
    ]
    in_both = [pair for pair in answer["pairs"] if pair["a"] and pair["b"]]
    entries = [
        f"- {_pair_line(pair)} | {pair['a']} | {pair['b']}"
        for pair in in_both
        if pair["verdict"] != "same"
    ]
    alone = [
        _alone_line(side, [pair for pair in answer["pairs"] if not pair[other]])
        for side, other in _SIDES
    ]
    entries = [*filter(None, alone), *entries]

    def read_on(shown: int) -> str:
        left_out = len(entries) - shown
        return f"{left_out} more are not shown; step shows each." if left_out else ""

    return listing("\n".join(heading), entries, read_on)


def _alone_line(side: Side, pairs: list[StepPairJson]) -> str:
    """Return the steps that only one run has, counted by title, the first of them by its id; ""
    for none."""
    if not pairs:
        return ""
    counts = Counter(on_a_line(pair["title"], 60) for pair in pairs)
    titles = ", ".join(f"{title} ({count})" for title, count in counts.most_common(MAX_TITLES))
    more = ", …" if len(counts) > MAX_TITLES else ""
    return f"- only in {side.upper()}, from {pairs[0][side]} on: {titles}{more}"


def _pair_line(pair: StepPairJson) -> str:
    return facts(
        on_a_line(pair["title"], 60),
        pair["kind"],
        iteration(pair["iteration"]),
        pair["verdict"],
        on_a_line(pair["reason"], 120),
        ", ".join(pair["differences"]),
    )


def _change_lines(pair: DivergingPairJson) -> list[str]:
    """Return what differs in the values of a pair."""
    changes = [(name, it) for name, values in pair.get("values", {}).items() for it in values]
    lines = [
        f"  {on_a_line(name, 30)} {on_a_line(it['path'], 80)} {it['change']}:"
        f" A “{on_a_line(it['before'], MAX_CHANGED)}” B “{on_a_line(it['after'], MAX_CHANGED)}”"
        for name, it in changes[:MAX_CHANGES]
    ]
    more = len(changes) - MAX_CHANGES
    return [*lines, f"  and {more} more"] if more > 0 else lines


COMPARE = Tool(
    "compare",
    "Compare two runs",
    "Two runs step by step: where they first differ by themselves, what differs there, and every"
    " step that differs.",
    CompareArguments,
    compare_runs,
)
