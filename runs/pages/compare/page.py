"""What the page of a comparison tells beside its steps: both runs, and what they began with."""

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

MODELS = 8


@dataclass(frozen=True, slots=True)
class StartDifference:
    """What differed before any step ran."""

    facts: list[ComparedFact]
    inputs: ComparedValue
    versions_url: str

    @property
    def input_differs(self) -> bool:
        """In more than ids and moments."""
        found = self.inputs.difference
        return self.inputs.form == "unread" or (found is not None and bool(found.total))

    @property
    def differs(self) -> bool:
        return bool(self.facts) or self.input_differs


def run_figures(a: Run, b: Run) -> list[ComparedFigure]:
    currency = a.cost_currency or b.cost_currency or "USD"
    same_money = (a.cost_currency or currency) == (b.cost_currency or currency)
    told = [
        compared_figure("Duration", a.duration_us, b.duration_us, formats.duration),
        compared_figure("Tokens", a.total_tokens, b.total_tokens, formats.tokens),
        compared_figure("Cost", a.cost, b.cost, lambda cost: formats.money(cost, currency))
        if same_money
        else ComparedFigure(
            "Cost", *(formats.money(run.cost, run.cost_currency) for run in (a, b))
        ),
        compared_figure("Steps", a.steps, b.steps, str),
        compared_figure("Passes", a.iterations, b.iterations, str),
        compared_figure("Retries", a.retries, b.retries, str),
    ]
    return [figure for figure in told if (figure.a, figure.b) != ("0", "0")]


def start_difference(comparison: Comparison) -> StartDifference:
    """Two queries, for the runs' inputs."""
    a, b = comparison.a, comparison.b
    facts = [fact for fact in _facts(a, b, comparison.pairs) if fact.differs]
    url = ""
    if a.app_id == b.app_id and a.version and b.version and a.version_id != b.version_id:
        base = reverse("app-versions-compare", args=[a.app.slug])
        url = f"{base}?a={a.version.number}&b={b.version.number}"
    return StartDifference(facts, compare_payloads("Input", a.inputs, b.inputs), url)


def _facts(a: Run, b: Run, pairs: list[StepPair]) -> Iterator[ComparedFact]:
    for label, field in (
        ("App", "app"), ("Workflow", "name"), ("Version", "version"), ("User", "user"),
        ("Environment", "environment"), ("Trigger", "trigger"), ("Came by", "source_kind"),
    ):  # fmt: skip
        yield ComparedFact(
            label, *(visible(str(getattr(run, field) or "none"))[:200] for run in (a, b))
        )
    tags = (visible(", ".join(map(str, run.tags)))[:200] or "none" for run in (a, b))
    yield ComparedFact("Tags", *tags)
    models = (_models(pair.a for pair in pairs), _models(pair.b for pair in pairs))
    if models[0].keys() != models[1].keys():
        yield ComparedFact("Models", *(visible(", ".join(found) or "none") for found in models))


def _models(steps: Iterable[ComparedStep | None]) -> dict[str, int]:
    """The models called, the most used first."""
    counts = Counter(step.model for step in steps if step and step.model)
    return dict(counts.most_common(MODELS))


def load_pair(a: Run, b: Run, key: str) -> SideBySide | None:
    """The steps that `key` (see Pair.key) names, with their values; None where it names none of
    these runs'. One query."""
    told_a, _, told_b = key.partition(".")
    id_a, id_b = as_uuid(told_a), as_uuid(told_b)
    wanted = [one for one in (id_a, id_b) if one]
    steps = NodeExecution.objects.filter(run_id__in={a.id, b.id}, id__in=wanted).with_payloads()
    found = {(step.run_id, step.id): step for step in steps if wanted}
    one = found.get((a.id, id_a)) if id_a else None
    other = found.get((b.id, id_b)) if id_b else None
    return side_by_side(one, other) if one or other else None
