"""Two runs side by side: which run to compare with, and what a comparison reads."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from nodes.comparing.pairing import Pair, Step, digest, read_step
from nodes.comparing.verdicts import Compared, doubtful, judge, pairs_of
from nodes.comparing.volatile import alike
from nodes.models import NodeExecution, Payload
from nodes.values import payloads
from runs.models import Run

MAX_STEPS = 20_000  # of each run
# Values that are looked into, where they differ, for more than ids and moments.
LOOK_FIRST, LOOKED_INTO = 100, 1_000
LOOK_BYTES, LOOK_ROOM = 64_000, 8_000_000  # of one value, and of all
CANDIDATES = 500  # successes among which the one with the same input is looked for

# Digests of two payloads → their ids.
_Couples = dict[tuple[str, str], tuple[UUID, UUID]]

WHY = {
    "input": "the nearest success with the same input",
    "question": "the nearest success that was asked the same",
    "version": "the nearest success of the same version; none near had the same input",
    "success": "the nearest success; none near had the same input or version",
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """`given`: whether both were given the same: exactly ("same"), but for ids and moments
    ("alike"), or not (""). `aside`: values that differ in ids and moments only, and so were taken
    for equal; `unread`: differing values that were too many or too large to look into; `left_out`:
    a run has more steps than are read."""

    a: Run
    b: Run
    compared: Compared
    given: str
    aside: int
    unread: int
    left_out: bool

    @property
    def pairs(self) -> list[Pair]:
        return self.compared.pairs


def compare(a: Run, b: Run) -> Comparison:
    """A fixed number of queries. Comparing `b` with `a` tells the same the other way round: the
    older run's order of steps holds."""
    steps = [_steps(run) for run in (a, b)]
    turned = (b.started_at, b.id) < (a.started_at, a.id)
    pairs = pairs_of(steps[0], steps[1], b_is_base=turned)
    runs = (a.inputs_id.hex if a.inputs_id else "", b.inputs_id.hex if b.inputs_id else "")
    equal, unread = _look(dict.fromkeys([runs, *doubtful(pairs)] if all(runs) else doubtful(pairs)))

    def same(one: str, other: str) -> bool:
        found = digest(one), digest(other)
        return found[0] == found[1] or found in equal

    compared = judge(pairs, same, began_alike=same(*runs))
    given = "same" if digest(runs[0]) == digest(runs[1]) else "alike" if same(*runs) else ""
    left_out = any(len(found) == MAX_STEPS for found in steps)
    return Comparison(a, b, compared, given, len(equal), unread, left_out)


def _steps(run: Run) -> list[Step]:
    return [read_step(row) for row in NodeExecution.objects.pairing_rows(run.id)[:MAX_STEPS]]


def _alike_of(couples: _Couples, room: int) -> tuple[set[tuple[str, str]], int, int]:
    """Which of the couples tell the same, how many were not read, and how many bytes of `room`
    are left. Two queries."""
    ids = {one for couple in couples.values() for one in couple}
    whole = Payload.objects.filter(pk__in=ids, size__lte=LOOK_BYTES, cut_of=None)
    sizes = dict(whole.values_list("pk", "size"))
    chosen: _Couples = {}
    for key, (x, y) in couples.items():
        if x in sizes and y in sizes and (size := sizes[x] + sizes[y]) <= room:
            chosen[key] = (x, y)
            room -= size
    found = Payload.objects.in_bulk({one for couple in chosen.values() for one in couple})
    values = {one: payloads.load(payload) for one, payload in found.items()}
    equal = {key for key, (x, y) in chosen.items() if alike(values.get(x), values.get(y))}
    return equal, len(couples) - len(chosen), room


def _look(couples: Iterable[tuple[str, str]]) -> tuple[set[tuple[str, str]], int]:
    """Of payloads that differ those that tell the same, as couples of digests; how many were not
    looked into. The rest is not looked at where the first hundred all differ in earnest: such runs
    have little in common. Four queries at most."""
    waiting = {(digest(one), digest(other)): (one, other) for one, other in couples}
    keys = [key for key in waiting if key[0] != key[1]]
    equal: set[tuple[str, str]] = set()
    unread, room = 0, LOOK_ROOM
    for part in (keys[:LOOK_FIRST], keys[LOOK_FIRST:LOOKED_INTO]):
        if part and (equal or part[0] == keys[0]):
            chosen = {key: (UUID(waiting[key][0]), UUID(waiting[key][1])) for key in part}
            found, skipped, room = _alike_of(chosen, room)
            equal |= found
            unread += skipped
        else:
            unread += len(part)
    return equal, unread + len(keys[LOOKED_INTO:])


@dataclass(frozen=True, slots=True)
class Choice:
    """A run to compare with, and a key of WHY."""

    run_id: UUID
    why: str


def last_success(run: Run) -> Choice | None:
    """The success of the same app that tells most about `run`: nearest before it, else after it,
    and among the nearest 500 the one with the same input. Two queries at most."""
    found: Choice | None = None
    for rows in (Run.objects.successes_before(run), Run.objects.successes_after(run)):
        for choice in _choices(run, rows[:CANDIDATES]):
            if found is None or _RANK[choice.why] < _RANK[found.why]:
                found = choice
        if found and found.why == "input":
            break
    return found


_RANK = {why: rank for rank, why in enumerate(WHY)}


def _choices(run: Run, rows: Iterable[tuple[UUID, UUID | None, str, int | None]]) -> list[Choice]:
    given = digest(run.inputs_id.hex) if run.inputs_id else ""
    choices = []
    for run_id, inputs_id, preview, version_id in rows:
        if given and inputs_id and digest(inputs_id.hex) == given:
            why = "input"
        elif run.inputs_preview and preview == run.inputs_preview:
            why = "question"
        elif run.version_id is not None and version_id == run.version_id:
            why = "version"
        else:
            why = "success"
        choices.append(Choice(run_id, why))
    return choices
