"""Judge the facts of a case: what the console must say about what was sent.

A case is a folder `tests/cases/<family>/<name>/` with the requests of a producer and `case.json`:
what they stand for, and the facts that hold once they have arrived. README.md lists the facts.
"""

import itertools
import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from tests.cases.console import CaseConsole, Unavailable
from tests.cases.visible_text import visible_text

Fact = dict[str, Any]
Step = dict[str, Any]
Response = tuple[int, str]

CLOCK_TOLERANCE_US = 1000


def why_false(fact: Fact, console: CaseConsole, responses: list[Response]) -> str | None:
    """Return what is the case instead of `fact`, or None if the fact holds."""
    try:
        for name, judge in JUDGES.items():
            if name in fact:
                return judge(fact, console, responses)
        return _judge_run(fact, console, responses)
    except Unavailable as error:
        return str(error)


def _judge_any(fact: Fact, console: CaseConsole, responses: list[Response]) -> str | None:
    reasons = [why_false(other, console, responses) for other in fact["any_of"]]
    return None if None in reasons else " | ".join(str(reason) for reason in reasons)


def _judge_response(fact: Fact, console: CaseConsole, responses: list[Response]) -> str | None:
    status, text = responses[fact["response"] - 1]
    return compare({"status": status, "text": text}[fact.get("path", "text")], fact)


def _judge_absence(fact: Fact, console: CaseConsole, responses: list[Response]) -> str | None:
    return "there is a run" if console.has_run(fact["no_run"]) else None


def _judge_sameness(fact: Fact, console: CaseConsole, responses: list[Response]) -> str | None:
    ids = {console.run(source)["id"] for source in fact["same_run"]}
    return None if len(ids) == 1 else f"{len(ids)} runs"


def _judge_graph(fact: Fact, console: CaseConsole, responses: list[Response]) -> str | None:
    version = f"?version={fact['version']}" if "version" in fact else ""
    graph = console.json(f"/apps/{fact['graph']}/graph.json{version}")
    if "path" in fact:
        return compare(value_at(graph, fact["path"]), fact)
    names = {node["id"]: {node["id"], node["title"]} for node in graph["nodes"]}

    def joins(edge: dict[str, Any], wanted: list[Any]) -> bool:
        return (
            wanted[0] in names.get(edge["source"], {edge["source"]})
            and wanted[1] in names.get(edge["target"], {edge["target"]})
            and (len(wanted) < 3 or edge["runs"] == wanted[2])
        )

    edges = graph["edges"]
    missing = [w for w in fact.get("edges", []) if not any(joins(edge, w) for edge in edges)]
    wrong = [w for w in fact.get("not_edges", []) if any(joins(edge, w) for edge in edges)]
    if "only" in fact:
        wrong += [edge for edge in edges if not any(joins(edge, w) for w in fact["only"])]
    if missing or wrong:
        return f"edges missing: {missing}, wrong: {wrong}"
    return None


def _judge_comparison(fact: Fact, console: CaseConsole, responses: list[Response]) -> str | None:
    first, second = (console.run(source)["id"] for source in fact["compare"])
    twin = console.json(f"/runs/compare.json?a={first}&b={second}")
    return compare(value_at(twin, fact.get("path", "")), fact)


def _judge_order(fact: Fact, console: CaseConsole, responses: list[Response]) -> str | None:
    steps = console.steps(fact["run"])
    if "under" in fact:
        inside = choose_steps(steps, {"under": fact["under"]})
    else:
        inside = [
            step
            for step in steps
            if not step["placeholder"] and step["status"] != "retry" and step["parent"] is None
        ]
    if "iteration" in fact:
        inside = [step for step in inside if step["iteration"] == fact["iteration"]]
    titles = [step["title"] for step in inside]
    return None if titles == fact["order"] else f"the order is {titles}"


def _judge_count(fact: Fact, console: CaseConsole, responses: list[Response]) -> str | None:
    return compare(len(choose_steps(console.steps(fact["run"]), fact["count"])), fact)


def _judge_sequence(fact: Fact, console: CaseConsole, responses: list[Response]) -> str | None:
    chosen = [choose_step(console.steps(fact["run"]), wanted) for wanted in fact["apart"]]
    for step, following in itertools.pairwise(chosen):
        overlap = _interval(step)[1] - _interval(following)[0]
        if overlap > CLOCK_TOLERANCE_US:
            return f"{following['title']} begins {overlap / 1000:.0f} ms before the end"
    return None


