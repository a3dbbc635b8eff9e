"""The passes of one loop as a matrix: inner nodes × passes, and beside it the panel of one step."""

from dataclasses import dataclass, replace
from typing import Any, get_args
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from nodes.execution_detail import build_panel
from nodes.http import HtmxHttpRequest, render_region
from nodes.numbers import whole_number
from nodes.trace.loop_cells import Heat
from nodes.trace.loop_page import Loop, Window, load_window, loop_of
from nodes.trace.pass_values import Values, values_of
from nodes.trace.stepping import beside, stepping_of
from runs.access import ReadRequest, session_or_read_key
from runs.json.execution import json_response
from runs.json.loop import window_json
from runs.lookup import execution_or_404, run_or_404
from runs.models import Run
from runs.pages.notes.notes import notes_of_step

MAX_PARTS = 40  # links to parts of a very long loop


@dataclass(frozen=True, slots=True)
class Choice:
    """What the reader asked for, as the address has it."""

    offset: int = 0
    first_node: int = 0
    failed_first: bool = False
    heat: Heat | None = "time"
    step: UUID | None = None

    @classmethod
    def from_query(cls, query: dict[str, str]) -> "Choice":
        heat, step = query.get("heat", "time"), query.get("step", "")
        try:
            chosen = UUID(step) if step else None
        except ValueError:
            raise Http404("“step” must be the id of an execution.") from None
        return cls(
            whole_number(query.get("from", ""), 6) or 0,
            whole_number(query.get("nodes", ""), 6) or 0,
            query.get("first") == "failed",
            next((one for one in get_args(Heat) if one == heat), None),
            chosen,
        )

    def query(self, **changes: Any) -> str:
        """The address of this choice with some changes, "?" for the plain one."""
        to = replace(self, **changes)
        pairs = {
            "from": to.offset or "",
            "nodes": to.first_node or "",
            "first": "failed" if to.failed_first else "",
            "heat": "" if to.heat == "time" else to.heat or "none",
            "step": to.step or "",
        }
        return "?" + urlencode({name: value for name, value in pairs.items() if value})


@require_safe
def page(request: HtmxHttpRequest, run_id: UUID, execution_id: UUID) -> HttpResponse:
    """The matrix; for htmx the panel of one step alone."""
    run = run_or_404(run_id)
    choice = Choice.from_query(request.GET.dict())
    if request.htmx.target == "side" and not request.htmx.history_restore_request:
        response = render(request, "loops/_side.html", _side(request, run, choice))
        patch_vary_headers(response, ["HX-Request", "HX-Target"])
        return response
    loop = loop_of(execution_or_404(run.id, execution_id))
    window = _window(loop, choice)
    context = {"run": run, "loop": loop, "window": window, "choice": choice}
    context |= {"values": _values(loop, window), "links": _links(choice, window)}
    if loop.container and loop.container.iteration:  # one that ran once has none beside it
        context["beside"] = beside(loop.container)
    context |= {"parts": _parts(window, choice), **_side(request, run, choice)}
    return render_region(request, "loops/passes.html", "loops/_passes.html", context)


def _window(loop: Loop, choice: Choice) -> Window:
    return load_window(
        loop,
        choice.offset,
        choice.first_node,
        failed_first=choice.failed_first,
        heat=choice.heat,
        chosen=choice.step,
    )


def _values(loop: Loop, window: Window) -> Values:
    numbers = [head.number for head in window.heads]
    return values_of(loop.container, numbers) if loop.container else Values([])


def _links(choice: Choice, window: Window) -> dict[str, str]:
    """Addresses of the other views, and `cell`, which the id of a step completes."""
    plain = replace(choice, step=None)
    heats = ("time", "tokens", "cost", None)
    nodes = {"earlier": window.earlier_nodes, "later": window.later_nodes}
    return {
        **{key: plain.query(first_node=at) for key, at in nodes.items() if at is not None},
        "cell": _step_query(plain.query()),
        "close": plain.query(),
        "order": plain.query(failed_first=not choice.failed_first, offset=0),
        **{f"heat_{heat}": plain.query(heat=heat) for heat in heats},
    }


def _step_query(plain: str) -> str:
    """What the id of a step completes to the address of its panel."""
    return plain + ("&" if plain != "?" else "") + "step="


def _parts(window: Window, choice: Choice) -> list[dict[str, Any]]:
    """The parts of the matrix, a link each: those around the one in sight, of very many."""
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


def _side(request: HtmxHttpRequest, run: Run, choice: Choice) -> dict[str, Any]:
    plain = replace(choice, step=None).query()
    if choice.step is None:
        return {"panel": None}
    execution = execution_or_404(run.id, choice.step)
    return {
        "run": run,
        "panel": build_panel(execution),
        "chosen": execution.id,
        "notes": notes_of_step(run, execution),
        "stepping": stepping_of(execution),
        "close": plain,
        "step_query": _step_query(plain),
    }


@require_safe
@session_or_read_key
def twin(request: ReadRequest, run_id: UUID, execution_id: UUID) -> HttpResponse:
    """The same window: its passes, nodes and cells."""
    run = run_or_404(run_id, request.only_app)
    loop = loop_of(execution_or_404(run.id, execution_id))
    choice = Choice.from_query(request.GET.dict())
    window = _window(loop, choice)
    end = window.offset + len(window.heads)
    following = None
    if window.heads and end < window.passes:
        query = replace(choice, offset=end, step=None).query()
        following = request.build_absolute_uri(request.path + query)
    told = window_json(window, _values(loop, window))
    page = reverse("run-passes", args=[run.id, execution_id])
    url = request.build_absolute_uri(page)
    return json_response({"run": str(run.id), "url": url, **told, "next": following})
