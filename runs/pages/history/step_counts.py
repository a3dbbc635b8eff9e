"""How many runs have a step of a node, a kind or a model: counted as the search would find them, so
that a click on a value leads to as many runs."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from nodes.models import NodeExecution
from runs.query.language import Query
from runs.query.related_conditions import OF_STEP, of_step

# Models and nodes are counted over the newest runs that have so many steps together.
MAX_STEPS = 10_000


class Told(NamedTuple):
    """What is counted of a step."""

    run_id: UUID
    node_id: str
    title: str
    kind: str
    model: str


def newest_few(runs: Sequence[Sequence[Any]]) -> list[str]:
    """Of runs, newest first, that begin with (id, how many steps): the ids of those that have no
    more than MAX_STEPS steps together, at least one."""
    total = 0
    for place, (_, steps, *_) in enumerate(runs):
        total += steps
        if total > MAX_STEPS and place:
            return [row[0] for row in runs[:place]]
    return [row[0] for row in runs]


def steps_of(run_ids: Iterable[str], query: Query) -> list[Told]:
    """Steps of these runs of which all holds that `query` asks of one step; equal ones once."""
    steps = NodeExecution.objects.visible().filter(run_id__in=run_ids).order_by()
    for name in OF_STEP:
        if asked := query.of(name)[0]:
            steps = steps.filter(of_step(name, asked))
    return [Told(*row) for row in steps.values_list(*Told._fields).distinct()]


def runs_by(name: str, steps: Iterable[Told], asked: Collection[str]) -> Counter[Any]:
    """Of each node, kind or model how many runs have it; of nodes also of those asked for."""
    if name == "node":
        return by_id_or_title(((step.run_id, step.node_id, step.title) for step in steps), asked)
    place = Told._fields.index(name)
    return Counter(value for _, value in {(step[0], step[place]) for step in steps} if value)


def by_id_or_title(told: Iterable[tuple[Any, str, str]], asked: Collection[str]) -> Counter[Any]:
    """How many runs have each node, told as (run, id, title), and each word asked for. A run has a
    word if one of its nodes has it as id, or as title in any case. A node that is asked for by its
    title is not counted by its id again."""
    named = set(told)
    titles = {word.lower() for word in asked}
    ids = {node_id for _, node_id, title in named
           if node_id and (node_id in asked or title.lower() not in titles)}  # fmt: skip
    alike: dict[str, list[str]] = {}
    for word in ids.union(asked):
        alike.setdefault(word.lower(), []).append(word)
    found = {(run, node_id) for run, node_id, _ in named if node_id in ids}
    found |= {(run, word) for run, _, title in named for word in alike.get(title.lower(), ())}
    return Counter(word for _, word in found)
