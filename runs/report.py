"""A run as Markdown: what an engineer would paste into a ticket. Why first, and bounded."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import reverse

from nodes import formats
from nodes.choices import FAILURES
from nodes.folding import Folding, Line, lines
from nodes.models import NodeExecution, Payload
from nodes.payloads import head, load, pretty
from nodes.timeline import build
from nodes.tracing import load_steps, load_texts, us
from nodes.waterfall import Scale
from runs.models import Run
from runs.run_header import differences
from runs.run_notes import notes_of_run

MAX_LINES = 100
MAX_VALUE = 3000
MAX_ERROR = 3000
MAX_NOTES = 10
MAX_REPORT = 16_000


def report(run: Run, base_url: str = "") -> str:
    """At most 16 KB of Markdown. `base_url` (http://host, no slash) makes links absolute."""
    failed = _failed(run)
    told = [*_head(run, base_url), *_cause(run, failed, base_url), *_values(run, failed)]
    text = "\n".join([*told, *_notes(run)])
    totals = "\n".join(_totals(run))
    room = MAX_REPORT - len((text + totals).encode()) - 500
    way = "\n".join(_bounded(_way(run), room))
    return _clean("\n".join([text, way, totals, ""]))


def _failed(run: Run) -> NodeExecution | None:
    if run.failed_execution is None:
        return None
    rows = NodeExecution.objects.of_run(run.id).with_payloads()
    return rows.filter(id=run.failed_execution).first()


def _head(run: Run, base_url: str) -> Iterator[str]:
    name = f" › {_line(run.name)}" if run.name and run.name != run.app.name else ""
    status = "Stalled (says running)" if run.stalled else run.get_status_display()
    yield f"# {_line(run.app.name)}{name}: {status}"
    yield ""
    version = f", version {_line(str(run.version))}" if run.version else ""
    yield f"{run.started_at:%Y-%m-%d %H:%M:%S %Z}, {formats.duration(run.duration_us)}{version}  "
    yield f"<{base_url}{run.get_absolute_url()}>"
    yield ""


def _cause(run: Run, failed: NodeExecution | None, base_url: str) -> Iterator[str]:
    error = failed.error if failed and failed.error else run.error
    if failed is not None:
        where = f" {formats.iteration(failed.iteration)}" if failed.iteration else ""
        yield f"## Why: {_line(failed.title)}{where} failed"
        yield f"<{base_url}{reverse('run-execution', args=[run.id, failed.id])}>"
    elif error:
        yield "## Why"
    if failed is not None or error:
        yield from _fenced(error or "The producer told no reason.", MAX_ERROR)


def _values(run: Run, failed: NodeExecution | None) -> Iterator[str]:
    """Of the failing step; of a run without one, its own."""
    if failed is not None:
        yield from _value("Inputs of the failing step", failed.inputs)
        yield from _value("Outputs of the failing step", failed.outputs)
    else:
        yield from _value("Input", run.inputs)
        yield from _value("Output", run.outputs)


def _value(title: str, payload: Payload | None) -> Iterator[str]:
    if payload is None:
        return
    yield f"## {title}"
    if payload.size > 1_000_000:
        yield from _fenced(head(payload, MAX_VALUE), MAX_VALUE, payload.size)
    else:
        yield from _fenced(pretty(load(payload)) or payload.text, MAX_VALUE)


def _fenced(text: str, limit: int, size: int = 0) -> Iterator[str]:
    """A code block that the text cannot close, cut to `limit` bytes; says how much is cut."""
    data = text.encode()
    shown = data[:limit].decode("utf-8", "ignore")
    fence = "```"
    while fence in shown:
        fence += "`"
    yield ""
    yield fence
    yield shown
    yield fence
    size = max(size, len(data))
    if size > len(shown.encode()):
        yield f"(the first {formats.size(len(shown.encode()))} of {formats.size(size)})"
    yield ""


def _notes(run: Run) -> Iterator[str]:
    """What was said about the run, the first few."""
    notes = notes_of_run(run, MAX_NOTES)
    if notes.shown:
        yield "## Notes"
        yield ""
    for one in notes.shown:
        step = f" on {_line(one.step.title)}" if one.step else ""
        author = f", {_line(one.note.author)}" if one.note.author else ""
        said = f": {_line(one.note.text)}" if one.note.text else ""
        value = f" {_line(one.value)}" if one.value else ""
        yield f"- {_line(one.note.name)}{value}{step} ({one.note.source}{author}){said}"
    if notes.shown:
        yield "(more on the page)\n" if notes.more else ""


@dataclass(frozen=True, slots=True)
class _WayLine:
    text: str
    failed: bool


def _way(run: Run) -> list[_WayLine]:
    """The steps in order, as the page folds them."""
    steps = load_steps(run.id)
    timeline = build(steps)
    start, end = us(run.started_at) or 0, us(run.ended_at)
    scale = Scale(start, end if end is not None else start)
    shown = lines(
        timeline,
        Folding(),
        scale,
        timeline.by_id.get(run.failed_execution.hex if run.failed_execution else ""),
    )
    shown = _most_telling(shown)
    texts = load_texts(run.id, [line.entry.id for line in shown if line.entry and line.entry.id])
    return [_way_line(line, texts) for line in shown if line.form != "gap"]


def _most_telling(shown: list[Line]) -> list[Line]:
    """The first lines, and failures wherever they stand."""
    if len(shown) <= MAX_LINES:
        return shown
    failures = [line for line in shown[MAX_LINES // 2 :] if _is_failure(line)][: MAX_LINES // 2]
    return [*shown[: MAX_LINES - len(failures)], *failures]


def _is_failure(line: Line) -> bool:
    status = line.entry.status if line.entry and line.form == "step" else ""
    return status in FAILURES


def _way_line(line: Line, texts: dict[str, NodeExecution]) -> _WayLine:
    indent = "  " * min(line.level, 12)
    entry = line.entry
    if entry is None or line.form == "elided":
        return _WayLine(f"{indent}- … {len(line.left_out)} more without failure", False)
    if entry.form == "pass":
        return _WayLine(f"{indent}- pass {entry.number} of {entry.total}", False)
    text = texts.get(entry.id) if entry.id else None
    if text is None:
        return _WayLine(f"{indent}- (parent not received)", False)
    number = f" #{entry.number} of {entry.total}" if entry.total > 1 else ""
    attempt = f", attempt {text.attempt}" if text.attempt > 1 else ""
    taken = f" → {_line(text.taken)}" if text.taken else ""
    hidden = f" ({entry.steps - 1} steps inside)" if line.is_open is False else ""
    told = f"{indent}- {_line(text.title)}{number} [{text.kind}] {text.status}{attempt}, "
    told += formats.duration(text.duration_us) + taken + hidden
    return _WayLine(told, _is_failure(line))


def _bounded(way: list[_WayLine], room: int) -> list[str]:
    """As many lines as there is room for; failures stay, others make way from the end."""
    kept = list(way)
    size = sum(len(line.text.encode()) + 1 for line in kept)
    left_out = 0
    for place in reversed(range(len(kept))):
        if size <= room:
            break
        if not kept[place].failed or left_out > len(way) - 10:
            size -= len(kept[place].text.encode()) + 1
            del kept[place]
            left_out += 1
    title = ["## The way taken", ""]
    more = [f"({left_out} more lines on the page)"] if left_out else []
    return [*title, *(line.text for line in kept), *more, ""] if way else []


def _totals(run: Run) -> Iterator[str]:
    yield "## Totals"
    yield ""
    cost = formats.money(run.cost, run.cost_currency or "USD")
    yield f"- steps: {run.steps}, passes: {run.iterations}, retries: {run.retries}"
    yield f"- calls: {run.model_calls} model, {run.tool_calls} tool, {run.http_calls} HTTP"
    yield f"- tokens: {run.input_tokens} in, {run.output_tokens} out, {run.total_tokens} in all"
    yield f"- cost: {cost} ({run.get_cost_state_display().lower()})"
    for difference in differences(run):
        yield f"- the producer reports {difference.what} {difference.reported}"
    for source in run.sources.all():
        yield f"- {source.kind}: `{_line(source.source_id)}`"


def _line(text: str) -> str:
    """Untrusted text inside a line of Markdown."""
    text = " ".join(text.split())[:120]
    return "".join("\\" + char if char in "\\`*_[]<>#|" else char for char in text)


def _clean(text: str) -> str:
    """Without marks that turn the direction of the text, and other unseen control characters."""
    return "".join(char for char in text if char in "\n\t" or char.isprintable() or char.isspace())
