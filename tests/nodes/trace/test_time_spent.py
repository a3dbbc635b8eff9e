"""Time by node and kind, gaps by name, the lines of the critical path."""

from decimal import Decimal

from nodes.trace.critical_path import PathPart, critical_path
from nodes.trace.time_spent import (
    StepUsage,
    gaps_by_name,
    path_lines,
    sort_time_spent,
    time_by_kind,
    time_by_node,
    waited_for_people,
)
from nodes.trace.tree import TraceStep, build_trace_tree
from tests.nodes.trace.test_critical_path import US, at
from tests.nodes.trace.test_tree import ident

STEPS = [
    at(1, 0, 2, node_id="ask", self_us=2 * US),
    at(2, 0, 1, node_id="check", kind="code", self_us=US),
    at(3, 2, 5, node_id="ask", self_us=3 * US),
    at(4, 6, 90, node_id="form", kind="human-input", self_us=84 * US),
]
USAGE = {
    ident(1): StepUsage(100, Decimal("0.5"), "USD"),
    ident(3): StepUsage(50, None, ""),
    ident(2): StepUsage(0, Decimal("2"), "USD"),
}


def path_of(steps: list[TraceStep] = STEPS, until: int = 90) -> list[PathPart]:
    return critical_path(build_trace_tree(steps), 1, until * US + 1)


def test_executions_of_a_node_are_summed() -> None:
    ask, check, form = time_by_node(STEPS, path_of(), USAGE)
    assert (ask.key, ask.times, ask.own, ask.most, ask.example) == (
        "ask", 2, 5 * US, 3 * US, ident(3),
    )  # fmt: skip
    assert (ask.tokens, ask.cost, ask.currency) == (150, Decimal("0.5"), "USD")
    assert (ask.path, check.path) == (5 * US, 0)  # the check ran beside it
    assert form.path == 0  # waiting is a gap, not work


def test_costs_in_several_currencies_are_not_added() -> None:
    usage = {
        ident(1): StepUsage(0, Decimal("3"), "RMB"),
        ident(3): StepUsage(0, Decimal("0.5"), "USD"),
    }
    ask = time_by_node(STEPS, [], usage)[0]
    assert ask.costs == {"RMB": Decimal("3"), "USD": Decimal("0.5")}
    assert (ask.cost, ask.currency) == (Decimal("0.5"), "USD")


def test_groups_are_sorted_by_any_column() -> None:
    nodes = time_by_node(STEPS, path_of(), USAGE)
    assert [group.key for group in sort_time_spent(nodes, "own")] == ["form", "ask", "check"]
    assert [group.key for group in sort_time_spent(nodes, "cost")] == ["check", "ask", "form"]
    assert sort_time_spent(nodes, "tokens")[0].key == "ask"


def test_kinds_have_their_labels() -> None:
    assert [group.key for group in time_by_kind(STEPS, path_of(), USAGE)] == [
        "LLM",
        "Code",
        "Human input",
    ]


def test_gaps_are_summed_by_name_and_waits_for_people_are_known() -> None:
    assert gaps_by_name(path_of()) == [("waiting for a person", 85 * US, 2)]
    assert waited_for_people(path_of()) == 85 * US


def test_short_parts_of_the_path_are_joined() -> None:
    steps = [at(n, n, n + 1) for n in range(1, 500)]
    lines = path_lines(path_of([at(500, 500, 900), *steps], 900), 900 * US)
    assert [(line.short, round(line.lasted / US)) for line in lines] == [(500, 500), (0, 400)]
    assert len(path_lines(path_of(), 5 * US)) == len(path_of())