def _judge_overlap(fact: Fact, console: CaseConsole, responses: list[Response]) -> str | None:
    steps = console.steps(fact["run"])
    (start, end), (other_start, other_end) = (
        _interval(choose_step(steps, wanted)) for wanted in fact["beside"]
    )
    return None if start < other_end and other_start < end else "the two do not overlap"


def _judge_file(fact: Fact, console: CaseConsole, responses: list[Response]) -> str | None:
    run_id = console.run(fact["run"])["id"]
    return compare(console.text(f"/runs/{run_id}.{fact['file']}"), fact)


def _judge_page(fact: Fact, console: CaseConsole, responses: list[Response]) -> str | None:
    if "get" in fact:
        markup = console.page(_address(fact["get"], console))
    else:
        run_id = console.run(fact["run"])["id"]
        if fact["page"] == "step":
            step = choose_step(console.steps(fact["run"]), fact["step"])
            markup = console.panel(f"/runs/{run_id}/tracing/{step['id']}/")
        else:
            markup = console.page(f"/runs/{run_id}/{fact['page']}/")
    text, links = visible_text(markup, fact.get("part"), fact.get("without", []))
    if "links_to" in fact:
        wanted = fact["links_to"] if isinstance(fact["links_to"], list) else [fact["links_to"]]
        ids = [
            choose_step(console.steps(fact["run"]), target)["id"]
            if isinstance(target, dict)
            else console.run(target)["id"]
            for target in wanted
        ]
        if not any(target in link for target in ids for link in links):
            return f"has no link to {wanted}"
    return compare(text, fact)


def _judge_twin(fact: Fact, console: CaseConsole, responses: list[Response]) -> str | None:
    if fact.get("as_page"):
        return _judge_page(fact, console, responses)
    address = _address(fact["get"], console)
    if "path" in fact:
        return compare(value_at(console.json(address), fact["path"]), fact)
    return compare(console.text(address), fact)


def _judge_step(fact: Fact, console: CaseConsole, responses: list[Response]) -> str | None:
    if "page" in fact:
        return _judge_page(fact, console, responses)
    step = choose_step(console.steps(fact["run"]), fact["step"])
    path = fact.get("path", "")
    if path.split(".")[0] not in step:
        step = console.json(f"/runs/{console.run(fact['run'])['id']}/tracing/{step['id']}.json")
    return compare(value_at(step, path), fact)


def _judge_run(fact: Fact, console: CaseConsole, responses: list[Response]) -> str | None:
    return compare(value_at(console.run(fact["run"]), fact.get("path", "")), fact)


# The first name that a fact holds says what kind of fact it is.
JUDGES: dict[str, Callable[[Fact, CaseConsole, list[Response]], str | None]] = {
    "any_of": _judge_any,
    "response": _judge_response,
    "no_run": _judge_absence,
    "same_run": _judge_sameness,
    "graph": _judge_graph,
    "compare": _judge_comparison,
    "order": _judge_order,
    "count": _judge_count,
    "apart": _judge_sequence,
    "beside": _judge_overlap,
    "file": _judge_file,
    "get": _judge_twin,
    "step": _judge_step,
    "page": _judge_page,
}


def choose_step(steps: list[Step], wanted: str | Fact) -> Step:
    """Return the first step that the selector `wanted` means."""
    chosen = choose_steps(steps, wanted)
    if not chosen:
        raise Unavailable(f"there is no step {json.dumps(wanted, ensure_ascii=False)}")
    return chosen[0]


