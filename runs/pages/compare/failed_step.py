"""What a comparison says first where one run failed and the other did not: the step that failed,
and what of its inputs is different."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from nodes.choices import status_label
from nodes.clock import hex_id
from nodes.content import payloads
from nodes.diff.difference import member_path
from nodes.diff.pairing import StepPair
from nodes.diff.rows import pair_element_id, repetition_text
from nodes.diff.side_by_side import MAX_BYTES, SideBySide
from nodes.execution_detail import value_labels
from nodes.formats import visible
from nodes.models import NodeExecution
from runs.choices import RunStatus
from runs.models import Run

SHOWN_PATHS = 5
SHORTEST_QUOTE = 3  # characters of a value that an error is searched for
MAX_SEARCHED = 2_000  # values of a step


@dataclass(frozen=True, slots=True)
class FailedStep:
    """The step by which one run failed, of which `failed` is the name ("A" or "B").

    `ended`: how the step ended in the other run ("succeeded"), "" where it did not run there.
    `same_inputs`: whether its inputs are the same in both; None where it is not known.
    `differing`: paths of inputs that differ, of `differing_total`; `quoted`: the path of a value
    that the error quotes, although it is the same in both, or ""."""

    pair: StepPair
    failed: str
    other: str
    ended: str
    same_inputs: bool | None
    differing: list[str]
    differing_total: int
    settings_differ: bool
    quoted: str

    @property
    def place(self) -> str:
        return repetition_text(self.pair)

    @property
    def element_id(self) -> str:
        return pair_element_id(self.pair)

    @property
    def more(self) -> int:
        return self.differing_total - len(self.differing)


def failed_pair(a: Run, b: Run, pairs: Sequence[StepPair]) -> StepPair | None:
    """Return the pair with the step by which one of the runs failed; None unless exactly one
    failed, by a step."""
    failed = [run for run in (a, b) if run.status == RunStatus.FAILED]
    if len(failed) != 1 or (step_id := failed[0].failed_execution) is None:
        return None
    sides = ((pair, pair.a if failed[0] is a else pair.b) for pair in pairs)
    return next((pair for pair, step in sides if step and hex_id(step.id) == step_id.hex), None)


def failed_step(a: Run, pair: StepPair, sides: SideBySide | None) -> FailedStep | None:
    """Describe a pair that `failed_pair` returned; `sides` are its steps with their values."""
    if sides is None:
        return None
    in_a = a.status == RunStatus.FAILED
    step, other = (sides.a, sides.b) if in_a else (sides.b, sides.a)
    if step is None:
        return None
    label = value_labels(step.kind_info)[0]
    inputs = next((section for section in sides.sections if section.label == label), None)
    difference = inputs.difference if inputs else None
    changed = [change.path for change in difference.changes] if difference else []
    is_read = inputs is None or inputs.form != "unread"
    return FailedStep(
        pair=pair,
        failed="A" if in_a else "B",
        other="B" if in_a else "A",
        ended=status_label(other.status).lower() if other else "",
        same_inputs=not (difference and difference.total) if other and is_read else None,
        differing=[visible(path or "the whole input") for path in changed[:SHOWN_PATHS]],
        differing_total=difference.total if difference else 0,
        settings_differ=any(
            section.label == "Settings" and section.form == "different"
            for section in sides.sections
        ),
        quoted=_quoted_path(step, changed) if other else "",
    )


def _quoted_path(step: NodeExecution, changed: Sequence[str]) -> str:
    """Return the path of the longest text among the step's inputs that its error quotes, where it
    is none of those that differ."""
    if not step.inputs or step.inputs.size > MAX_BYTES or not step.error:
        return ""
    quoted = [
        (len(text), path)
        for path, text in _texts(payloads.load_value(step.inputs))
        if len(text) >= SHORTEST_QUOTE and text in step.error
    ]
    path = max(quoted, default=(0, ""))[1]
    differs = any(path == it or path.startswith((f"{it}.", f"{it}[")) for it in changed)
    return "" if differs else visible(path)


def _texts(value: Any) -> Iterator[tuple[str, str]]:
    """Yield (path, text) of the texts of a value, the first MAX_SEARCHED."""
    stack: list[tuple[str, Any]] = [("", value)]
    for _ in range(MAX_SEARCHED):
        if not stack:
            return
        path, inner = stack.pop()
        if isinstance(inner, str):
            yield path, inner
        elif isinstance(inner, dict):
            stack += [(member_path(path, str(key)), item) for key, item in inner.items()]
        elif isinstance(inner, list):
            stack += [(f"{path}[{index}]", item) for index, item in enumerate(inner)]
