"""Derives the tree of a run from its steps, the same for any order of the steps. Pure.

`derive(run_id, rows)` rewrites the derived fields of every row: when it ran, where its
producer knows the second alone (`placing`) or its clock is wrong (`clocks`), who is below whom
(`tree`), in which iteration (`passes`), what its status means once the others are known
(`outcome`), which are turns and which went on after the answer (`turns`), whose tokens count
(`totals`). It reads only what producers reported, never what an
earlier call derived.
"""

from collections.abc import Mapping
from uuid import UUID

from runs.recording.deriving.clocks import NO_CLOCKS, Clock, align_clocks
from runs.recording.deriving.outcome import Outcome, settle_statuses
from runs.recording.deriving.passes import number_passes
from runs.recording.deriving.placing import place_in_time
from runs.recording.deriving.totals import mark_counted, set_self_times
from runs.recording.deriving.tree import Tree, build_tree
from runs.recording.deriving.turns import mark_after_answer, mark_turns
from runs.recording.records.row import ExecutionRow


def derive(
    run_id: UUID, rows: list[ExecutionRow], clocks: Mapping[str, Clock] = NO_CLOCKS
) -> tuple[Tree, Outcome]:
    """Derive tree, iterations, statuses, counting and own times of all rows of one run. `clocks`:
    by resource id, where the run has several."""
    ended_as = place_in_time(rows)
    align_clocks(rows, clocks)
    tree = build_tree(run_id, rows, ended_as)
    number_passes(tree)
    outcome = settle_statuses(tree)
    mark_turns(tree)
    mark_after_answer(tree, outcome.status)
    mark_counted(tree)
    set_self_times(tree)
    return tree, outcome
