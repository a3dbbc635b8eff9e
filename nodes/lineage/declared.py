"""Certain links: the sources of a step's values as producers declare them. Pure.

In this order: the settings of its node (as its engine reads them), the run's inputs, who sends to
it, and the ids of tool calls.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from nodes.kinds import kind_of
from nodes.lineage.engine import AssignedVariable
from nodes.lineage.links import LineageLink, ValueSource
from nodes.lineage.run_index import RunIndex
from nodes.lineage.steps import LineageStep
from nodes.lineage.tool_calls import link_to_request, links_to_results
from nodes.lineage.values import MISSING, ValuePath, equality_key, value_at

# Kinds of the steps that pass on the run's inputs.
STARTS = frozenset({"start", "trigger-webhook", "trigger-schedule", "trigger-plugin", "datasource"})


def declared_input_links(run: RunIndex, step: LineageStep, call_id: str = "") -> list[LineageLink]:
    """Return the certain links of a step's inputs and process data; of a tool without the id of its
    call the likely one to that call. `call_id`: of the tool call that the step is."""
    run.load([step.inputs, step.process_data])
    inputs = run.value(step.inputs)
    links = [link for engine in run.engines for link in engine.input_links(step)]
    links += _links_to_run_inputs(run, step, inputs)
    links += _links_to_senders(run, step, inputs)
    kind = kind_of(step.kind)
    if kind.group == "tool":
        request = link_to_request(run, step, call_id)
        links += [request] if request else []
    elif kind.call == "model":
        links += links_to_results(run, step, inputs)
    return links


def declared_output_links(run: RunIndex, step: LineageStep) -> list[LineageLink]:
    """Return the certain links of a step's outputs: where its settings say what these are."""
    if run.value(step.outputs) is MISSING:
        return []
    links = (link for engine in run.engines for link in engine.output_links(step))
    return [replace(link, part="outputs") for link in links if link.path is not None]


def assigned_variables(
    run: RunIndex, step: LineageStep | None, values: Mapping[str, Any]
) -> list[AssignedVariable]:
    """Return what a variable assigner wrote, given its `values` by part; `step` is None for a step
    of another run."""
    return [
        variable for engine in run.engines for variable in engine.assigned_variables(step, values)
    ]


def is_system_variable(run: RunIndex, name: str) -> bool:
    """Return whether an input of the run came from the engine, not from who started the run."""
    return any(engine.is_system_variable(name) for engine in run.engines)


def _links_to_run_inputs(run: RunIndex, step: LineageStep, inputs: Any) -> Iterator[LineageLink]:
    """Yield links of the inputs of a start step that are the run's, by name and value."""
    run_inputs = run.value(run.run_values.inputs)
    if step.kind not in STARTS or not isinstance(inputs, dict) or not isinstance(run_inputs, dict):
        return
    for name, value in inputs.items():
        if name in run_inputs and run_inputs[name] == value:
            form = "system" if is_system_variable(run, name) else "input"
            source = ValueSource(form, path=(name,), name=name)
            yield LineageLink((name,), source, "same", True, "input of the run", value)


def _links_to_senders(run: RunIndex, step: LineageStep, inputs: Any) -> Iterator[LineageLink]:
    """Yield links of the inputs that equal exactly one output of those who send to the step."""
    senders = [sender for name in step.senders if (sender := run.steps.visible_from(step, [name]))]
    run.load(sender.outputs for sender in senders)
    for name, value in inputs.items() if isinstance(inputs, dict) else ():
        item = value[0] if isinstance(value, list) and len(value) == 1 else value
        matches = [
            (sender, socket)
            for sender in senders
            for socket, sent in _named_outputs(run.value(sender.outputs))
            if sent in (value, item) and (name == socket or equality_key(item) is not None)
        ]
        if len(matches) == 1 and item not in (None, "", [], {}):
            sender, socket = matches[0]
            same = value_at(run.value(sender.outputs), (socket,)) == value
            path: ValuePath = (name,) if same else (name, 0)
            source = ValueSource("step", sender, "outputs", (socket,))
            why = f"{sender.title} sends to this step"
            yield LineageLink(path, source, "same", True, why, value)


def _named_outputs(outputs: Any) -> list[tuple[str, Any]]:
    return list(outputs.items()) if isinstance(outputs, dict) else []
