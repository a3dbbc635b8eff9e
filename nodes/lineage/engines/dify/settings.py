"""The settings of a node as a reader wants them: variables by the names of their nodes, prompts as
messages, conditions as sentences, code as code. Pure.

Facts: Dify's app DSL 0.1 to 0.6. Settings of other producers pass as they are, but for the labels.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from nodes import formats
from nodes.content.limits import IN_PANEL, Limits, cut_note, visible_name
from nodes.content.parts import ContentPart, present
from nodes.graph.graph import Graph
from nodes.lineage.engines.dify.references import TEXT_REFERENCE

MAX_DEPTH = 12
SCOPES = {"sys": "System", "env": "Environment", "conversation": "Conversation"}
ARROW = " › "
LABELS = {
    "prompt_template": "Prompt", "prompt_config": "Prompt variables", "desc": "Description",
    "query_variable_selector": "Query", "query_attachment_selector": "Attachments",
    "iterator_selector": "Iterates over", "output_selector": "Collects",
    "variable_selector": "Variable", "assigned_variable_selector": "Variable",
    "input_variable_selector": "Value", "is_parallel": "In parallel",
    "parallel_nums": "At most at once", "error_handle_mode": "If an item fails",
    "error_strategy": "If it fails", "retry_config": "Retries", "cases": "Cases",
    "break_conditions": "Ends when", "user_actions": "Choices", "tool_label": "Tool",
    "multiple_retrieval_config": "Retrieval", "dataset_ids": "Data sets", "url": "URL",
}  # fmt: skip
CODE_SETTINGS = frozenset({"code", "template"})
# Settings in whose place others stand.
_SHOWN_WITH_OTHERS = frozenset({"code_language", "logical_operator"})
_VALUE_TYPES = ("mixed", "constant", "variable")


def node_names(graph: Graph) -> dict[str, str]:
    """Return what a reader calls each node of the graph, by id: its title, with the id where
    several have it. Nothing refers to a marker."""
    counts = Counter(node.title for node in graph.nodes if not node.is_marker)
    return {
        node.id: node.title if counts[node.title] < 2 else f"{node.title} ({node.id})"
        for node in graph.nodes
    }


def present_settings(
    config: Mapping[str, Any],
    names: Mapping[str, str],
    limits: Limits = IN_PANEL,
    outputs: Iterable[Any] = (),
) -> ContentPart:
    """Return the settings (`config`) of a node as labelled values. `names`: of the nodes of its
    graph, by id; `outputs`: of its newest executions, which name the data sets that they searched.
    """
    reader = _SettingsReader(names)
    items = []
    for key, value in config.items():
        if key in _SHOWN_WITH_OTHERS:
            continue
        label = visible_name(LABELS.get(key) or key.replace("_", " ").strip().capitalize())
        if key in CODE_SETTINGS and isinstance(value, str):
            language = str(config.get("code_language") or "")
            items.append((f"{label} ({language})" if language else label, _code(value, limits)))
        elif key == "dataset_ids" and isinstance(value, list):
            items.append((label, present(_data_sets_text(value, outputs), limits)))
        else:
            items.append((label, present(reader.setting(key, value, config), limits)))
    return ContentPart("fields", items=items)


def _code(text: str, limits: Limits) -> ContentPart:
    head = formats.visible(text[: limits.text])
    return ContentPart("code", text=head, note=cut_note(limits.text, text))


def _data_sets_text(ids: list[Any], outputs: Iterable[Any]) -> str:
    """Return the names of data sets: settings have ids alone (a DSL even encrypts them), documents
    that were found have both."""
    names = {}
    for value in outputs:
        documents = value.get("result") if isinstance(value, dict) else None
        for document in documents if isinstance(documents, list) else ():
            metadata = document.get("metadata") if isinstance(document, dict) else None
            if isinstance(metadata, dict) and metadata.get("dataset_name"):
                names[str(metadata.get("dataset_id"))] = str(metadata["dataset_name"])
    count = "1 data set" if len(ids) == 1 else f"{len(ids)} data sets"
    if not names:
        return f"{count}; no run has named {'it' if len(ids) == 1 else 'them'}"
    named = [names[str(key)] for key in ids if str(key) in names] or sorted(names.values())
    more = len(ids) - len(named)
    return ", ".join(named) + (f" and {more} more that no run has named" if more > 0 else "")


class _SettingsReader:
    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = {**SCOPES, **names}

    def setting(self, key: str, value: Any, config: Mapping[str, Any]) -> Any:
        """Return what is shown of a setting that stands beside the others in `config`."""
        special: dict[str, Callable[[Any], Any]] = {
            "prompt_template": self.messages,
            "cases": self.cases,
            "classes": self.class_names,
        }
        if key in special and (shown := special[key](value)) is not None:
            return shown
        if key in ("conditions", "break_conditions") and isinstance(value, list):
            return self.conditions(value, config.get("logical_operator"))
        return self.value(value)

    def value(self, value: Any, depth: int = 0) -> Any:
        """Return any value with the names of variables."""
        if isinstance(value, str):
            return self.text(value)
        if depth > MAX_DEPTH or not isinstance(value, (dict, list)):
            return value
        if isinstance(value, list):
            if self.is_selector(value):
                return self.variable(value)
            if variables := self.variables(value, depth):
                return variables
            return [self.value(item, depth + 1) for item in value]
        if value.get("type") in _VALUE_TYPES and "value" in value:
            return self.value(value["value"], depth + 1)  # a parameter of a tool
        if isinstance(value.get("conditions"), list):
            return self.conditions(value["conditions"], value.get("logical_operator"))
        return {
            key: self.value(inner, depth + 1) for key, inner in value.items() if inner is not None
        }

    def text(self, text: str) -> str:
        def named(match: Any) -> str:
            if match[1] not in self.names:
                return str(match[0])
            return "{{" + ARROW.join([self.names[match[1]], *match[2].split(".")]) + "}}"

        return TEXT_REFERENCE.sub(named, text)

    def is_selector(self, value: list[Any]) -> bool:
        return (
            len(value) > 1
            and all(isinstance(part, str) for part in value)
            and value[0] in self.names
        )

    def variable(self, selector: Iterable[str]) -> str:
        first, *path = selector
        return ARROW.join([self.names[first], *path])

    def variables(self, items: list[Any], depth: int) -> dict[str, Any] | None:
        """Return declared variables, [{"variable", "value_selector"}], as {name: variable}."""
        pairs = {}
        for item in items:
            selector = item.get("value_selector") if isinstance(item, dict) else None
            if not isinstance(selector, list):
                return None
            name = str(item.get("variable") or item.get("label") or "")
            pairs[name] = self.value(selector, depth + 1)
        return pairs if len(pairs) == len(items) else None

    def messages(self, value: Any) -> Any:
        """Return a prompt, a message or several, as messages."""
        items = value if isinstance(value, list) else [value]
        messages = []
        for item in items:
            if not isinstance(item, dict):
                return None
            is_jinja = item.get("edition_type") == "jinja2"
            text = item.get("jinja2_text") if is_jinja else item.get("text")
            if not isinstance(text, str):
                return None
            messages.append({"role": str(item.get("role") or "prompt"), "content": self.text(text)})
        return messages

    def class_names(self, value: Any) -> Any:
        items = value if isinstance(value, list) else [None]
        names = [item.get("name") if isinstance(item, dict) else None for item in items]
        if not all(isinstance(name, str) for name in names):
            return None
        return [self.text(str(name)) for name in names]

    def cases(self, value: Any) -> Any:
        if not isinstance(value, list) or not all(isinstance(case, dict) for case in value):
            return None
        shown = {
            f"ELIF {n}" if n else "IF": self.conditions(
                case.get("conditions"), case.get("logical_operator")
            )
            for n, case in enumerate(value)
        }
        return {**shown, "ELSE": "otherwise"}

    def conditions(self, items: Any, joined_by: Any) -> str:
        """Return conditions as a sentence: "Start › n > 3 and Start › q contains x"."""
        word = " or " if joined_by == "or" else " and "
        conditions = items if isinstance(items, list) else ()
        return word.join(self.condition(item) for item in conditions if isinstance(item, dict))

    def condition(self, item: dict[str, Any]) -> str:
        selector = item.get("variable_selector")
        subject = self.value(selector) if selector else item.get("name") or item.get("key")
        value = self.value(item.get("value"))
        if isinstance(value, list):
            value = ", ".join(map(str, value))
        words = [subject, item.get("comparison_operator"), value]
        inner = item.get("sub_variable_condition")
        if isinstance(inner, dict) and isinstance(inner.get("conditions"), list):
            words.append(f"({self.conditions(inner['conditions'], inner.get('logical_operator'))})")
        return " ".join(str(word) for word in words if word not in (None, "", []))