def choose_steps(steps: list[Step], wanted: str | Fact) -> list[Step]:
    """Return the steps that the selector `wanted` (a title, or fields) means, in the order of the
    page. Attempts that were tried again are meant only if a status or an attempt is named."""
    selector = {"title": wanted} if isinstance(wanted, str) else wanted
    chosen = [step for step in steps if step["placeholder"] == selector.get("placeholder", False)]
    fields = {"source": "source_id", "node": "node_id"}
    for key in ("title", "source", "node", "kind", "iteration", "status", "attempt"):
        if key in selector:
            field = fields.get(key, key)
            chosen = [step for step in chosen if step[field] == selector[key]]
    if "like" in selector:
        part = selector["like"].lower()
        chosen = [step for step in chosen if part in (step["title"] or "").lower()]
    if "under" in selector:
        above = {step["id"] for step in choose_steps(steps, selector["under"])}
        parents = {step["id"]: step["parent"] for step in steps}
        chosen = [step for step in chosen if above & set(_ancestors(step["id"], parents))]
    if "status" not in selector and "attempt" not in selector:
        chosen = [step for step in chosen if step["status"] != "retry"] or chosen
    if "nth" in selector:
        chosen = chosen[selector["nth"] :][:1]
    return chosen


def _ancestors(step_id: str, parents: dict[str, str | None]) -> Iterable[str]:
    parent = parents.get(step_id)
    while parent:
        yield parent
        parent = parents.get(parent)


def _interval(step: Step) -> tuple[float, float]:
    """Return start and end of `step`, in microseconds."""
    if step["started_at"] is None or step["duration_us"] is None:
        raise Unavailable(f"{step['title']} has no time")
    start = datetime.fromisoformat(step["started_at"]).timestamp() * 1e6
    return start, start + step["duration_us"]


def value_at(value: Any, path: str) -> Any:
    """Return what stands at `path` (`a.0.b`): `*` takes all items, `length` counts, `sum` after `*`
    adds. What is not there is None."""
    keys = [key for key in path.split(".") if key]
    for position, key in enumerate(keys):
        rest = ".".join(keys[position + 1 :])
        if value is None:
            return None
        if key == "*" and isinstance(value, list | dict):
            items = list(value.values()) if isinstance(value, dict) else value
            if rest == "sum" or rest.endswith(".sum"):
                return sum(value_at(item, rest[:-4]) or 0 for item in items)
            return [value_at(item, rest) for item in items]
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif key == "length":
            value = len(value)
        elif isinstance(value, list) and key.lstrip("-").isdigit():
            value = value[int(key)] if -len(value) <= int(key) < len(value) else None
        else:
            value = None
    return value


def compare(value: Any, fact: Fact) -> str | None:
    """Return which operator of `fact` the value does not satisfy, or None."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    number = _as_number(value)
    for operator, holds in {
        "equals": lambda wanted: value == wanted or _same_number(number, wanted),
        "in": lambda wanted: value in wanted,
        "not_in": lambda wanted: value not in wanted,
        "near": lambda wanted: number is not None and abs(number - wanted[0]) <= wanted[1],
        "min": lambda wanted: number is not None and number >= wanted,
        "max": lambda wanted: number is not None and number <= wanted,
        "contains": lambda wanted: all(part in text for part in _as_list(wanted)),
        "lacks": lambda wanted: not any(part in text for part in _as_list(wanted)),
        "in_order": lambda wanted: _stand_in_order(text, wanted),
        "present": lambda wanted: (value not in (None, [], {}, "")) == wanted,
    }.items():
        if operator in fact and not holds(fact[operator]):
            return f"is {text[:200]}"
    return None


def _as_list(wanted: str | list[str]) -> list[str]:
    return wanted if isinstance(wanted, list) else [wanted]


def _as_number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _same_number(number: float | None, wanted: Any) -> bool:
    return isinstance(wanted, int | float) and number == wanted


def _stand_in_order(text: str, parts: list[str]) -> bool:
    position = 0
    for part in parts:
        position = text.find(part, position)
        if position < 0:
            return False
        position += len(part)
    return True


def _address(address: str, console: CaseConsole) -> str:
    """Return `address` with the console's ids: `{run:ID}` is that of a run of the producer,
    `{conversation:ID}` that of the run's conversation, `{step:ID:SOURCE}` that of a step."""

    def step_id(match: str) -> str:
        source, _, step = match.partition(":")
        return str(choose_step(console.steps(source), {"source": step})["id"])

    makers: dict[str, Callable[[str], str]] = {
        "run": lambda source: str(console.run(source)["id"]),
        "conversation": lambda source: str(console.run(source)["conversation"]["id"]),
        "step": step_id,
    }
    start = address.find("{")
    if start < 0:
        return address
    kind, _, rest = address[start + 1 :].partition(":")
    name, _, after = rest.partition("}")
    return address[:start] + makers[kind](name) + _address(after, console)
