"""Two runs side by side, and which run to put beside another."""

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
from runs.models import App, Run
from runs.pages.compare.baseline import BASELINE_REASONS, find_baseline
from runs.pages.compare.comparison import Comparison, compare
from runs.pages.compare.page import load_pair, run_figures, start_difference

RECENT, TURNS = 30, 10
JSON_PAGE = 2_000


def run_named(name: str, only_app: App | None = None) -> Run | None:
    """The run that an id of ours or of its producer names; None for no name."""
    name = name.strip()
    if not name:
        return None
    runs = Run.objects.for_page().for_app(only_app)
    found = None
    if run_id := as_uuid(name):
        found = runs.by_id(run_id)
    if not found and "\0" not in name:
        found = runs.with_source_id(name[:200]).first()
    if not found:
        raise Http404("There is no such run. It may have been removed with old data.")
    return found


def outcome_of(compared: StepComparison) -> dict[str, Any] | None:
    """The step that ended otherwise, where it is not the origin itself."""
    pair = compared.first_outcome
    if pair is None or pair is compared.first:
        return None
    return {
        "pair": pair,
        "place": repetition_text(pair),
        "words": difference_words(pair),
        "id": pair_element_id(pair),
    }


@require_safe
def compare_page(request: HtmxHttpRequest) -> HttpResponse:
    """Two runs; with one, the runs to choose from. `with=success` chooses for a failed one."""
    a, b = (run_named(request.GET.get(name, "")) for name in ("a", "b"))
    if a is None or b is None:
        return _choose(request, a, b)
    if wants_fragment(request) and (request.htmx.target or "").startswith("difference-"):
        return _pair(request, a, b)
    query = {"a": str(a.id), "b": str(b.id)}
    found = compare(a, b)
    context = {"a": a, "b": b, "run": b, "rule": IGNORED_RULE}
    context |= _headline(found) | _list(request, found, query)
    context["found"] = replace(found, compared=found.compared.without_pairs())
    context |= {
        "figures": run_figures(a, b),
        "why": BASELINE_REASONS.get(request.GET.get("why", "")),
        "bare": urlencode(query),
        "swapped": urlencode({"a": query["b"], "b": query["a"]}),
    }
    return render_region(request, "compare/compare.html", "compare/_compare.html", context)


def _headline(found: Comparison) -> dict[str, Any]:
    first = found.compared.first
    return {
        "first": first,
        "first_place": repetition_text(first) if first else "",
        "first_reason": ORIGIN_REASONS.get(first.reason) if first else "",
        "first_sides": load_pair(found.a, found.b, first.key) if first else None,
        "outcome": outcome_of(found.compared),
        "beginning": start_difference(found),
    }


def _list(request: HtmxHttpRequest, found: Comparison, query: dict[str, str]) -> dict[str, Any]:
    """Which rows are shown, and which is open: told by the address."""
    wanted = request.GET.get("show", "")
    wanted = wanted if wanted in VERDICTS or wanted == ALL_ROWS else ""
    opened = request.GET.get("pair", "")
    start = whole_number(request.GET.get("from", ""), 6) or 0
    return {
        "shown": row_window(found.compared, wanted, opened, start),
        "opened": load_pair(found.a, found.b, opened) if opened else None,
        "wanted": wanted,
        "filters": _filters(found.compared.counts),
        "query": urlencode(query | ({"show": wanted} if wanted else {})),
    }


def _pair(request: HtmxHttpRequest, a: Run, b: Run) -> HttpResponse:
    """The difference of one pair alone, for the list that is there already."""
    sides = load_pair(a, b, request.GET.get("pair", ""))
    context = {"sides": sides, "run_a": a, "run_b": b, "in_list": True}
    return render(request, "diff/_difference.html", context)


def _filters(counts: dict[str, int]) -> list[tuple[str, str, int]]:
    total = sum(counts.values())
    differing = total - counts["same"]
    some = [(key, label, counts[key]) for key, label in VERDICTS.items() if counts[key]]
    return [("", "What differs", differing), *some, (ALL_ROWS, "All", total)]


def _choose(request: HtmxHttpRequest, a: Run | None, b: Run | None) -> HttpResponse:
    """Only one run is named, or none: say which others there are."""
    run, name = (a, "b") if a else (b, "a")
    context: dict[str, Any] = {"run": run, "name": name, "own": "a" if a else "b"}
    if run:
        if request.GET.get("with") == "success":
            if choice := find_baseline(run):
                pair = {"a": choice.run_id, "b": run.id, "why": choice.why}
                return redirect(f"{reverse('run-compare')}?{urlencode(pair)}")
            context["problem"] = (
                "No run of this app has succeeded, so there is none to compare with."
            )
        others = Run.objects.exclude(pk=run.pk).for_list()
        context["alike"] = list(others.with_same_inputs_preview(run)[:TURNS])
        context["recent"] = list(others.for_app(run.app)[:RECENT])
        if run.conversation:
            context["turns"] = list(others.turns_of(run.conversation)[:TURNS])
    return render_region(request, "compare/compare.html", "compare/_compare.html", context)


@require_safe
@session_or_read_key
def compare_twin(request: ReadRequest) -> HttpResponse:
    runs = [run_named(request.GET.get(name, ""), request.only_app) for name in ("a", "b")]
    if runs[0] is None or runs[1] is None:
        raise Http404("Name two runs: /runs/compare.json?a=<id>&b=<id>.")
    found = compare(runs[0], runs[1])
    base_url = request.build_absolute_uri("/")[:-1]
    start = whole_number(request.GET.get("from", ""), 6) or 0
    following = start + JSON_PAGE
    more = {"a": runs[0].id, "b": runs[1].id, "from": following}
    path = f"{base_url}{request.path}?{urlencode(more)}"
    comparison: RunComparisonJson = {
        "a": run_json(runs[0], base_url),
        "b": run_json(runs[1], base_url),
        "given": found.given or "different",
        "first_divergence": _divergence(found),
        "counts": {verdict: found.compared.counts[verdict] for verdict in VERDICTS},
        "approximate": found.compared.approximate,
        "left_out": found.left_out,
        "pairs": [pair_json(pair) for pair in found.pairs[start:following]],
        "next": path if following < len(found.pairs) else None,
    }
    return json_response(comparison)


def _divergence(found: Comparison) -> DivergingPairJson | None:
    """The first pair that differs by itself, with what differs in its values."""
    first = found.compared.first
    if first is None:
        return None
    pair: DivergingPairJson = {**pair_json(first)}
    if sides := load_pair(found.a, found.b, first.key):
        pair["values"] = {
            section.label: changes_json(section.difference)
            for section in sides.sections
            if section.difference
        }
    return pair


def pair_json(pair: StepPair) -> StepPairJson:
    """`a` and `b` are ids of executions, of which one may be null."""
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
    found = as_uuid(text)
    return str(found) if found else text
