"""A Dify app as Dify exports it: YAML, DSL versions 0.1 to 0.6. Pure.

Facts: Dify's export of an app (`version`, `kind`, `app`, `dependencies`, `workflow`). Anybody may
hand in such a file, so it is measured before it is built: a few lines of YAML can name billions of
nodes.
"""

from dataclasses import dataclass
from typing import Any

import yaml

from runs.recording.decoding.dify.definition import Definition, behaviour_of
from runs.recording.decoding.dify.graphs import read_graph, storable
from runs.recording.records.payload_values import clean

MAX_BYTES = 8 * 1024 * 1024
MAX_VALUES, MAX_DEPTH = 250_000, 60
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MODES = {"workflow": "workflow", "advanced-chat": "chatflow"}
OTHER_MODES = {
    "chat": "a chat assistant",
    "agent-chat": "an agent",
    "completion": "a text generator",
}
OPENS = (yaml.SequenceStartEvent, yaml.MappingStartEvent)
CLOSES = (yaml.SequenceEndEvent, yaml.MappingEndEvent)


class UnreadableDsl(ValueError):
    """The file is no app that can be kept; the message says why in one sentence, without quoting
    it."""


@dataclass(frozen=True, slots=True)
class Dsl:
    """An exported app. `mode`: workflow or chatflow."""

    name: str
    mode: str
    definition: Definition


def read_dsl(body: bytes) -> Dsl:
    """The app in an exported file. Raises UnreadableDsl."""
    told = _load(body)
    if not isinstance(told, dict):
        raise UnreadableDsl("This is no Dify app: the file holds no fields.")
    kind, about = told.get("kind", "app"), told.get("app")
    if kind == "rag_pipeline":
        raise UnreadableDsl("This is a knowledge pipeline; workflows and chatflows are kept here.")
    if kind != "app" or not isinstance(about, dict):
        raise UnreadableDsl("This is no Dify app: “kind: app” with its fields “app” is missing.")
    mode = str(about.get("mode"))
    if mode in OTHER_MODES:
        raise UnreadableDsl(f"This is {OTHER_MODES[mode]}, which has no graph to keep.")
    workflow = told.get("workflow")
    if mode not in MODES or not isinstance(workflow, dict):
        raise UnreadableDsl("This is no workflow or chatflow: its “workflow” is missing.")
    graph = read_graph(workflow.get("graph"))
    if not graph.stored["nodes"]:
        raise UnreadableDsl("The graph of this app has no nodes.")
    extras = {"plugins": plugins} if (plugins := _plugins(told.get("dependencies"))) else {}
    name = clean(str(about.get("name") or ""), 200).strip()
    return Dsl(name, MODES[mode], Definition(graph, behaviour_of(workflow), extras))


def _load(body: bytes) -> Any:
    if len(body) > MAX_BYTES:
        raise UnreadableDsl(f"The file is larger than {MAX_BYTES // 1024**2} MB.")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadableDsl("The file is no UTF-8 text.") from None
    try:
        _measure(text)
        return yaml.load(text, Loader=LOADER)
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise UnreadableDsl(f"The file is no YAML that can be read{where}.") from None
    except (ValueError, TypeError, RecursionError) as problem:
        if isinstance(problem, UnreadableDsl):
            raise
        # A date without such a day, a key that is a list, a number of 5,000 digits.
        raise UnreadableDsl("The file has values that are not valid YAML.") from None


def _measure(text: str) -> None:
    """Count what the file would be once all its aliases are written out, without building it."""
    measure = _Measure()
    for event in yaml.parse(text, Loader=LOADER):
        measure.take(event)
        if measure.count > MAX_VALUES:
            raise UnreadableDsl(f"The file holds more than {MAX_VALUES:,} values.")
        if len(measure.open) > MAX_DEPTH:
            raise UnreadableDsl(f"The file is nested more than {MAX_DEPTH} levels deep.")


class _Measure:
    def __init__(self) -> None:
        self.count = 0
        self.sizes: dict[str, int] = {}  # of what has an anchor
        self.open: list[tuple[str | None, int]] = []  # anchor, and the count before it

    def take(self, event: Any) -> None:
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self.sizes:  # unknown, or around itself
                raise UnreadableDsl("The file has a reference that leads nowhere or to itself.")
            self.count += self.sizes[event.anchor]
        elif isinstance(event, OPENS):
            self.open.append((event.anchor, self.count))
            self.count += 1
        elif isinstance(event, CLOSES):
            anchor, before = self.open.pop()
            if anchor:
                self.sizes[anchor] = self.count - before
        elif isinstance(event, yaml.ScalarEvent):
            self.count += 1
            if event.anchor:
                self.sizes[event.anchor] = 1


def _plugins(told: Any) -> list[str]:
    """Names of the plugins that the app needs, with their versions."""
    found = []
    for item in told if isinstance(told, list) else []:
        value = item.get("value") if isinstance(item, dict) else None
        for name, unique in value.items() if isinstance(value, dict) else ():
            if str(name).endswith("plugin_unique_identifier") and unique:
                found.append(clean(str(storable(unique)), 255).partition("@")[0])
    return sorted(set(found))
