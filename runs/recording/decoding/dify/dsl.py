"""Reads Dify apps as Dify exports them: YAML, DSL versions 0.1 to 0.6. Pure.

Facts: Dify's export of an app (`version`, `kind`, `app`, `dependencies`, `workflow`). Anybody may
hand in such a file, so it is measured before it is built: a few lines of YAML can name billions of
values.
"""

from dataclasses import dataclass
from typing import Any

import yaml

from runs.recording.decoding.dify.definition import Definition, behaviour_of
from runs.recording.decoding.dify.graphs import read_graph, storable
from runs.recording.records.payload_values import clean

MAX_BYTES = 8 * 1024 * 1024
MAX_VALUES, MAX_DEPTH = 1_000_000, 60
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
    """A file that is no app that can be kept; the message says why in one sentence, without quoting
    the file."""


@dataclass(frozen=True, slots=True)
class Dsl:
    """An exported app. `mode`: workflow or chatflow."""

    name: str
    mode: str
    definition: Definition


def read_dsl(body: bytes) -> Dsl:
    """Return the app in an exported file. Raises UnreadableDsl."""
    document = _load_yaml(body)
    if isinstance(document, dict) and isinstance(document.get("data"), str):
        document = _load_yaml(document["data"].encode())  # as Dify's own API answers an export
    if not isinstance(document, dict):
        raise UnreadableDsl("This is not a Dify app: the file has no fields.")
    kind, app = document.get("kind", "app"), document.get("app")
    if kind == "rag_pipeline":
        raise UnreadableDsl(
            "This is a knowledge pipeline; only workflows and chatflows can be stored."
        )
    if kind != "app" or not isinstance(app, dict):
        raise UnreadableDsl("This is not a Dify app: “kind: app” or the field “app” is missing.")
    mode = str(app.get("mode"))
    if mode in OTHER_MODES:
        raise UnreadableDsl(f"This is {OTHER_MODES[mode]}, which has no graph to store.")
    workflow = document.get("workflow")
    if mode not in MODES or not isinstance(workflow, dict):
        raise UnreadableDsl("This is not a workflow or chatflow: the field “workflow” is missing.")
    graph = read_graph(workflow.get("graph"))
    if not graph.stored["nodes"]:
        raise UnreadableDsl("The graph of this app has no nodes.")
    plugins = _plugin_names(document.get("dependencies"))
    extras = {"plugins": plugins} if plugins else {}
    name = clean(str(app.get("name") or ""), 200).strip()
    return Dsl(name, MODES[mode], Definition(graph, behaviour_of(workflow), extras))


def _load_yaml(body: bytes) -> Any:
    if len(body) > MAX_BYTES:
        raise UnreadableDsl(f"The file is larger than {MAX_BYTES // 1024**2} MB.")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadableDsl("The file is not UTF-8 text.") from None
    try:
        _check_size(text)
        return yaml.load(text, Loader=LOADER)
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        place = f" at line {mark.line + 1}" if mark else ""
        raise UnreadableDsl(f"The file is not readable YAML{place}.") from None
    except (ValueError, TypeError, RecursionError) as problem:
        if isinstance(problem, UnreadableDsl):
            raise
        # A date without such a day, a key that is a list, a number of 5,000 digits.
        raise UnreadableDsl("The file has values that are not valid YAML.") from None


def _check_size(text: str) -> None:
    """Raise UnreadableDsl where the file would hold too much once all its aliases are written out,
    without building it."""
    counter = _YamlValueCounter()
    for event in yaml.parse(text, Loader=LOADER):
        counter.add(event)
        if counter.count > MAX_VALUES:
            raise UnreadableDsl(f"The file has more than {MAX_VALUES:,} values.")
        if len(counter.open) > MAX_DEPTH:
            raise UnreadableDsl(f"The file is nested more than {MAX_DEPTH} levels deep.")


class _YamlValueCounter:
    """Counts the values of a document; an alias counts as much as what it stands for."""

    def __init__(self) -> None:
        self.count = 0
        self.sizes: dict[str, int] = {}  # anchor → how many values it stands for
        self.open: list[tuple[str | None, int]] = []  # anchor, and the count before it

    def add(self, event: Any) -> None:
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self.sizes:  # unknown, or around itself
                raise UnreadableDsl("The file has an alias that refers to nothing or to itself.")
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


def _plugin_names(dependencies: Any) -> list[str]:
    """Return the names of the plugins that the app needs, with their versions."""
    names = set()
    for item in dependencies if isinstance(dependencies, list) else []:
        value = item.get("value") if isinstance(item, dict) else None
        for key, identifier in value.items() if isinstance(value, dict) else ():
            if str(key).endswith("plugin_unique_identifier") and identifier:
                names.add(clean(str(storable(identifier)), 255).partition("@")[0])
    return sorted(names)
