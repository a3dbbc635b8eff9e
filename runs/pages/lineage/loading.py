"""Loads what lineage looks at: a light row of every step, the graph, and values within bounds."""

from typing import Any
from uuid import UUID

import orjson
from django.db.models import Q

from nodes.clock import hex_id, iteration_path, to_us
from nodes.content.payloads import load_value
from nodes.digests import digest_of
from nodes.graph.graph import stored
from nodes.lineage.executions import Visit
from nodes.lineage.run_index import Add, Story, Whole
from nodes.models import NodeExecution, Payload
from runs.models import Run, Version

MAX_STEPS = 20_000
MAX_BODY = 1_000_000  # bytes of a value that is looked at
MAX_BYTES = 3_000_000  # of all that are
MAX_VALUES = 400
MAX_ROUNDS = 12  # times that values are asked for: two queries each
# What lineage reads of each step beside the columns of a light row.
_COLUMNS = (
    "title", "attempt", "index", "started_at", "ended_at", "hex_inputs", "hex_outputs", "senders",
    "hex_process",
)  # fmt: skip


class Bodies:
    """Values of a run by digest, as far as there is room. `left_out` counts those that were wanted
    and not looked at."""

    def __init__(self) -> None:
        self.ids: dict[str, str] = {}  # digest → id of the payload
        self.left_out = 0
        self._tried: set[str] = set()
        self._bytes = self._values = self._rounds = 0

    def know(self, payload_id: str | None) -> str:
        """The digest of a payload, which is the same wherever the value is stored; "" for none."""
        if not payload_id:
            return ""
        content = digest_of(payload_id)
        self.ids.setdefault(content, payload_id)
        return content

    def load(self, digests: list[str], add: Add) -> None:
        wanted = [d for d in digests if d in self.ids and d not in self._tried]
        self._tried.update(wanted)
        self._rounds += bool(wanted)
        if self._rounds > MAX_ROUNDS:
            self.left_out += len(wanted)
            return
        asked = wanted[: MAX_VALUES - self._values]
        self.left_out += len(wanted) - len(asked)
        ids = {UUID(self.ids[content]): content for content in asked}
        sizes = dict(Payload.objects.filter(id__in=list(ids)).values_list("id", "size"))
        chosen = []
        for payload_id in ids:
            size = sizes.get(payload_id, 0)
            if size > MAX_BODY or self._bytes + size > MAX_BYTES:
                self.left_out += 1
                continue
            self._bytes += size
            chosen.append(payload_id)
        self._values += len(chosen)
        found = Payload.objects.in_bulk(chosen) if chosen else {}
        for payload_id in chosen:  # in the order asked for: the nearest first
            if payload_id in found:
                add(ids[payload_id], load_value(found[payload_id]))


def story_of(run: Run, execution_id: UUID | None = None) -> tuple[Story, Bodies]:
    """What is known of a run; with the step `execution_id` even where it is plumbing.
    Three queries."""
    bodies = Bodies()
    rows = (
        NodeExecution.objects.in_run(run.id)
        .filter(Q(folded=False) | Q(id=execution_id))
        .light_rows(*_COLUMNS)[:MAX_STEPS]
    )
    visits = [_visit(row, bodies) for row in rows]
    if run.source_kind.startswith("dify"):
        for visit in visits:
            visit.senders = ()  # Dify names who came before, which need not have sent anything
    version = Version.objects.filter(pk=run.version_id).first() if run.version_id else None
    configuration = (version.configuration if version else None) or {}
    whole = Whole(
        bodies.know(str(run.inputs_id or "")),
        bodies.know(str(run.outputs_id or "")),
        _values(configuration.get("environment_variables")),
        {} if _is_later_turn(run) else _values(configuration.get("conversation_variables")),
    )
    graph = stored(version.graph) if version and version.graph else None
    story = Story(visits, whole, graph, bodies.load)
    story.stopped = len(visits) == MAX_STEPS
    return story, bodies


def _is_later_turn(run: Run) -> bool:
    """Whether turns before may have written what the version declares."""
    if not run.conversation_id:
        return False
    others = Run.objects.filter(conversation=run.conversation_id, started_at__lt=run.started_at)
    return others.exists()


def _visit(row: tuple[Any, ...], bodies: Bodies) -> Visit:
    (
        step_id, parent_id, node_id, kind, status, iteration, title, attempt, index, started, ended,
        inputs_id, outputs_id, hints, process_id,
    ) = row  # fmt: skip
    return Visit(
        hex_id(step_id),
        hex_id(parent_id),
        node_id,
        title,
        kind,
        status,
        iteration_path(iteration),
        attempt,
        index,
        to_us(started),
        to_us(ended),
        bodies.know(inputs_id),
        bodies.know(outputs_id),
        _senders(hints),
        bodies.know(process_id),
    )


def _senders(hints: str) -> tuple[str, ...]:
    """Nodes that may send to a step (Haystack)."""
    told = orjson.loads(hints).get("ran_after") if hints else None
    return tuple(str(name) for name in told) if isinstance(told, list) else ()


def _values(declared: Any) -> dict[str, Any]:
    """Values of declared variables by name; those of secrets are not kept."""
    return {
        str(item.get("name")): item["value"]
        for item in (declared if isinstance(declared, list) else ())
        if isinstance(item, dict) and "value" in item
    }


_CALL_IDS = ("gen_ai.tool.call.id", "tool_call.id", "ai.toolCall.id", "tool_call_id")


def call_id_of(execution: NodeExecution) -> str:
    """The id of the tool call that a step is, where its producer tells it."""
    attributes = execution.received.get("attributes") if execution.kind == "tool" else None
    if not isinstance(attributes, dict):
        return ""
    return next((str(attributes[key]) for key in _CALL_IDS if attributes.get(key)), "")
