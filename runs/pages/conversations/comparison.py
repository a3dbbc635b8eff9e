"""The turns of a conversation as columns: question, answer, and the path that each run took."""

from collections import Counter, defaultdict
from dataclasses import dataclass

from nodes.formats import visible
from nodes.kinds import NodeKind, kind_of
from nodes.models import NodeExecution
from runs.models import Run
from runs.pages.conversations.turns import ConversationTurn, read_turns

MAX_TURNS = 6
MAX_PATH = 30  # steps of a path that a column lists
MAX_STEPS_READ = 2_000  # outermost steps read of each run, on average
MAX_TITLE = 80


@dataclass(frozen=True, slots=True)
class PathStep:
    """An outermost step of a run. `taken` is the branch that it chose; `common` says that every
    compared turn ran this node."""

    title: str
    kind: NodeKind
    status: str
    taken: str
    common: bool
    id: str


@dataclass(frozen=True, slots=True)
class TurnColumn:
    """One turn of the comparison. `left_out` counts the steps of its path beyond MAX_PATH."""

    turn: ConversationTurn
    path: list[PathStep]
    left_out: int

    @property
    def run(self) -> Run:
        return self.turn.run


def turn_columns(runs: list[Run]) -> list[TurnColumn]:
    """Return a column for each run. Two queries: one for the texts, one for the paths."""
    paths: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    ids = [run.pk for run in runs]
    for run_id, *step in NodeExecution.objects.outer_rows(ids)[: MAX_STEPS_READ * MAX_TURNS]:
        paths[run_id.hex].append(tuple(step))
    turns_by_node = Counter(node for path in paths.values() for node in {step[0] for step in path})
    common_nodes = {node for node, turns in turns_by_node.items() if turns == len(runs)}
    return [_turn_column(turn, paths[turn.run.pk.hex], common_nodes) for turn in read_turns(runs)]


def _turn_column(
    turn: ConversationTurn, path: list[tuple[str, ...]], common_nodes: set[str]
) -> TurnColumn:
    """Return the column of a turn; `path` holds the rows of `outer_rows` without the run's id."""
    steps = [
        PathStep(
            visible(title[:MAX_TITLE]) or "(no name)",
            kind_of(kind),
            status,
            visible(taken[:MAX_TITLE]),
            node in common_nodes,
            str(step_id),
        )
        for node, title, kind, status, taken, step_id in path[:MAX_PATH]
    ]
    return TurnColumn(turn, steps, max(0, len(path) - MAX_PATH))
