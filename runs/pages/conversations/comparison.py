"""Turns of a conversation as columns: what was asked and answered, and the way each took."""

from collections import Counter, defaultdict
from dataclasses import dataclass

from nodes.formats import visible
from nodes.kinds import NodeKind, kind_of
from nodes.models import NodeExecution
from runs.models import Run
from runs.pages.conversations.turns import ConversationTurn, read_turns

MAX_TURNS = 6
WAY = 30  # steps of a way that are shown
READ = 2_000  # outer steps of a run that are read
MAX_TITLE = 80


@dataclass(frozen=True, slots=True)
class PathStep:
    """A step on the way, the outermost only. `common`: all turns that are shown came by it."""

    title: str
    kind: NodeKind
    status: str
    taken: str
    common: bool
    id: str


@dataclass(frozen=True, slots=True)
class TurnColumn:
    """`left_out`: how many further steps its way has."""

    turn: ConversationTurn
    way: list[PathStep]
    left_out: int

    @property
    def run(self) -> Run:
        return self.turn.run


def turn_columns(runs: list[Run]) -> list[TurnColumn]:
    """Two queries, for the texts and the ways."""
    ways: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    ids = [run.pk for run in runs]
    for run_id, *step in NodeExecution.objects.outer_rows(ids)[: READ * MAX_TURNS]:
        ways[run_id.hex].append(tuple(step))
    came = Counter(node for way in ways.values() for node in {step[0] for step in way})
    return [_column(turn, ways[turn.run.pk.hex], came, len(runs)) for turn in read_turns(runs)]


def _column(
    turn: ConversationTurn, way: list[tuple[str, ...]], came: Counter[str], turns: int
) -> TurnColumn:
    shown = [
        PathStep(
            visible(title[:MAX_TITLE]) or "(no name)",
            kind_of(kind),
            status,
            visible(taken[:MAX_TITLE]),
            came[node] == turns,
            str(step_id),
        )
        for node, title, kind, status, taken, step_id in way[:WAY]
    ]
    return TurnColumn(turn, shown, max(0, len(way) - WAY))
