"""The page and the JSON of two runs side by side, and the choice of the second run."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from nodes.clock import iteration_path
from nodes.diff.difference import changes_json
from nodes.diff.ignored import IGNORED_RULE
from nodes.diff.pairing import StepPair
from nodes.diff.rows import ALL_ROWS, difference_words, pair_element_id, repetition_text, row_window
from nodes.diff.verdicts import ORIGIN_REASONS, VERDICTS, StepComparison
from nodes.http import HtmxHttpRequest, render_region, wants_fragment
from nodes.ids import as_uuid
from nodes.numbers import whole_number
from runs.access import ReadRequest, session_or_read_key
from runs.json.comparison import DivergingPairJson, RunComparisonJson, StepPairJson
from runs.json.run import run_json
from runs.json.values import json_response
from runs.lookup import run_named, run_or_404
from runs.models import Run
from runs.pages.compare.baseline import BASELINE_REASONS, find_baseline
from runs.pages.compare.comparison import Comparison, compare
from runs.pages.compare.failed_step import failed_pair, failed_step
from runs.pages.compare.page import load_pair, prompts_between, run_figures, start_difference
from runs.pages.prompts.observed_prompts import prompt_changes_json

RECENT, TURNS = 30, 10
NO_BASELINE = "No run of this app has succeeded, so there is none to compare with."
JSON_PAGE = 2_000


def outcome_difference(steps: StepComparison) -> dict[str, Any] | None:
    """Return the first step that ended differently, where it is not the origin itself."""
    pair = steps.first_outcome
    if pair is None or pair is steps.first:
        return None
    return {
        "pair": pair,
        "place": repetition_text(pair),
        "words": difference_words(pair),
        "id": pair_element_id(pair),
    }


@require_safe
def compare_page(request: HtmxHttpRequest) -> HttpResponse:
    """Show two runs; with one id, the runs to choose from. `with=success` chooses the baseline of
    that run."""
    a, b = (run_named(request.GET.get(name, "")) for name in ("a", "b"))
    if a is None or b is None:
        return _choose_run(request, a, b)
    if wants_fragment(request) and (request.htmx.target or "").startswith("difference-"):
        return _pair_fragment(request, a, b)
    query = {"a": str(a.id), "b": str(b.id)}
    comparison = compare(a, b)
    context = {"a": a, "b": b, "run": b, "rule": IGNORED_RULE}
    context |= _headline_context(comparison) | _rows_context(request, comparison, query)
    context["comparison"] = replace(comparison, steps=comparison.steps.without_pairs())
    context |= {
        "figures": run_figures(a, b),
        "why": BASELINE_REASONS.get(request.GET.get("why", "")),
        "bare": urlencode(query),
        "swapped": urlencode({"a": query["b"], "b": query["a"]}),
    }
    return render_region(request, "compare/compare.html", "compare/_compare.html", context)


def _headline_context(comparison: Comparison) -> dict[str, Any]:
    a, b, first = comparison.a, comparison.b, comparison.steps.first
    failed = failed_pair(a, b, comparison.pairs)
    return {
        "failed": failed and failed_step(a, failed, load_pair(a, b, failed.key)),
        "first": first,
        "first_place": repetition_text(first) if first else "",
        "first_reason": ORIGIN_REASONS.get(first.reason) if first else "",
        "first_sides": load_pair(a, b, first.key) if first else None,
        "outcome": outcome_difference(comparison.steps),
        "beginning": start_difference(comparison),
    }


def _rows_context(
    request: HtmxHttpRequest, comparison: Comparison, query: dict[str, str]
) -> dict[str, Any]:
    """Return the rows that the address asks for, and the pair that it opens."""
    wanted = request.GET.get("show", "")
    wanted = wanted if wanted in VERDICTS or wanted == ALL_ROWS else ""
    opened = request.GET.get("pair", "")
    start = whole_number(request.GET.get("from", ""), 6) or 0
    return {
        "window": row_window(comparison.steps, wanted, opened, start),
        "opened": load_pair(comparison.a, comparison.b, opened) if opened else None,
        "wanted": wanted,
        "filters": _verdict_filters(comparison.steps.counts),
        "query": urlencode(query | ({"show": wanted} if wanted else {})),
    }


def _pair_fragment(request: HtmxHttpRequest, a: Run, b: Run) -> HttpResponse:
    """Return the difference of a pair, for the list that is in the page already."""
    sides = load_pair(a, b, request.GET.get("pair", ""))
    context = {"sides": sides, "run_a": a, "run_b": b, "in_list": True}
    return render(request, "diff/_difference.html", context)


def _verdict_filters(counts: dict[str, int]) -> list[tuple[str, str, int]]:
    total = sum(counts.values())
    differing = total - counts["same"]
    verdicts = [(key, label, counts[key]) for key, label in VERDICTS.items() if counts[key]]
    return [("", "What differs", differing), *verdicts, (ALL_ROWS, "All", total)]


def _choose_run(request: HtmxHttpRequest, a: Run | None, b: Run | None) -> HttpResponse:
    """List the runs to compare with, where the address names only one run or none."""
    run, name = (a, "b") if a else (b, "a")
    context: dict[str, Any] = {"run": run, "name": name, "own": "a" if a else "b"}
    if run:
        if request.GET.get("with") == "success":
            if baseline := find_baseline(run):
                pair = {"a": baseline.run_id, "b": run.id, "why": baseline.why}
                return redirect(f"{reverse('run-compare')}?{urlencode(pair)}")
            context["problem"] = NO_BASELINE
        others = Run.objects.exclude(pk=run.pk).for_list()
        context["alike"] = list(others.with_same_inputs_preview(run)[:TURNS])
        context["recent"] = list(others.for_app(run.app)[:RECENT])
        if run.conversation:
            context["turns"] = list(others.turns_of(run.conversation)[:TURNS])
    return render_region(request, "compare/compare.html", "compare/_compare.html", context)


@require_safe
@session_or_read_key
def compare_twin(request: ReadRequest) -> HttpResponse:
    a, b = (run_named(request.GET.get(name, ""), request.only_app) for name in ("a", "b"))
    if b and a is None:
        a = _successful_run_beside(b)
    if a is None or b is None:
        raise Http404("Name two runs: /runs/compare.json?a=<id>&b=<id>.")
    comparison = compare(a, b)
    base_url = request.build_absolute_uri("/")[:-1]
    start = whole_number(request.GET.get("from", ""), 6) or 0
    following = start + JSON_PAGE
    more = {"a": a.id, "b": b.id, "from": following}
    path = f"{base_url}{request.path}?{urlencode(more)}"
    answer: RunComparisonJson = {
        "a": run_json(a, base_url),
        "b": run_json(b, base_url),
        "given": comparison.same_input or "different",
        "first_divergence": _first_divergence_json(comparison),
        "counts": {verdict: comparison.steps.counts[verdict] for verdict in VERDICTS},
        "approximate": comparison.steps.approximate,
        "left_out": comparison.left_out,
        "prompts": prompt_changes_json(prompts_between(comparison.a, comparison.b)),
        "pairs": [pair_json(pair) for pair in comparison.pairs[start:following]],
        "next": path if following < len(comparison.pairs) else None,
    }
    return json_response(answer)


def _successful_run_beside(run: Run) -> Run:
    """Return the successful run that tells most about `run`, or raise Http404 with a sentence."""
    baseline = find_baseline(run)
    if baseline is None:
        raise Http404(NO_BASELINE)
    return run_or_404(baseline.run_id)


def _first_divergence_json(comparison: Comparison) -> DivergingPairJson | None:
    """Return the first pair that is an origin, with what differs in its values."""
    first = comparison.steps.first
    if first is None:
        return None
    pair: DivergingPairJson = {**pair_json(first)}
    if sides := load_pair(comparison.a, comparison.b, first.key):
        pair["values"] = {
            section.label: changes_json(section.difference)
            for section in sides.sections
            if section.difference
        }
    return pair


def pair_json(pair: StepPair) -> StepPairJson:
    """Return a pair as JSON: `a` and `b` are ids of executions, of which one may be null."""
    step = pair.step
    return {
        "a": as_id(pair.a.id) if pair.a else None,
        "b": as_id(pair.b.id) if pair.b else None,
        "node_id": step.node_id,
        "kind": step.kind,
        "title": step.title,
        "iteration": list(iteration_path(step.iteration)),
        "attempt": step.attempt,
        "verdict": pair.verdict,
        "reason": ORIGIN_REASONS.get(pair.reason),
        "differences": list(pair.differences),
        "approximate": pair.approximate,
    }


def as_id(text: str) -> str:
    uuid = as_uuid(text)
    return str(uuid) if uuid else text
