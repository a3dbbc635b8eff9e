"""The side panel of a node in the graph: Settings, Last run, History."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from nodes.aggregates import percentile
from nodes.call_parameters import parameters_of
from nodes.choices import NodeStatus
from nodes.content.parts import ContentPart
from nodes.content.payloads import load_value
from nodes.content.previews import preview
from nodes.content.tools import tools_of
from nodes.execution_detail import ExecutionPanel, build_panel
from nodes.graph.alignment import nodes_by_name
from nodes.graph.graph import Graph, GraphNode
from nodes.kinds import NodeKind, kind_of
from nodes.lineage.engines.dify.settings import node_names, present_settings
from nodes.models import NodeExecution, Payload
from runs.models import App
from runs.pages.graph.tables import PanelExecutionTable

TABS = {"last-run": "Last run", "settings": "Settings", "history": "History"}
HISTORY = 50
OUTPUTS, MAX_OUTPUT_BYTES = 5, 200_000  # outputs that are searched for names of data sets
# Parameters of a call that are shown elsewhere, or are its content.
NOT_SETTINGS = frozenset({"model", "model_name", "tools", "functions", "messages", "_type"})


@dataclass(slots=True)
class NodePanel:
    """`history`: the newest executions over all versions, newest first. `last`: the newest, for
    the tab that shows it. For the settings: `config` as published, `container` the title of the
    node that it is in; `parameters` (name, value) and `tools` of the newest model call."""

    app: App
    node: GraphNode
    tab: str
    history: list[NodeExecution]
    last: ExecutionPanel | None = None
    config: ContentPart | None = None
    container: str = ""
    parameters: list[tuple[str, str]] = field(default_factory=list)
    tools: dict[str, str] = field(default_factory=dict)

    @property
    def tabs(self) -> list[tuple[str, str]]:
        return list(TABS.items())

    @property
    def history_table(self) -> PanelExecutionTable:
        return PanelExecutionTable(self.history)

    @property
    def newest(self) -> NodeExecution | None:
        return self.history[0] if self.history else None

    @property
    def kind(self) -> NodeKind:
        return kind_of(self.node.kind)

    @property
    def models(self) -> list[tuple[str, str, int]]:
        """Return (model, provider, how often) in the history, the most used first."""
        used = Counter((e.model, e.provider) for e in self.history if e.model)
        return [(*names, count) for names, count in used.most_common()]

    @property
    def strip(self) -> list[tuple[NodeExecution, int]]:
        """Return the history, oldest first, each with its duration in percent of the longest."""
        longest = max((e.duration_us or 0 for e in self.history), default=0) or 1
        return [(e, max(12, (e.duration_us or 0) * 100 // longest)) for e in self.history[::-1]]

    @property
    def p50_us(self) -> int | None:
        return self._duration_percentile(50)

    @property
    def p95_us(self) -> int | None:
        return self._duration_percentile(95)

    @property
    def mishaps(self) -> list[tuple[str, int]]:
        """Return what went wrong how often: failures always, the rest where there are any."""
        statuses = Counter(execution.status for execution in self.history)
        rest = [
            ("Failed, but handled", statuses[NodeStatus.EXCEPTION]),
            ("Tried again", statuses[NodeStatus.RETRY]),
        ]
        return [("Failed", statuses[NodeStatus.FAILED]), *(row for row in rest if row[1])]

    def _duration_percentile(self, percent: int) -> int | None:
        durations = sorted(e.duration_us for e in self.history if e.duration_us is not None)
        return percentile(durations, percent)


def node_panel(app: App, node_id: str, tab: str, graph: Graph | None) -> NodePanel | None:
    """Return the panel of a node of `graph`, or of one that ran in any version; None for any other.
    An unknown `tab` is the first. Three queries at most."""
    executions = NodeExecution.objects.of_node(app.pk, node_id)
    history = list(executions.for_history()[:HISTORY])
    node = graph.node(node_id) if graph else None
    if node is None and not history:
        return None
    if node is None:
        # Named by its title in runs, by an id in the graph.
        name = history[0].kind, history[0].title
        alike = nodes_by_name(graph.nodes).get(name) if graph else None
        node = replace(alike, id=node_id) if alike else None
    if node is None:
        node = GraphNode(node_id, history[0].kind, history[0].title)
    panel = NodePanel(app, node, tab if tab in TABS else _first_tab(history), history)
    if panel.tab == "last-run" and history:
        # Its other passes belong to the run's page, where they stand in their order.
        newest = build_panel(executions.with_payloads()[0])
        panel.last = replace(newest, same_node=[], previous=None, next=None)
    elif panel.tab == "settings":
        names = node_names(graph) if graph else {}
        panel.container = names.get(node.parent or "") or node.parent or ""
        if node.config:
            outputs = _newest_outputs(history) if "dataset_ids" in node.config else []
            panel.config = present_settings(node.config, names, outputs=outputs)
        if panel.models:
            _fill_settings(panel, executions.exclude(model="").with_payloads()[0])
    return panel


def _newest_outputs(history: list[NodeExecution]) -> list[Any]:
    """Return the outputs of the newest executions, but for huge ones. One query."""
    ids = [execution.outputs_id for execution in history if execution.outputs_id][:OUTPUTS]
    stored = Payload.objects.filter(pk__in=ids, size__lte=MAX_OUTPUT_BYTES) if ids else ()
    return [load_value(payload) for payload in stored]


def _fill_settings(panel: NodePanel, call: NodeExecution) -> None:
    parameters = parameters_of(call)
    attributes = call.received.get("attributes")
    panel.tools = tools_of(attributes if isinstance(attributes, dict) else {}, parameters)
    panel.parameters = [
        (str(name), text)
        for name, value in parameters.items()
        if name not in NOT_SETTINGS and (text := preview(value))
    ]


def _first_tab(history: Sequence[NodeExecution]) -> str:
    """Return the tab of a panel that names none: the last run, where there is one."""
    return "last-run" if history else "settings"
