"""The graph of a version from its stored runs."""

from datetime import timedelta

from nodes.graph.graph import infer_graph
from nodes.graph.steps import GraphStep
from runs.models import App
from runs.pages.graph.version_graph import version_graph
from tests.factories import make_app, make_execution, make_run, make_version


def test_the_graph_of_recorded_agents(record, db: None) -> None:
    record("langgraph-openinference")
    app = App.objects.get()
    graph = version_graph(app, app.versions.first()).graph
    pairs = {(edge.source, edge.target) for edge in graph.edges}
    assert {
        ("classify", "agent"), ("classify", "plan"), ("agent", "tools"), ("tools", "agent"),
        ("agent", "finish"), ("plan", "retrieve"), ("retrieve", "draft"), ("draft", "review"),
        ("review", "draft"), ("review", "approve"), ("approve", "finish"),
    } <= pairs  # fmt: skip
    assert ("retrieve", "retrieve") not in pairs
    top = {node.id for node in graph.nodes if node.parent is None}
    assert top == {
        "classify",
        "agent",
        "tools",
        "finish",
        "plan",
        "retrieve",
        "draft",
        "review",
        "approve",
    }


def test_steps_are_read_from_rows(db: None) -> None:
    """`chained` steps ran after their parent, items of a fan-out are parallel."""
    version = make_version(make_app())
    run = make_run(version.app, version=version)
    plan = make_execution(run, "plan", source_id="s0")
    for n in range(2):
        make_execution(run, "fetch", node_id="fetch", hints=f'{{"fan_out_index": {n}}}',
                       started_at=plan.started_at + timedelta(seconds=n + 1))  # fmt: skip
    make_execution(run, "draft", hints='{"chained": true}', parent_source_id="s0", source_id="s3",
                   started_at=plan.started_at + timedelta(seconds=9))  # fmt: skip
    make_execution(run, "broken", hints="{", started_at=plan.started_at + timedelta(seconds=10))
    from_rows = version_graph(version.app, version)
    steps: list[GraphStep] = from_rows.runs[str(run.pk)]
    assert from_rows.graph == infer_graph([steps])
    assert {(e.source, e.target) for e in from_rows.graph.edges} == {
        ("plan", "fetch"), ("plan", "draft"), ("draft", "broken")
    }  # fmt: skip
