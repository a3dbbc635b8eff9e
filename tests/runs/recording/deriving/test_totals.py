"""Whose tokens count, over random trees: no database."""

import random
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from runs.recording.deriving.summary import summarize
from runs.recording.deriving.totals import Figures
from runs.recording.records.row import ExecutionRow
from tests.runs.recording.deriving.test_derive import root, row, run


@dataclass
class Forest:
    """Random spans of one run, and what all of its model calls used together."""

    random: random.Random
    rows: list[ExecutionRow] = field(default_factory=list)
    calls: list[Figures] = field(default_factory=list)

    def add(self, parent: str, at: tuple[int, int], **columns: Any) -> str:
        source = f"s{len(self.rows):03}"
        self.rows.append(row(source, parent, at, **columns))
        return source

    def call(self, parent: str, at: tuple[int, int], depth: int, kind: str = "llm") -> None:
        # Powers of two never add up to one another.
        step = len(self.calls)
        used = Figures(input=3 * 2**step, output=2**step, total=4 * 2**step)
        self.calls.append(used)
        figures = tokens(used)
        if self.random.random() < 0.3:  # another instrumentation, around this one
            parent = self.add(parent, at, kind=kind, model="m", **figures)
        source = self.add(parent, at, kind=kind, model="m", **figures)
        if depth and self.random.random() < 0.5:
            below = self.random.choice(("tool", "call", "guardrail", "embedding"))
            if below == "tool":
                tool = self.add(source, at, kind="tool")
                self.agent(tool, at, depth - 1)
            elif below == "call":  # the next call, as a child of the one before
                self.call(source, at, depth - 1)
            elif below == "guardrail":
                self.call(self.add(source, at, kind="guardrail"), at, 0)
            else:
                self.call(self.add(source, at, kind="tool"), at, 0, "embedding")

    def agent(self, parent: str, at: tuple[int, int], depth: int) -> None:
        """Add an agent with rounds of calls; it reports nothing, or the sum of what is below."""
        before = len(self.calls)
        source = self.add(parent, at, kind=self.random.choice(("agent", "chain", "workflow")))
        mine = self.rows[-1]
        above = source
        for _ in range(self.random.randint(1, 3)):
            if self.random.random() < 0.3:
                above = self.add(above, at, kind=self.random.choice(("chain", "task")))
            self.call(above, at, depth)
        if self.random.random() < 0.6:
            total = Figures()
            for used in self.calls[before:]:
                total = total.plus(used)
            for name, value in tokens(total).items():
                setattr(mine, name, value)


def tokens(used: Figures) -> dict[str, int]:
    return {
        "input_tokens": used.input,
        "output_tokens": used.output,
        "total_tokens": used.total,
    }


@pytest.mark.parametrize("seed", range(150))
def test_the_sum_is_that_of_the_model_calls(seed: int) -> None:
    forest = Forest(random.Random(seed))
    for _ in range(forest.random.randint(1, 3)):
        forest.agent("root", (0, 90), depth=3)
    columns = summarize(*run(root(), *forest.rows)).columns
    used = Figures()
    for call in forest.calls:
        used = used.plus(call)
    assert columns["total_tokens"] == used.total
    assert (columns["input_tokens"], columns["output_tokens"]) == (used.input, used.output)
    assert columns["model_calls"] == len(forest.calls)


def test_what_an_agent_reports_beyond_its_calls_counts() -> None:
    """Its figures stand for the language model calls below it, but not for embeddings."""
    tree, outcome = run(
        root(),
        row("a", "root", kind="agent", total_tokens=650, input_tokens=600, output_tokens=50),
        row("t", "a", kind="tool"),
        row("m", "t", kind="llm", total_tokens=55),
        row("e", "t", kind="embedding", total_tokens=8),
    )
    assert summarize(tree, outcome).columns["total_tokens"] == 658


def test_no_tokens_are_no_usage() -> None:
    rows = (
        row("a", "root", kind="agent", total_tokens=30),
        row("m", "a", kind="llm", total_tokens=0, input_tokens=0, output_tokens=0),
    )
    assert summarize(*run(root(), *rows)).columns["total_tokens"] == 30


def test_the_cost_of_an_agent_counts_where_its_calls_have_none() -> None:
    def columns(*costs: str | None) -> dict[str, Any]:
        calls = [
            row(f"m{index}", "a", kind="llm", total_tokens=10 + index,
                cost=cost and Decimal(cost), cost_currency="USD" if cost else "")
            for index, cost in enumerate(costs)
        ]  # fmt: skip
        reported = {"cost": Decimal("0.05"), "cost_currency": "USD", "cost_reported": True}
        agent = row("a", "root", kind="agent", total_tokens=21, **reported)
        return summarize(*run(root(), agent, *calls)).columns

    for costs in ((None, None), ("0.01", None)):
        totals = columns(*costs)
        assert (totals["cost"], totals["cost_state"]) == (Decimal("0.05"), "priced")
        assert totals["total_tokens"] == 21
    assert columns("0.01", "0.02")["cost"] == Decimal("0.03")


def test_what_the_span_of_the_run_reports_is_kept_beside_the_sum() -> None:
    rows = (row("m", "root", kind="llm", total_tokens=10),)
    columns = summarize(*run(root(total_tokens=12, kind="chain"), *rows)).columns
    assert (columns["total_tokens"], columns["reported_tokens"]) == (10, 12)
