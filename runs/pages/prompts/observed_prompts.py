"""Which system prompts a node had, and when: as its executions reported them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import islice, pairwise
from typing import Any
from uuid import UUID

from nodes.aggregates import add_costs
from nodes.choices import NodeStatus
from nodes.content.payloads import load_value
from nodes.content.system_prompt import system_prompt
from nodes.diff.text_diff import DiffPiece, diff_words
from nodes.formats import visible
from nodes.models import NodeExecution
from runs.json.comparison import PromptChangeJson
from runs.models import App

# The newest executions that are looked at, and the newest prompts that are listed.
MAX_EXECUTIONS = 5_000
MAX_PROMPTS = 50
MAX_BYTES = 1_000_000  # a larger value is not searched for its prompt


@dataclass(slots=True)
class ObservedPrompt:
    """A system prompt of a node, and what its executions came to. `key` is its digest in hex,
    `before` the key of the prompt that was had before it, "" for the first; `newest_id` the newest
    execution that had it, in the run `newest_run_id`."""

    key: str
    newest_id: UUID
    newest_run_id: UUID
    first_at: datetime | None
    last_at: datetime | None
    text: str = ""
    before: str = ""
    models: set[str] = field(default_factory=set)
    runs: set[UUID] = field(default_factory=set)
    executions: int = 0
    ended: int = 0
    failed: int = 0
    counted_costs: list[tuple[str, Decimal | None]] = field(default_factory=list)

    @property
    def failed_percent(self) -> int | None:
        """Return the share of failures, rounded up, so that 0 means none."""
        return -(-self.failed * 100 // self.ended) if self.ended else None

    @property
    def costs(self) -> dict[str, Decimal]:
        return add_costs(self.counted_costs)

    @property
    def model_names(self) -> str:
        return ", ".join(sorted(self.models))


@dataclass(frozen=True, slots=True)
class PromptHistory:
    """The prompts of a node, the newest first; `looked_at` executions were read, `is_cut` where
    there are more of them, `left_out` prompts are not listed."""

    prompts: list[ObservedPrompt]
    title: str
    looked_at: int
    is_cut: bool
    left_out: int

    def prompt(self, key: str) -> ObservedPrompt | None:
        return next((prompt for prompt in self.prompts if prompt.key == key), None)


@dataclass(frozen=True, slots=True)
class PromptChange:
    """Two prompts of a node and how they differ; `pieces` is empty where they have little in
    common."""

    before: ObservedPrompt
    after: ObservedPrompt
    pieces: list[DiffPiece]
    note: str


_COLUMNS = (
    "prompt_digest", "id", "run_id", "started_at", "status", "model", "counted", "cost_currency",
    "cost", "title",
)  # fmt: skip


def prompt_history(app: App, node_id: str) -> PromptHistory | None:
    """Return the prompts of a node; None for a node that has not run. Two queries."""
    rows = NodeExecution.objects.of_node(app.pk, node_id).values_list(*_COLUMNS)
    newest = list(rows[: MAX_EXECUTIONS + 1])
    if not newest:
        return None
    prompts = _grouped(newest[:MAX_EXECUTIONS])
    listed = prompts[:MAX_PROMPTS]
    _fill_texts(listed)
    return PromptHistory(
        listed,
        newest[0][-1],
        min(len(newest), MAX_EXECUTIONS),
        len(newest) > MAX_EXECUTIONS,
        len(prompts) - len(listed),
    )


def prompt_change(history: PromptHistory, before: str, after: str) -> PromptChange | None:
    """Return how two prompts, named by their keys, differ; by default the two newest."""
    old, new = history.prompt(before), history.prompt(after)
    if not before and not after and len(history.prompts) > 1:
        new, old = history.prompts[:2]
    if old is None or new is None or old is new:
        return None
    diff = diff_words(old.text, new.text)
    return PromptChange(old, new, diff.pieces, diff.note)


@dataclass(frozen=True, slots=True)
class ChangedPrompt:
    """A node whose system prompt is another one in `b` than in `a`; `before` and `after` are the
    keys of the newest in each."""

    node_id: str
    title: str
    before: str
    after: str


def changed_prompts(a: Iterable[UUID], b: Iterable[UUID]) -> list[ChangedPrompt]:
    """Return the nodes whose system prompt was another one in the runs `b` than in the runs `a`, at
    most MAX_PROMPTS. Two queries."""
    before, after = _newest_prompts(a), _newest_prompts(b)
    changed = (
        ChangedPrompt(node_id, title, digest_key(before[node_id][1]), digest_key(digest))
        for node_id, (title, digest) in sorted(after.items())
        if node_id in before and before[node_id][1] != digest
    )
    return list(islice(changed, MAX_PROMPTS))


def prompt_changes_json(changes: Iterable[ChangedPrompt]) -> list[PromptChangeJson]:
    return [
        {
            "node_id": change.node_id,
            "title": change.title,
            "before": change.before,
            "after": change.after,
        }
        for change in changes
    ]


def _newest_prompts(run_ids: Iterable[UUID]) -> dict[str, tuple[str, int]]:
    """Return {node id: (title, digest of the prompt)} of the newest executions in some runs."""
    steps = NodeExecution.objects.visible().filter(run_id__in=list(run_ids))
    newest_first = steps.exclude(prompt_digest=None).order_by("-started_at", "-id")
    rows = newest_first.values_list("node_id", "title", "prompt_digest")[:MAX_EXECUTIONS]
    newest: dict[str, tuple[str, int]] = {}
    for node_id, title, digest in rows:
        if digest is not None:
            newest.setdefault(node_id, (visible(title), digest))
    return newest


def digest_key(digest: int) -> str:
    return f"{digest:016x}"


def _grouped(rows: Iterable[tuple[Any, ...]]) -> list[ObservedPrompt]:
    """Return the prompts of rows that are in order, the newest first, by when each was last had."""
    prompts: dict[int, ObservedPrompt] = {}
    for digest, id_, run_id, started_at, status, model, counted, currency, cost, _ in rows:
        if digest is None:
            continue
        prompt = prompts.get(digest)
        if prompt is None:
            key = digest_key(digest)
            prompt = prompts[digest] = ObservedPrompt(key, id_, run_id, started_at, started_at)
        prompt.first_at = started_at or prompt.first_at
        prompt.executions += 1
        prompt.runs.add(run_id)
        prompt.ended += status not in (NodeStatus.RUNNING, NodeStatus.PAUSED)
        prompt.failed += status in (NodeStatus.FAILED, NodeStatus.EXCEPTION)
        if model:
            prompt.models.add(model)
        if counted:
            prompt.counted_costs.append((currency, cost))
    listed = list(prompts.values())
    for newer, older in pairwise(listed):
        newer.before = older.key
    return listed


def _fill_texts(prompts: list[ObservedPrompt]) -> None:
    ids = [prompt.newest_id for prompt in prompts]
    steps = NodeExecution.objects.filter(id__in=ids).select_related("inputs", "process_data")
    known = {step.pk: step for step in steps.only("id", "inputs", "process_data")}
    for prompt in prompts:
        if step := known.get(prompt.newest_id):
            values = (
                load_value(payload)
                for payload in (step.inputs, step.process_data)
                if payload and payload.size <= MAX_BYTES
            )
            prompt.text = visible(system_prompt(*values))
