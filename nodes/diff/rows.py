"""The list of a comparison as a page writes it: what differs in its containers, what is the same
only counted, and a bounded window of it. Pure."""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

from nodes import formats
from nodes.diff.pairing import ComparedStep, StepPair
from nodes.diff.verdicts import ORIGIN_REASONS, VERDICTS, StepComparison
from nodes.formats import visible
from nodes.kinds import Kind, kind_of

ROWS_PER_WINDOW = 100  # rows of one page
MAX_TITLE = 120
MAX_LEVEL = 10  # of indentation
# Words for `Pair.differences`, in the order of telling.
DIFFERENCE_WORDS = {
    "status": "status", "error": "error", "taken": "way taken", "model": "model",
    "inputs": "inputs", "process_data": "process data", "outputs": "output", "duration": "time",
    "tokens": "tokens", "cost": "cost",
}  # fmt: skip
DIFFERING, ALL_ROWS = "", "all"


@dataclass(frozen=True, slots=True)
class RowSide:
    """A pair's step in one of the runs, as written; `status` "" where the other's is the same."""

    id: str
    status: str
    duration: str


@dataclass(slots=True)
class ComparisonRow:
    """A line. `skipped`: how many steps before it are the same and not shown; `inside`: how many
    in it are in the same run alone; `context`: it is shown only because steps in it are."""

    pair: StepPair
    kind: Kind
    title: str
    number: str
    words: str
    a: RowSide | None
    b: RowSide | None
    is_first: bool
    is_open: bool
    context: bool
    skipped: int
    inside: int

    @property
    def id(self) -> str:
        return pair_element_id(self.pair)

    @property
    def level(self) -> int:
        return min(self.pair.depth, MAX_LEVEL)

    @property
    def label(self) -> str:
        return VERDICTS[self.pair.verdict]

    @property
    def reason(self) -> str:
        return ORIGIN_REASONS.get(self.pair.reason, "")


@dataclass(frozen=True, slots=True)
class RowWindow:
    """A window of the list: rows from `offset` of `total`; `after` how many same steps end it."""

    rows: list[ComparisonRow]
    offset: int
    total: int
    after: int

    @property
    def earlier(self) -> int | None:
        return max(0, self.offset - ROWS_PER_WINDOW) if self.offset else None

    @property
    def later(self) -> int | None:
        following = self.offset + len(self.rows)
        return following if following < self.total else None


def row_window(
    compared: StepComparison, wanted: str = DIFFERING, opened: str = "", start: int = 0
) -> RowWindow:
    """The rows of one verdict, of all that differ (""), or of all; an opened one in any case. The
    window begins at `start`, and earlier or later where the opened row is not in it."""
    pairs = compared.pairs
    inside = _alone_inside(pairs) if wanted == DIFFERING else {}
    is_wanted = [_is_wanted(pair, wanted, inside.get(n, 0)) for n, pair in enumerate(pairs)]
    open_place = next((n for n, one in enumerate(pairs) if one.key == opened), -1) if opened else -1
    if open_place >= 0:
        is_wanted[open_place] = True
    places = _places(pairs, is_wanted)
    at = bisect_left(places, open_place) if open_place >= 0 else start
    if not start <= at < start + ROWS_PER_WINDOW:
        start = at - at % ROWS_PER_WINDOW
    start = min(start, max(0, len(places) - 1))
    before = places[start - 1] if start else -1
    rows = []
    for place in places[start : start + ROWS_PER_WINDOW]:
        row = _row(compared, pairs[place], opened)
        row.context = not is_wanted[place]
        if wanted == DIFFERING:
            row.inside = max(0, inside.get(place, 0))
            row.skipped = _same(pairs[before + 1 : place])
        rows.append(row)
        before = place
    ends = start + ROWS_PER_WINDOW >= len(places) and wanted == DIFFERING
    return RowWindow(rows, start, len(places), _same(pairs[before + 1 :]) if ends else 0)


def _same(pairs: list[StepPair]) -> int:
    return sum(pair.verdict == "same" for pair in pairs)


def _alone_inside(pairs: list[StepPair]) -> dict[int, int]:
    """Of what one run has alone: place of the outermost step → how many steps are in it; a step
    inside of it → -1."""
    found: dict[int, int] = {}
    outer = -1
    for place, pair in enumerate(pairs):
        if outer >= 0 and pair.depth > pairs[outer].depth:
            found[place] = -1
            found[outer] += 1
        elif pair.verdict in ("only_a", "only_b"):
            found[place], outer = 0, place
        else:
            outer = -1
    return found


def _is_wanted(pair: StepPair, wanted: str, inside: int) -> bool:
    if wanted == ALL_ROWS:
        return True
    return pair.verdict != "same" and inside >= 0 if wanted == DIFFERING else pair.verdict == wanted


def _places(pairs: list[StepPair], is_wanted: list[bool]) -> list[int]:
    """Places of the rows to show, with the containers that they are in."""
    found = []
    depth = 0
    for place in range(len(pairs) - 1, -1, -1):
        if is_wanted[place] or pairs[place].depth < depth:
            found.append(place)
            depth = pairs[place].depth
    return found[::-1]


def _row(compared: StepComparison, pair: StepPair, opened: str) -> ComparisonRow:
    status = bool(pair.a and pair.b and pair.a.status != pair.b.status)
    return ComparisonRow(
        pair=pair,
        kind=kind_of(pair.step.kind),
        title=_title(pair),
        number=" ".join(_numbers(pair.step)),
        words=difference_words(pair),
        a=_side(pair.a, status),
        b=_side(pair.b, status),
        is_first=pair is compared.first,
        is_open=pair.key == opened,
        context=False,
        skipped=0,
        inside=0,
    )


def pair_element_id(pair: StepPair) -> str:
    """For ids of elements and what selects them: without the dot of the key."""
    return pair.key.replace(".", "-")


def difference_words(pair: StepPair) -> str:
    """What differs, in words."""
    return ", ".join(word for name, word in DIFFERENCE_WORDS.items() if name in pair.differences)


def _title(pair: StepPair) -> str:
    titles = dict.fromkeys(one.title[:MAX_TITLE] for one in (pair.a, pair.b) if one)
    return visible(" → ".join(titles)) or "(no name)"


def _numbers(step: ComparedStep) -> Iterator[str]:
    if step.iteration:
        yield formats.iteration_label(step.iteration)
    if step.attempt > 1:
        yield f"attempt {step.attempt}"


def _side(step: ComparedStep | None, with_status: bool) -> RowSide | None:
    if step is None:
        return None
    return RowSide(step.id, step.status if with_status else "", formats.duration(step.duration_us))


def repetition_text(pair: StepPair) -> str:
    """ "pass 3, attempt 2", "" for a step that ran once."""
    step = pair.step
    told = [f"pass {formats.iteration_label(step.iteration)[1:]}"] if step.iteration else []
    return ", ".join([*told, *([f"attempt {step.attempt}"] if step.attempt > 1 else [])])
