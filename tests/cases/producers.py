"""Judge a run of a real producer by its key in `tests/captures/producers/expected.json`.

The key says what the producer's program really did. `RunReading` is the run as the twins show it;
`FACTS` has, for each name in a key, a function that returns whether the reading agrees. A field
`<name>_alternatives` of a key lists further values that are as good.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

FAILED = ("failed", "exception")
MODEL_KINDS = ("llm", "embedding", "reranker")


@dataclass(slots=True)
class RunReading:
    """A run's twin, the list of its steps, the twins of its model calls, and the key of its
    capture. `listed`: whether it is a run of its own in the history. `other` returns the reading of
    another run of the capture by its trace."""

    run: dict[str, Any]
    steps: list[dict[str, Any]]
    calls: list[dict[str, Any]]
    capture: dict[str, Any]
    listed: bool
    other: Callable[[str], "RunReading | None"]

    def titles(self) -> Counter[str]:
        return Counter(step["title"] for step in self.steps)


def false_facts(key: dict[str, Any], reading: RunReading | None) -> dict[str, str]:
    """Return the facts of a key that the reading contradicts, each with what it shows."""
    if key.get("not_a_run"):
        own = reading is not None and reading.listed
        return {"not_a_run": "it is a run in the history"} if own else {}
    if reading is None:
        return {"trace_id": "there is no such run"}
    return {
        name: f"expected {key.get(name)!r}, the run has {shown!r}"
        for name, fact in FACTS.items()
        if name in key or name in OF_CAPTURE
        for agrees, shown in [fact(reading, key)]
        if not agrees
    }


Judged = tuple[bool, Any]


def _allowed(key: dict[str, Any], name: str) -> list[Any]:
    return [key[name], *key.get(f"{name.removesuffix('_like')}_alternatives", ())]


def _equals(name: str, shown: Callable[[RunReading], Any]) -> Callable[..., Judged]:
    def judge(reading: RunReading, key: dict[str, Any]) -> Judged:
        value = shown(reading)
        return value in _allowed(key, name), value

    return judge


def _contains(name: str, shown: Callable[[RunReading], Any]) -> Callable[..., Judged]:
    """Judge a text that stands in what is shown; None in a key is not to be judged."""

    def judge(reading: RunReading, key: dict[str, Any]) -> Judged:
        value = shown(reading)
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        wanted = [str(it).lower() for it in _allowed(key, name) if it is not None]
        return not wanted or any(it in text.lower() for it in wanted), value

    return judge


def _status(reading: RunReading, key: dict[str, Any]) -> Judged:
    allowed = _allowed(key, "status")
    if "resumed_by" in key:  # it waited, until another run went on: it waits no longer
        allowed = ["succeeded"]
    if any(call["failed"] for call in key.get("tool_calls", ())) and "succeeded" in allowed:
        allowed.append("partial-succeeded")
    if key.get("retries"):
        allowed += ["partial-succeeded"] * ("succeeded" in allowed)
    return reading.run["status"] in allowed, reading.run["status"]


def _title(reading: RunReading, key: dict[str, Any]) -> Judged:
    named = [reading.run["name"], reading.run["app"]["name"], *list(reading.titles())[:1]]
    return _contains("title_like", lambda _: named)(reading, key)


def _models(reading: RunReading, key: dict[str, Any]) -> Judged:
    shown = sorted({it["model"] for it in reading.run["configuration"]["models"]})
    known = all(any(model in name for name in shown) for model in key["models"])
    return known and (bool(shown) <= bool(key["models"])), shown


def _tool_calls(reading: RunReading, key: dict[str, Any]) -> Judged:
    shown = sorted(
        (it["title"], it["status"] in FAILED) for it in reading.steps if it["kind"] == "tool"
    )
    wanted = sorted((call["name"], call["failed"]) for call in key["tool_calls"])
    alike = len(shown) == len(wanted) and all(
        name in title and failed is has_failed
        for (title, has_failed), (name, failed) in zip(shown, wanted, strict=True)
    )
    return alike, shown


def _nodes(reading: RunReading, key: dict[str, Any]) -> Judged:
    titles = list(reading.titles())
    missing = [n for n in key["nodes_like"] if not any(n.lower() in t.lower() for t in titles)]
    return not missing, titles


def _counts(name: str) -> Callable[..., Judged]:
    def judge(reading: RunReading, key: dict[str, Any]) -> Judged:
        shown = {title: reading.titles()[title] for title in key[name]}
        return shown == key[name], shown

    return judge


def _tries(reading: RunReading, key: dict[str, Any]) -> Judged:
    shown = {
        title: sorted(step["attempt"] for step in reading.steps if step["title"] == title)
        for title in key["tries"]
    }
    return shown == {name: list(range(1, n + 1)) for name, n in key["tries"].items()}, shown


def _nested(reading: RunReading, key: dict[str, Any]) -> Judged:
    title_of = {step["id"]: step["title"] for step in reading.steps}
    shown = {(title_of.get(step["parent"], ""), step["title"]) for step in reading.steps}
    wanted = {(above, below) for above, names in key["nested"].items() for below in names}
    return wanted <= shown, sorted(shown)


def _fan_out(reading: RunReading, key: dict[str, Any]) -> Judged:
    shown = [
        (step["title"], step["iteration"]) for step in reading.steps
        if step["title"] in key["fan_out"]
    ]  # fmt: skip
    return all(n == 1 for n in Counter(map(str, shown)).values()), shown


def _same_node(reading: RunReading, key: dict[str, Any]) -> Judged:
    shown = []
    for title, trace in key["same_node_as_in"].items():
        other = reading.other(trace)
        for steps in (reading.steps, other.steps if other else []):
            shown.append(sorted({s["node_id"] for s in steps if s["title"] == title}))
    return all(ids and ids == shown[0] for ids in shown), shown


def _linked(name: str) -> Callable[..., Judged]:
    def judge(reading: RunReading, key: dict[str, Any]) -> Judged:
        other, shown = reading.other(key[name]), reading.run.get(name)
        return bool(other and shown and shown["id"] == other.run["id"]), shown

    return judge


def _answers(name: str) -> Callable[..., Judged]:
    def judge(reading: RunReading, key: dict[str, Any]) -> Judged:
        shown = json.dumps([call["outputs"] for call in reading.calls], ensure_ascii=False)
        return all(text in shown for text in key[name]), shown[:1000]

    return judge


def _scores(reading: RunReading, key: dict[str, Any]) -> Judged:
    shown = {it["name"]: it["label"] or it["number"] for it in reading.run["notes"]}
    return key["scores"].items() <= shown.items(), shown


def _cost(reading: RunReading, key: dict[str, Any]) -> Judged:
    shown = reading.run["cost"]["amount"]
    return shown is not None and abs(float(shown) - key["cost"]) < 1e-6, shown


def _cost_not_zero(reading: RunReading, key: dict[str, Any]) -> Judged:
    shown = reading.run["cost"]["amount"]
    return shown is None or float(shown) > 0, shown


def _app(reading: RunReading, key: dict[str, Any]) -> Judged:
    shown = reading.run["app"]["name"]
    return shown in reading.capture["app_candidates"], shown


def _version(reading: RunReading, key: dict[str, Any]) -> Judged:
    version = reading.run["version"]
    shown = version["label"] or None if version else None
    allowed = _allowed(reading.capture, "version")
    # A label that only some runs of a capture tell is no fault of the others.
    may_be_absent = reading.run["source"]["kind"] == "langfuse"
    return shown in allowed or (shown is None and may_be_absent), shown


def _input(reading: RunReading) -> Any:
    return [reading.run["inputs"], [call["inputs"] for call in reading.calls]]


OF_CAPTURE = ("app_candidates", "version")
FACTS: dict[str, Callable[[RunReading, dict[str, Any]], Judged]] = {
    "app_candidates": _app,
    "version": _version,
    "title_like": _title,
    "status": _status,
    "error_like": _contains("error_like", lambda it: it.run["error"] or ""),
    "error_absent": lambda it, _: (not it.run["error"], it.run["error"]),
    "error_not_like": lambda it, key: (
        not any(
            key["error_not_like"] in (error or "")
            for error in [it.run["error"], *(step["error"] for step in it.steps)]
        ),
        it.run["error"],
    ),
    "failed_node_like": _contains(
        "failed_node_like", lambda it: list((it.run["failed_node"] or {}).values())[1:]
    ),
    "conversation": _equals(
        "conversation", lambda it: (it.run["conversation"] or {}).get("source_id")
    ),
    "user": _equals("user", lambda it: it.run["user"]),
    "tags": lambda it, key: (set(key["tags"]) <= set(it.run["tags"]), it.run["tags"]),
    "model_calls": _equals("model_calls", lambda it: it.run["api_calls"]["model"]),
    "model_calls_failed": _equals(
        "model_calls_failed",
        lambda it: sum(s["kind"] in MODEL_KINDS and s["status"] in FAILED for s in it.steps),
    ),
    "models": _models,
    "input_tokens": _equals("input_tokens", lambda it: it.run["tokens"]["input"]),
    "output_tokens": _equals("output_tokens", lambda it: it.run["tokens"]["output"]),
    "cached": _equals("cached", lambda it: it.run["tokens"]["cached"]),
    "cost": _cost,
    "cost_not_zero": _cost_not_zero,
    "tool_calls": _tool_calls,
    "nodes_like": _nodes,
    "loop_passes": _counts("loop_passes"),
    "fan_out": _fan_out,
    "nested": _nested,
    "retries": _equals("retries", lambda it: it.run["retries"]),
    "tries": _tries,
    "first_node": lambda it, key: (it.steps[0]["title"] == key["first_node"], it.steps[0]["title"]),
    "plumbing": lambda it, key: (not set(key["plumbing"]) & set(it.titles()), list(it.titles())),
    "same_node_as_in": _same_node,
    "step_paused": lambda it, key: (
        any(s["status"] == "paused" and s["title"] == key["step_paused"] for s in it.steps),
        [(s["title"], s["status"]) for s in it.steps],
    ),
    "input_contains": lambda it, key: _contains(
        "input_contains", _input if key.get("io_fallback") else lambda it: it.run["inputs"]
    )(it, key),
    "output_contains": lambda it, key: _contains(
        "output_contains",
        (lambda it: [it.run["outputs"], [call["outputs"] for call in it.calls]])
        if key.get("io_fallback")
        else lambda it: it.run["outputs"],
    )(it, key),
    "answers": _answers("answers"),
    "answer_tool_call": _answers("answer_tool_call"),
    "scores": _scores,
    "resumed_by": _linked("resumed_by"),
    "resumes": _linked("resumes"),
}
