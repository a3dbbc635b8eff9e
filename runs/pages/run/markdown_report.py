"""A run as Markdown, as an engineer would paste it into a ticket: why it failed comes first, and
the size is bounded."""

from collections.abc import Iterator

from django.urls import reverse

from nodes import formats
from nodes.content.payloads import head_text, indented_json, load_value
from nodes.models import NodeExecution, Payload
from runs.models import Run, Version
from runs.pages.compare.baseline import BASELINE_REASONS, find_baseline
from runs.pages.errors.cause import Cause, cause_of
from runs.pages.errors.groups import error_group_of
from runs.pages.notes.notes import notes_on_run
from runs.pages.run.markdown_path import lines_within, path_lines
from runs.pages.run.markdown_text import escaped_line, fenced_block, without_control_marks
from runs.pages.run_header.run_header import reported_differences

MAX_VALUE = 3000
MAX_ERROR = 3000
# Of the run's own input, where the report holds the failing step's as well.
MAX_INPUT = 1500
MAX_NOTES = 10
MAX_REPORT, SHORTEST_REPORT = 16_000, 4_000  # bytes
READ_WHOLE = 1_000_000


def report(run: Run, base_url: str = "", limit: int = MAX_REPORT) -> str:
    """Return at most `limit` bytes of Markdown. `base_url` (http://host, no slash) makes links
    absolute."""
    cause = cause_of(run)
    failed = _failed_step(run)
    share = limit / MAX_REPORT
    lines = [
        *_title_lines(run),
        *_cause_lines(run, cause, failed, base_url, int(MAX_ERROR * share)),
        *_value_sections(run, failed, share),
        *_note_lines(run, int(MAX_NOTES * share)),
    ]
    facts = [*_total_lines(run), *_link_lines(run, cause, failed, base_url, limit)]
    room = limit - len("\n".join([*lines, *facts]).encode()) - 200
    path = {link.execution.id.hex for link in cause.chain} if cause else set()
    if path_report := lines_within(path_lines(run, path), room):
        lines += ["## Path taken", "", *path_report, ""]
    return without_control_marks("\n".join([*lines, *facts, ""]))


def _failed_step(run: Run) -> NodeExecution | None:
    if run.failed_execution is None:
        return None
    rows = NodeExecution.objects.in_run(run.id).with_payloads()
    return rows.filter(id=run.failed_execution).first()


def _title_lines(run: Run) -> Iterator[str]:
    name = f" › {escaped_line(run.name)}" if run.name and run.name != run.app.name else ""
    status = "Stalled (last reported as running)" if run.stalled else run.get_status_display()
    yield f"# {escaped_line(run.app.name)}{name}: {status}"
    yield ""
    version = _version_text(run.version) if run.version else ""
    yield f"{run.started_at:%Y-%m-%d %H:%M:%S %Z}, {formats.duration(run.duration_us)}{version}"
    yield ""


def _version_text(version: Version) -> str:
    label = f" ({escaped_line(version.label)})" if version.label else ""
    return f", version #{version.number}{label}"


def _cause_lines(
    run: Run, cause: Cause | None, failed: NodeExecution | None, base_url: str, limit: int
) -> Iterator[str]:
    """Yield what failed, in which iteration and attempt, below which steps, and how often; at most
    `limit` bytes of the error."""
    if cause is None:
        if run.error:
            yield "## Error"
            yield from fenced_block(run.error, limit)
        return
    error = (failed.error if failed else "") or cause.error or "No reason was given."
    error_type = f": {escaped_line(cause.error_type)}" if cause.error_type else ""
    if cause.failed:
        yield f"## Why: {escaped_line(cause.failed.title)} failed{error_type}"
        yield from fenced_block(error, limit)
        above = [escaped_line(str(link)) for link in cause.above]
        where = " › ".join(
            [escaped_line(run.name or run.app.name), *above, escaped_line(str(cause.failed))]
        )
        yield f"- where: {where}"
        if cause.parent_missing:
            yield "- the step above the first of these has not been received"
        yield f"- node: `{escaped_line(cause.failed.execution.node_id)}`"
        yield f"- step: <{base_url}{cause.failed.url}>"
    else:
        yield f"## Why{error_type}"
        yield from fenced_block(error, limit)
    yield from _recurrence_lines(run, base_url)
    yield ""


