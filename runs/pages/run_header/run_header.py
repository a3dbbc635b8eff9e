"""The header of a run: what it was, how it ended, and why."""

from dataclasses import dataclass
from urllib.parse import urlencode

import orjson
from django.urls import reverse
from django.utils import timezone

from nodes import formats
from nodes.clock import to_us
from nodes.models import NodeExecution
from runs.choices import AppMode, CostState, RunStatus
from runs.models import Run
from runs.pages.compare.baseline import EarlierSuccess, earlier_success
from runs.pages.errors.cause import Cause, CauseStep, cause_of, handled_failures
from runs.pages.errors.groups import RunErrorGroup, error_group_of
from runs.pages.history.listing import ListNeighbours, neighbours_in_list
from runs.pages.notes.notes import NoteList, notes_in_header
from runs.pages.rerun.outcome import RerunHistory, rerun_history
from runs.pages.run_header.resumed_runs import ResumedRuns
from runs.recording.records.row import facts_from_hints

MAX_STATED = 20  # steps that are asked what their producer said of the run


@dataclass(frozen=True, slots=True)
class ReportedDifference:
    """A total that the producer reported and that is not the sum of the steps."""

    what: str
    computed: str
    reported: str


@dataclass(frozen=True, slots=True)
class RunHeader:
    """What the head of a run's pages shows. `news` names the state that was drawn: a poll that
    finds another one redraws the tab as well. `listed`: the neighbours in the list that the reader
    came from, whose links go on with `list_query` ("?list=…"); None: the neighbours are runs of the
    same app. `reported_status`: what the producer says of a partly succeeded run, "" where it does
    not say."""

    run: Run
    previous: Run | None
    following: Run | None
    listed: ListNeighbours | None
    list_query: str
    differences: list[ReportedDifference]
    failed_url: str
    news: str
    notes: NoteList
    again: RerunHistory
    cause: Cause | None
    error_group: RunErrorGroup | None
    handled: list[CauseStep]
    reported_status: str
    resumed: ResumedRuns
    earlier_success: EarlierSuccess | None  # of a run that failed

    @property
    def has_result(self) -> bool:
        return self.run.mode == AppMode.WORKFLOW

    @property
    def failed(self) -> bool:
        return self.run.status == RunStatus.FAILED

    @property
    def lasted(self) -> str:
        """Return how long the run took; for a live run, how long it has taken until now."""
        run = self.run
        if not run.live:
            return formats.duration(run.duration_us)
        return f"{formats.duration(to_us(timezone.now()) - to_us(run.started_at))} so far"

    @property
    def calls(self) -> str:
        """Return the number of API calls of each sort: 7 model · 2 HTTP."""
        run = self.run
        sorts = ((run.model_calls, "model"), (run.tool_calls, "tool"), (run.http_calls, "HTTP"))
        return " · ".join(f"{count} {sort}" for count, sort in sorts if count) or "none"

    @property
    def cost(self) -> str:
        """Return the cost in words: an amount, "no price known", or a dash where nothing costs."""
        run = self.run
        amount = formats.money(run.cost, run.cost_currency or "USD")
        match run.cost_state:
            case CostState.PRICED:
                return amount
            case CostState.PARTLY:
                return f"{amount} + unpriced"
            case CostState.UNPRICED:
                return "no price known"
        return formats.NO_VALUE if run.cost is None else amount


def header_of(run: Run, list_name: str = "") -> RunHeader:
    """Return the header of a run; `list_name` (see `history.listing.list_name`) is the list that
    the reader came from. Four queries, for the neighbours, the notes and the reruns; up to
    five more for a run in which something failed, and in a conversation up to five for runs that
    waited for a person."""
    links = Run.objects.for_link()
    failed = run.failed_execution
    listed = neighbours_in_list(run, list_name)
    return RunHeader(
        run=run,
        previous=listed.previous if listed else links.previous(run),
        following=listed.following if listed else links.following(run),
        listed=listed,
        list_query=f"?{urlencode({'list': list_name})}" if listed else "",
        differences=reported_differences(run),
        failed_url=reverse("run-execution", args=[run.id, failed]) if failed else "",
        news=news_of(run),
        notes=notes_in_header(run),
        again=rerun_history(run),
        cause=cause_of(run),
        error_group=error_group_of(run),
        handled=list(handled_failures(run)),
        reported_status=_reported_status(run),
        resumed=ResumedRuns.around(run),
        earlier_success=earlier_success(run) if run.status == RunStatus.FAILED else None,
    )


def _reported_status(run: Run) -> str:
    """Return the status that the producer stated for a partly succeeded run as such. One query;
    none for other runs."""
    if run.status != RunStatus.PARTIAL_SUCCEEDED:
        return ""
    steps = NodeExecution.objects.in_run(run.id).filter(hints__contains='"run":{')
    stated = (
        facts_from_hints(orjson.loads(hints)).status
        for hints in steps.order_by("index").values_list("hints", flat=True)[:MAX_STATED]
    )
    return next((status for status in stated if status and status != "paused"), "")


def news_of(run: Run) -> str:
    """Return a text that changes with everything that the pages of a live run show."""
    return f"{to_us(run.last_seen_at)}-{run.status}-{run.steps}"


def reported_differences(run: Run) -> list[ReportedDifference]:
    """Return what differs. A ten-millionth of the currency is rounding, not a difference."""
    differences = []
    if run.reported_tokens is not None and run.reported_tokens != run.total_tokens:
        differences.append(
            ReportedDifference("tokens", f"{run.total_tokens:,}", f"{run.reported_tokens:,}")
        )
    if run.reported_cost is not None:
        computed = run.cost or 0
        if abs(run.reported_cost - computed) * 10_000_000 > 1:
            currency = run.cost_currency or "USD"
            differences.append(
                ReportedDifference(
                    "cost",
                    formats.money(run.cost, currency),
                    formats.money(run.reported_cost, currency),
                )
            )
    return differences
