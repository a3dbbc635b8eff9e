"""The rows of a comparison: differing steps are listed below their containers, equal ones are only
counted, and a page shows a bounded window of the rows. Pure."""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

from nodes import formats
from nodes.diff.pairing import ComparedStep, StepPair
from nodes.diff.verdicts import ORIGIN_REASONS, VERDICTS, StepComparison
from nodes.formats import visible
from nodes.kinds import NodeKind, kind_of

ROWS_PER_WINDOW = 100
MAX_TITLE = 120
MAX_LEVEL = 10  # of indentation
# Words for `StepPair.differences`, the most important first.
DIFFERENCE_WORDS = {
    "status": "status", "error": "error", "taken": "branch taken", "model": "model",
    "inputs": "inputs", "process_data": "process data", "outputs": "output", "duration": "time",
    "tokens": "tokens", "cost": "cost",
}  # fmt: skip
DIFFERING, ALL_ROWS = "", "all"


@dataclass(frozen=True, slots=True)
class RowSide:
    """The step of a pair in one of the runs, as text; `status` "" where the other's is the same."""

    id: str
    status: str
    duration: str


@dataclass(slots=True)
class ComparisonRow:
    """The row of a pair. `skipped`: how many equal steps before it are left out; `inside`: how many
    steps below it are in the same run alone; `context`: it is there only for the rows below it."""

    pair: StepPair
    kind: NodeKind
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
    """A window of the list: rows from `offset` on, of `total`; `after` is the number of equal steps
    after the last row."""

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
    """Return the rows with the verdict `wanted`, of all that differ (""), or of all.

    The row with the key `opened` is among them in any case. The window begins at row `start`, or
    earlier or later where the opened row would not be in it.
    """
    pairs = compared.pairs
    inside = _steps_inside(pairs) if wanted == DIFFERING else {}
    is_wanted = [_is_wanted(pair, wanted, inside.get(n, 0)) for n, pair in enumerate(pairs)]
    open_index = next((n for n, p in enumerate(pairs) if p.key == opened), -1) if opened else -1
    if open_index >= 0:
        is_wanted[open_index] = True
    listed = _listed_indexes(pairs, is_wanted)
    at = bisect_left(listed, open_index) if open_index >= 0 else start
    if not start <= at < start + ROWS_PER_WINDOW:
        start = at - at % ROWS_PER_WINDOW
    start = min(start, max(0, len(listed) - 1))
    before = listed[start - 1] if start else -1
    rows = []
    for index in listed[start : start + ROWS_PER_WINDOW]:
        row = _comparison_row(compared, pairs[index], opened)
        row.context = not is_wanted[index]
        if wanted == DIFFERING:
            row.inside = max(0, inside.get(index, 0))
            row.skipped = _count_same(pairs[before + 1 : index])
        rows.append(row)
        before = index
    is_end = start + ROWS_PER_WINDOW >= len(listed) and wanted == DIFFERING
    return RowWindow(rows, start, len(listed), _count_same(pairs[before + 1 :]) if is_end else 0)


def _count_same(pairs: list[StepPair]) -> int:
    return sum(pair.verdict == "same" for pair in pairs)


def _steps_inside(pairs: list[StepPair]) -> dict[int, int]:
    """Return, for what only one run has: {index of the outermost step: number of steps in it} and
    {index of a step in it: -1}."""
    inside: dict[int, int] = {}
    outer = -1
    for index, pair in enumerate(pairs):
        if outer >= 0 and pair.depth > pairs[outer].depth:
            inside[index] = -1
            inside[outer] += 1
        elif pair.verdict in ("only_a", "only_b"):
            inside[index], outer = 0, index
        else:
            outer = -1
    return inside


def _is_wanted(pair: StepPair, wanted: str, inside: int) -> bool:
    if wanted == ALL_ROWS:
        return True
    return pair.verdict != "same" and inside >= 0 if wanted == DIFFERING else pair.verdict == wanted


def _listed_indexes(pairs: list[StepPair], is_wanted: list[bool]) -> list[int]:
    """Return the indexes of the wanted pairs and of the containers that they are in."""
    listed = []
    depth = 0
    for index in range(len(pairs) - 1, -1, -1):
        if is_wanted[index] or pairs[index].depth < depth:
            listed.append(index)
            depth = pairs[index].depth
    return listed[::-1]


def _comparison_row(compared: StepComparison, pair: StepPair, opened: str) -> ComparisonRow:
    with_status = bool(pair.a and pair.b and pair.a.status != pair.b.status)
    return ComparisonRow(
        pair=pair,
        kind=kind_of(pair.step.kind),
        title=_pair_title(pair),
        number=" ".join(_repetition_labels(pair.step)),
        words=difference_words(pair),
        a=_row_side(pair.a, with_status),
        b=_row_side(pair.b, with_status),
        is_first=pair is compared.first,
        is_open=pair.key == opened,
        context=False,
        skipped=0,
        inside=0,
    )


def pair_element_id(pair: StepPair) -> str:
    """Return the id of the pair's element in a page: its key without the dot, which selectors read
    as a class."""
    return pair.key.replace(".", "-")


def difference_words(pair: StepPair) -> str:
    """Return what differs between the steps of a pair, in words."""
    return ", ".join(word for name, word in DIFFERENCE_WORDS.items() if name in pair.differences)


def _pair_title(pair: StepPair) -> str:
    titles = dict.fromkeys(step.title[:MAX_TITLE] for step in (pair.a, pair.b) if step)
    return visible(" → ".join(titles)) or "(no name)"


def _repetition_labels(step: ComparedStep) -> Iterator[str]:
    if step.iteration:
        yield formats.iteration_label(step.iteration)
    if step.attempt > 1:
        yield f"attempt {step.attempt}"


def _row_side(step: ComparedStep | None, with_status: bool) -> RowSide | None:
    if step is None:
        return None
    return RowSide(step.id, step.status if with_status else "", formats.duration(step.duration_us))


def repetition_text(pair: StepPair) -> str:
    """Return "iteration 3, attempt 2"; "" for a step that ran once."""
    step = pair.step
    texts = [f"iteration {formats.iteration_label(step.iteration)[1:]}"] if step.iteration else []
    return ", ".join([*texts, *([f"attempt {step.attempt}"] if step.attempt > 1 else [])])