def _recurrence_lines(run: Run, base_url: str) -> Iterator[str]:
    """Yield how often runs of the app failed like this, and since when."""
    related = error_group_of(run)
    if related is None:
        return
    if related.alone:
        yield "- no other run of this app failed like this"
        return
    group = related.group
    first = f", first on {group.first_at:%Y-%m-%d %H:%M %Z}" if group.first_at else ""
    number = group.first_version_number
    since = f" with version #{number}" if number is not None else ""
    count = f"more than {related.count}" if related.more else related.count
    url = base_url + group.get_absolute_url()
    yield f"- {count} runs of this app failed like this{first}{since}: <{url}>"


def _value_sections(run: Run, failed: NodeExecution | None, share: float) -> Iterator[str]:
    """Yield the values of the failing step, then the input of the run; of a run without a failing
    step its own values. `share`: what part of a whole report may be used."""
    most = int(MAX_VALUE * share)
    if failed is not None:
        yield from _value_section("Inputs of the failing step", failed.inputs, most)
        yield from _value_section("Outputs of the failing step", failed.outputs, most)
        if run.inputs_id != failed.inputs_id:
            yield from _value_section("Input of the run", run.inputs, int(MAX_INPUT * share))
    else:
        yield from _value_section("Input", run.inputs, most)
        yield from _value_section("Output", run.outputs, most)


def _value_section(title: str, payload: Payload | None, limit: int) -> Iterator[str]:
    if payload is None:
        return
    yield f"## {title}"
    if payload.size > READ_WHOLE:
        yield from fenced_block(head_text(payload, limit), limit, payload.size)
    else:
        yield from fenced_block(indented_json(load_value(payload)) or payload.text, limit)
    if payload.cut_of:
        yield f"(truncated by its producer, from {formats.size(payload.cut_of)})"
        yield ""


def _note_lines(run: Run, most: int) -> Iterator[str]:
    """Yield the first notes on the run."""
    notes = notes_on_run(run, most)
    if notes.entries:
        yield "## Notes"
        yield ""
    for entry in notes.entries:
        note = entry.note
        step = f" on {escaped_line(entry.step.title)}" if entry.step else ""
        author = f", {escaped_line(note.author)}" if note.author else ""
        text = f": {escaped_line(note.text)}" if note.text else ""
        value = f" {escaped_line(entry.value)}" if entry.value else ""
        yield f"- {escaped_line(note.name)}{value}{step} ({note.source}{author}){text}"
    if notes.entries:
        yield "(more on the page)\n" if notes.more else ""


def _total_lines(run: Run) -> Iterator[str]:
    yield "## Totals"
    yield ""
    cost = formats.money(run.cost, run.cost_currency or "USD")
    yield f"- steps: {run.steps}, iterations: {run.iterations}, retries: {run.retries}"
    yield f"- calls: {run.model_calls} model, {run.tool_calls} tool, {run.http_calls} HTTP"
    yield f"- tokens: {run.input_tokens} in, {run.output_tokens} out, {run.total_tokens} in total"
    yield f"- cost: {cost} ({run.get_cost_state_display().lower()})"
    for difference in reported_differences(run):
        yield f"- the producer reports {difference.what} {difference.reported}"
    if run.user:
        yield f"- user: {escaped_line(run.user)}"
    if run.environment:
        yield f"- environment: {escaped_line(run.environment)}"
    for source in run.producer_ids:
        yield f"- {source.kind}: `{escaped_line(source.source_id)}`"
    yield ""


def _link_lines(
    run: Run, cause: Cause | None, failed: NodeExecution | None, base_url: str, limit: int
) -> Iterator[str]:
    yield "## More"
    yield ""
    yield f"- page: <{base_url}{run.get_absolute_url()}>"
    yield f"- run: <{base_url}{reverse('run-json', args=[run.id])}>"
    yield f"- steps: <{base_url}{reverse('run-tracing-json', args=[run.id])}>"
    if failed is not None:
        step = reverse("run-execution-json", args=[run.id, failed.id])
        yield f"- failing step: <{base_url}{step}>"
        lineage = reverse("run-lineage-json", args=[run.id, failed.id])
        yield f"- where its values came from: <{base_url}{lineage}>"
    if cause is not None and (baseline := find_baseline(run)):
        query = f"?a={baseline.run_id}&b={run.id}"
        good = BASELINE_REASONS[baseline.why]
        yield f"- compared with {good}: <{base_url}{reverse('run-compare-json')}{query}>"
    yield f"- other addresses that can be read: <{base_url}{reverse('llms')}>"
    yield ""
    yield f"A report has at most {formats.size(limit)}; whatever was left out is marked above."
