"""What the page of a comparison has beside the steps: figures of both runs, and what differed
before any step ran."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.urls import reverse

from nodes import formats
from nodes.diff.pairing import ComparedStep, StepPair
from nodes.diff.side_by_side import (
    ComparedFact,
    ComparedValue,
    SideBySide,
    compare_payloads,
    side_by_side,
)
from nodes.formats import visible
from nodes.ids import as_uuid
from nodes.models import NodeExecution
from runs.models import Run
from runs.pages.compare.comparison import Comparison
from runs.pages.compare.figures import ComparedFigure, compared_figure
from runs.pages.prompts.observed_prompts import ChangedPrompt, changed_prompts

MODELS = 8


@dataclass(frozen=True, slots=True)
class StartDifference:
    """What differed before any step ran."""

    facts: list[ComparedFact]
    inputs: ComparedValue
    versions_url: str
    prompts: list[ChangedPrompt]

    @property
    def input_differs(self) -> bool:
        """Return whether the inputs differ in more than ids and times."""
        difference = self.inputs.difference
        return self.inputs.form == "unread" or (difference is not None and bool(difference.total))

    @property
    def differs(self) -> bool:
        return bool(self.facts or self.prompts) or self.input_differs


def run_figures(a: Run, b: Run) -> list[ComparedFigure]:
    """Return the figures of both runs without those that are 0 in both."""
    currency = a.cost_currency or b.cost_currency or "USD"
    same_money = (a.cost_currency or currency) == (b.cost_currency or currency)
    figures = [
        compared_figure("Duration", a.duration_us, b.duration_us, formats.duration),
        compared_figure("Tokens", a.total_tokens, b.total_tokens, formats.tokens),
        compared_figure("Cost", a.cost, b.cost, lambda cost: formats.money(cost, currency))
        if same_money
        else ComparedFigure(
            "Cost", *(formats.money(run.cost, run.cost_currency) for run in (a, b))
        ),
        compared_figure("Steps", a.steps, b.steps, str),
        compared_figure("Iterations", a.iterations, b.iterations, str),
        compared_figure("Retries", a.retries, b.retries, str),
    ]
    return [figure for figure in figures if (figure.a, figure.b) != ("0", "0")]


def start_difference(comparison: Comparison) -> StartDifference:
    """Compare what the runs began with. Takes four queries, for their inputs and prompts."""
    a, b = comparison.a, comparison.b
    facts = [fact for fact in _run_facts(a, b, comparison.pairs) if fact.differs]
    url = ""
    if a.app_id == b.app_id and a.version and b.version and a.version_id != b.version_id:
        base = reverse("app-versions-compare", args=[a.app.slug])
        url = f"{base}?a={a.version.number}&b={b.version.number}"
    inputs = compare_payloads("Input", a.inputs, b.inputs)
    return StartDifference(facts, inputs, url, prompts_between(a, b))


def prompts_between(a: Run, b: Run) -> list[ChangedPrompt]:
    """Return the nodes whose prompt changed between two runs of one app."""
    return changed_prompts([a.pk], [b.pk]) if a.app_id == b.app_id and a.pk != b.pk else []


def _run_facts(a: Run, b: Run, pairs: list[StepPair]) -> Iterator[ComparedFact]:
    for label, field in (
        ("App", "app"), ("Workflow", "name"), ("Version", "version"), ("User", "user"),
        ("Environment", "environment"), ("Trigger", "trigger"), ("Source", "source_kind"),
    ):  # fmt: skip
        yield ComparedFact(
            label, *(visible(str(getattr(run, field) or "none"))[:200] for run in (a, b))
        )
    tags = (visible(", ".join(map(str, run.tags)))[:200] or "none" for run in (a, b))
    yield ComparedFact("Tags", *tags)
    models = (_models_called(pair.a for pair in pairs), _models_called(pair.b for pair in pairs))
    if models[0].keys() != models[1].keys():
        yield ComparedFact("Models", *(visible(", ".join(names) or "none") for names in models))


def _models_called(steps: Iterable[ComparedStep | None]) -> dict[str, int]:
    """Return {model: number of calls}, the most used first."""
    counts = Counter(step.model for step in steps if step and step.model)
    return dict(counts.most_common(MODELS))


def load_pair(a: Run, b: Run, key: str) -> SideBySide | None:
    """Return the steps that `key` (see StepPair.key) names, with their values; None where these
    runs have no such steps. Takes one query."""
    key_a, _, key_b = key.partition(".")
    id_a, id_b = as_uuid(key_a), as_uuid(key_b)
    ids = [pk for pk in (id_a, id_b) if pk]
    steps = NodeExecution.objects.filter(run_id__in={a.id, b.id}, id__in=ids).with_payloads()
    by_id = {(step.run_id, step.id): step for step in steps if ids}
    step_a = by_id.get((a.id, id_a)) if id_a else None
    step_b = by_id.get((b.id, id_b)) if id_b else None
    return side_by_side(step_a, step_b) if step_a or step_b else None
