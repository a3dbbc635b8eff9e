"""Lineage of one step for its page and its twins."""

from typing import Any

from django.http import Http404

from nodes.lineage.executions import Visit
from nodes.lineage.origins import came_from
from nodes.lineage.run_index import Story
from nodes.lineage.trace import back, forward
from nodes.lineage.uses import used_by
from nodes.lineage.values import MISSING, at, from_pointer, pointer, resolved, spoken
from nodes.models import NodeExecution
from runs.models import Run
from runs.pages.lineage.loading import Bodies, call_id_of, story_of
from runs.pages.lineage.rows import Lines, path_of


def lineage_context(run: Run, execution: NodeExecution, asked: str = "") -> dict[str, Any]:
    """`came_from` and `used_by` of the step, or `back` and `forward` of the value at `asked`;
    `left_out` counts values that were not looked at."""
    story, bodies = story_of(run, execution.id)
    visit = story.visits.by_id.get(execution.id.hex)
    lines = Lines(run.id)
    context: dict[str, Any] = {"path": "", "came_from": [], "used_by": []}
    if visit is None:  # beyond the steps that are read
        return context | {"left_out": 1, "stopped": True}
    part, path = path_of(from_pointer(asked))
    if part:
        context |= _way(story, visit, part, path, lines, call_id_of(execution))
    else:
        found = came_from(story, visit, call_id_of(execution))
        context["came_from"] = lines.came_from(visit, found)
        context["used_by"] = lines.used_by(visit, used_by(story, visit))
    return context | _bounds(story, bodies)


def _way(
    story: Story, visit: Visit, part: str, path: Any, lines: Lines, call_id: str
) -> dict[str, Any]:
    value = story.value(visit.payload(part))
    if value is not MISSING and at(value, path) is MISSING:
        raise Http404("There is nothing at this place of the value.")
    path = resolved(value, path)
    origins, uses = lines.way(
        back(story, visit, part, path, call_id), forward(story, visit, part, path)
    )
    return {
        "path": pointer((part, *path)),
        "spoken": spoken((part, *path)),
        "back": origins,
        "forward": uses,
    }


def _bounds(story: Story, bodies: Bodies) -> dict[str, Any]:
    return {"left_out": bodies.left_out, "stopped": story.stopped}


def links_json(found: dict[str, Any]) -> dict[str, Any]:
    """`links` of an execution's twin. `left_out` counts values that were not looked at, `stopped`
    says that there was more to look at."""
    return {
        "came_from": [line.data for line in found["came_from"]],
        "used_by": [line.data | {"times": line.times} for line in found["used_by"]],
        "left_out": found["left_out"],
        "stopped": found["stopped"],
    }
