"""Loads a run for lineage: a light row of every step, the graph, and values within bounds."""

from typing import Any
from uuid import UUID

import orjson
from django.db.models import Q

from nodes.clock import hex_id, to_us
from nodes.content.payloads import load_value
from nodes.digests import digest_of
from nodes.graph.graph import sent_graph
from nodes.lineage.engines import ENGINES
from nodes.lineage.run_index import AddValue, RunIndex, RunValues
from nodes.lineage.steps import LineageStep
from nodes.models import NodeExecution, Payload
from runs.models import Run, Version

MAX_STEPS = 20_000
MAX_VALUE_BYTES = 1_000_000  # of one value that is loaded
MAX_TOTAL_BYTES = 3_000_000  # of all that are
MAX_VALUES = 400
MAX_ROUNDS = 12  # times that values are loaded: two queries each
# What lineage reads of each step beside the columns of a light row.
_STEP_COLUMNS = (
    "title", "attempt", "index", "started_at", "ended_at", "hex_inputs", "hex_outputs", "senders",
    "hex_process",
)  # fmt: skip


class PayloadLoader:
    """Loads values of a run by digest, as far as there is room. `left_out` counts those that were
    wanted and not loaded."""

    def __init__(self) -> None:
        self.payload_ids: dict[str, str] = {}  # by digest
        self.left_out = 0
        self._tried: set[str] = set()
        self._bytes = self._values = self._rounds = 0

    def register(self, payload_id: str | None) -> str:
        """Return the digest of a payload, which is the same wherever the value is stored; "" for
        none. From then on it can be loaded."""
        if not payload_id:
            return ""
        digest = digest_of(payload_id)
        self.payload_ids.setdefault(digest, payload_id)
        return digest

    def load(self, digests: list[str], add: AddValue) -> None:
        """Call `add` with each digest and its value, in order, for those that there is room for."""
        wanted = [d for d in digests if d in self.payload_ids and d not in self._tried]
        self._tried.update(wanted)
        self._rounds += bool(wanted)
        if self._rounds > MAX_ROUNDS:
            self.left_out += len(wanted)
            return
        admitted = wanted[: MAX_VALUES - self._values]
        self.left_out += len(wanted) - len(admitted)
        digest_by_id = {UUID(self.payload_ids[digest]): digest for digest in admitted}
        sizes = dict(Payload.objects.filter(id__in=list(digest_by_id)).values_list("id", "size"))
        chosen = []
        for payload_id in digest_by_id:
            size = sizes.get(payload_id, 0)
            if size > MAX_VALUE_BYTES or self._bytes + size > MAX_TOTAL_BYTES:
                self.left_out += 1
                continue
            self._bytes += size
            chosen.append(payload_id)
        self._values += len(chosen)
        payloads = Payload.objects.in_bulk(chosen) if chosen else {}
        for payload_id in chosen:  # the nearest come first
            if payload_id in payloads:
                add(digest_by_id[payload_id], load_value(payloads[payload_id]))


def load_run_index(run: Run, execution_id: UUID | None = None) -> tuple[RunIndex, PayloadLoader]:
    """Return what is known of a run, and what loads its values; with the step `execution_id` even
    where it is a wrapper. Three queries."""
    loader = PayloadLoader()
    rows = (
        NodeExecution.objects.in_run(run.id)
        .filter(Q(folded=False) | Q(id=execution_id))
        .light_rows(*_STEP_COLUMNS)[:MAX_STEPS]
    )
    steps = [_lineage_step(row, loader) for row in rows]
    if run.source_kind.startswith("dify"):
        for step in steps:
            step.senders = ()  # Dify names who came before, which need not have sent anything
    version = Version.objects.filter(pk=run.version_id).first() if run.version_id else None
    configuration = (version.configuration if version else None) or {}
    run_values = RunValues(
        loader.register(str(run.inputs_id or "")),
        loader.register(str(run.outputs_id or "")),
        _declared_values(configuration.get("environment_variables")),
        {}
        if _is_later_turn(run)
        else _declared_values(configuration.get("conversation_variables")),
    )
    graph = sent_graph(version.graph) if version and version.graph else None
    run_index = RunIndex(steps, run_values, graph, loader.load, ENGINES)
    run_index.truncated = len(steps) == MAX_STEPS
    return run_index, loader


def _is_later_turn(run: Run) -> bool:
    """Return whether earlier turns may have written what the version declares."""
    if not run.conversation_id:
        return False
    earlier = Run.objects.filter(conversation=run.conversation_id, started_at__lt=run.started_at)
    return earlier.exists()


def _lineage_step(row: tuple[Any, ...], loader: PayloadLoader) -> LineageStep:
    (
        step_id, parent_id, node_id, kind, status, iteration, title, attempt, index, started, ended,
        inputs_id, outputs_id, hints, process_data_id,
    ) = row  # fmt: skip
    return LineageStep(
        hex_id(step_id),
        hex_id(parent_id),
        node_id,
        kind,
        status,
        iteration,
        title,
        attempt,
        index,
        to_us(started),
        to_us(ended),
        loader.register(inputs_id),
        loader.register(outputs_id),
        _senders_of(hints),
        loader.register(process_data_id),
    )


def _senders_of(hints: str) -> tuple[str, ...]:
    """Return the nodes that may send to a step (Haystack), from its stored hints."""
    names = orjson.loads(hints).get("ran_after") if hints else None
    return tuple(str(name) for name in names) if isinstance(names, list) else ()


def _declared_values(declarations: Any) -> dict[str, Any]:
    """Return the values of declared variables by name; those of secrets are not stored."""
    return {
        str(item.get("name")): item["value"]
        for item in (declarations if isinstance(declarations, list) else ())
        if isinstance(item, dict) and "value" in item
    }


_CALL_ID_ATTRIBUTES = (
    "gen_ai.tool.call.id", "tool_call.id", "ai.toolCall.id", "tool_call_id",
)  # fmt: skip


def tool_call_id(execution: NodeExecution) -> str:
    """Return the id of the tool call that a step is, where its producer reports it; else ""."""
    attributes = execution.received.get("attributes") if execution.kind == "tool" else None
    if not isinstance(attributes, dict):
        return ""
    return next((str(attributes[key]) for key in _CALL_ID_ATTRIBUTES if attributes.get(key)), "")
