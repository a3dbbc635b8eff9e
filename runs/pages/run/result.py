"""RESULT: what the user saw; of a run that failed what it was given, and what came out before."""

from dataclasses import dataclass

from nodes.content.parts import ContentPart
from nodes.content.payloads import PayloadView, present_answer, present_payload
from nodes.digests import digest_of
from nodes.models import NodeExecution, Payload
from runs.choices import RunStatus
from runs.models import Run
from runs.pages.compare.baseline import EarlierSuccess


@dataclass(frozen=True, slots=True)
class RunResult:
    """The output of a run; `answer` is what the user saw of one that holds more than that."""

    outputs: PayloadView | None
    answer: ContentPart | None

    @property
    def is_empty(self) -> bool:
        return self.outputs is None or self.outputs.is_empty


@dataclass(frozen=True, slots=True)
class FailedResult:
    """What helps where a run failed: its inputs, those of the failing step where they are others,
    and the result of the `earlier` run with the same input that succeeded."""

    inputs: PayloadView | None
    step_inputs: PayloadView | None
    earlier: EarlierSuccess | None
    earlier_result: RunResult | None


def run_result(run: Run) -> RunResult:
    outputs = present_payload(run.outputs) if run.outputs else None
    return RunResult(outputs, present_answer(run.outputs, run.inputs) if run.outputs else None)


def failed_result(run: Run, earlier: EarlierSuccess | None) -> FailedResult | None:
    """Return what helps where `run` failed, else None. Two queries, and those for the values."""
    if run.status != RunStatus.FAILED:
        return None
    succeeded = None
    if earlier:
        runs = Run.objects.select_related("outputs", "inputs")
        succeeded = runs.filter(pk=earlier.run_id).first()
    step_inputs = _inputs_of_failing_step(run)
    return FailedResult(
        present_payload(run.inputs) if run.inputs else None,
        present_payload(step_inputs) if step_inputs else None,
        earlier,
        run_result(succeeded) if succeeded else None,
    )


def _inputs_of_failing_step(run: Run) -> Payload | None:
    """Return the inputs of the failing step, where they are not those of the run."""
    if run.failed_execution is None:
        return None
    steps = NodeExecution.objects.filter(run_id=run.pk, id=run.failed_execution)
    step = next(iter(steps.select_related("inputs").only("id", "inputs")), None)
    if step is None or step.inputs is None:
        return None
    if run.inputs_id and digest_of(run.inputs_id.hex) == digest_of(step.inputs.pk.hex):
        return None
    return step.inputs
