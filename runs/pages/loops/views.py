"""The iterations of one loop as a matrix of inner nodes × iterations, beside the panel of one
step."""

from dataclasses import dataclass, replace
from typing import Any, get_args
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from nodes.http import HtmxHttpRequest, render_region
from nodes.loops.cells import HeatMeasure
from nodes.loops.pass_values import PassValues, pass_values_of
from nodes.loops.window import Loop, MatrixWindow, load_matrix_window, loop_of
from nodes.numbers import whole_number
from runs.access import ReadRequest, session_or_read_key
from runs.json.loop import LoopJson, window_json
from runs.json.values import json_response
from runs.lookup import execution_or_404, run_or_404
from runs.models import Run
from runs.pages.tracing.same_node import neighbours_in_run
from runs.pages.tracing.views import panel_context

MAX_PARTS = 40  # links to parts of a very long loop


@dataclass(frozen=True, slots=True)
class MatrixChoice:
    """What the reader chose to see, as the address has it."""

    offset: int = 0
    first_node: int = 0
    failed_first: bool = False
    heat: HeatMeasure | None = "time"
    step: UUID | None = None

    @classmethod
    def from_query(cls, query: dict[str, str]) -> "MatrixChoice":
        """Return the choice in a query. Raises Http404 for a step that is no id."""
        heat, step = query.get("heat", "time"), query.get("step", "")
        try:
            chosen = UUID(step) if step else None
        except ValueError:
            raise Http404("“step” must be the id of an execution.") from None
        return cls(
            whole_number(query.get("from", ""), 6) or 0,
            whole_number(query.get("nodes", ""), 6) or 0,
            query.get("first") == "failed",
            next((measure for measure in get_args(HeatMeasure) if measure == heat), None),
            chosen,
        )

    def query(self, **changes: Any) -> str:
        """Return the address of this choice with some changes, "?" for the plain one."""
        changed = replace(self, **changes)
        pairs = {
            "from": changed.offset or "",
            "nodes": changed.first_node or "",
            "first": "failed" if changed.failed_first else "",
            "heat": "" if changed.heat == "time" else changed.heat or "none",
            "step": changed.step or "",
        }
        return "?" + urlencode({name: value for name, value in pairs.items() if value})


@require_safe
def matrix_page(request: HtmxHttpRequest, run_id: UUID, execution_id: UUID) -> HttpResponse:
    """Show the matrix; for htmx the panel of one step alone."""
    run = run_or_404(run_id)
    choice = MatrixChoice.from_query(request.GET.dict())
    if request.htmx.target == "side" and not request.htmx.history_restore_request:
        response = render(request, "loops/_side.html", _side_context(run, choice))
        patch_vary_headers(response, ["HX-Request", "HX-Target"])
        return response
    loop = loop_of(execution_or_404(run.id, execution_id))
    window = _load_window(loop, choice)
    context = {"run": run, "loop": loop, "window": window, "choice": choice}
    context |= {"values": _load_values(loop, window), "links": _view_links(choice, window)}
    if loop.container and loop.container.iteration:  # one that ran once has none beside it
        context["neighbours"] = neighbours_in_run(loop.container)
    context |= {"parts": _part_links(window, choice), **_side_context(run, choice)}
    return render_region(request, "loops/passes.html", "loops/_passes.html", context)


def _load_window(loop: Loop, choice: MatrixChoice) -> MatrixWindow:
    return load_matrix_window(
        loop,
        choice.offset,
        choice.first_node,
        failed_first=choice.failed_first,
        heat=choice.heat,
        chosen=choice.step,
    )


def _load_values(loop: Loop, window: MatrixWindow) -> PassValues:
    numbers = [column.number for column in window.columns]
    return pass_values_of(loop.container, numbers) if loop.container else PassValues([])


def _view_links(choice: MatrixChoice, window: MatrixWindow) -> dict[str, str]:
    """Return the addresses of the other views, and `cell`, to which the id of a step is
    appended."""
    plain = replace(choice, step=None)
    heats = ("time", "tokens", "cost", None)
    nodes = {"earlier": window.earlier_nodes, "later": window.later_nodes}
    return {
        **{name: plain.query(first_node=at) for name, at in nodes.items() if at is not None},
        "cell": _step_query(plain.query()),
        "close": plain.query(),
        "order": plain.query(failed_first=not choice.failed_first, offset=0),
        **{f"heat_{heat}": plain.query(heat=heat) for heat in heats},
    }


def _step_query(plain: str) -> str:
    """Return the address of a step's panel, up to the id of the step."""
    return plain + ("&" if plain != "?" else "") + "step="


def _part_links(window: MatrixWindow, choice: MatrixChoice) -> list[dict[str, Any]]:
    """Return a link to each part of the matrix; of very many to those around the one in sight."""
    starts = list(range(0, window.passes, window.size))
    here = choice.offset // window.size
    first = max(0, min(here - MAX_PARTS // 2, len(starts) - MAX_PARTS))
    plain = replace(choice, step=None)
    return [
        {
            "query": plain.query(offset=start),
            "first": start + 1,
            "last": min(start + window.size, window.passes),
            "failed": sum(window.failures[start : start + window.size]),
            "here": number == here,
            "before": number == here - 1,
            "after": number == here + 1,
        }
        for number, start in enumerate(starts)
        if first <= number < first + MAX_PARTS
    ]


def _side_context(run: Run, choice: MatrixChoice) -> dict[str, Any]:
    if choice.step is None:
        return {"panel": None}
    plain = replace(choice, step=None).query()
    execution = execution_or_404(run.id, choice.step)
    return {
        "run": run,
        "chosen": execution.id,
        "close": plain,
        "step_query": _step_query(plain),
        **panel_context(run, execution),
    }


@require_safe
@session_or_read_key
def matrix_json(request: ReadRequest, run_id: UUID, execution_id: UUID) -> HttpResponse:
    """Return the same window as JSON: its iterations, nodes and cells."""
    run = run_or_404(run_id, request.only_app)
    loop = loop_of(execution_or_404(run.id, execution_id))
    choice = MatrixChoice.from_query(request.GET.dict())
    window = _load_window(loop, choice)
    end = window.offset + len(window.columns)
    following = None
    if window.columns and end < window.passes:
        query = replace(choice, offset=end, step=None).query()
        following = request.build_absolute_uri(request.path + query)
    url = request.build_absolute_uri(reverse("run-passes", args=[run.id, execution_id]))
    answer: LoopJson = {
        **window_json(window, _load_values(loop, window)),
        "run": str(run.id),
        "url": url,
        "next": following,
    }
    return json_response(answer)
