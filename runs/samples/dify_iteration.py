"""Iterations of a Dify run: the container and the made-up span of each iteration."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from runs.samples.dify_attributes import dify_failure
from runs.samples.dify_run import DifyRun
from runs.samples.schedule import SECOND
from runs.samples.spans import OK, SampleSpan, dumps, span_id


@dataclass(slots=True)
class IterationNode:
    """An iteration node that is open. The caller fills `outputs`, or `error` if it failed."""

    container: SampleSpan
    outputs: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    seconds: dict[str, Any] = field(default_factory=dict)  # by iteration, as Dify writes them


@contextmanager
def iteration_node(run: DifyRun, title: str, inputs: dict[str, Any]) -> Iterator[IterationNode]:
    """Add an iteration node over the nodes that are added inside the `with` block."""
    span = run.node("iteration", title, inputs, {}, 0)
    node = IterationNode(span)
    tokens, price = run.tokens, run.price
    yield node
    span.end_us = run.at
    execution_metadata = {
        "total_tokens": run.tokens - tokens,
        "total_price": format(run.price - price, "f"),
        "currency": "USD",
        "iteration_duration_map": node.seconds,
    }
    execution = span.attributes["dify.node.execution_id"]
    status = "failed" if node.error else "succeeded"
    metadata = run.metadata(execution, "iteration", title, status, node.error, execution_metadata)
    span.attributes |= {"output.value": dumps(node.outputs), "metadata": dumps(metadata)}
    if node.error:
        span.status, span.events = dify_failure(node.error, run.at)


@contextmanager
def single_iteration(run: DifyRun, index: int, node: IterationNode) -> Iterator[None]:
    """Add one iteration of the open node: the nodes inside the `with` block hang under a made-up
    span."""
    container = node.container.attributes["dify.node.execution_id"]
    outer, start = run.parent, run.at
    wrapper = span_id(f"{run.name}/pass/{index}")
    run.parent = wrapper
    run.inside = {"iteration_id": _graph_node_id(node.container), "iteration_index": index}
    yield
    run.parent, run.inside = outer, {}
    node.seconds[str(index)] = (run.at - start) / SECOND
    metadata = {
        "synthetic": True,
        "wrapper_type": "iteration",
        "wrapper_index": str(index),
        "container_execution_id": container,
    }
    run.wrappers.append(
        SampleSpan(
            f"iteration[{index}]",
            run.trace,
            wrapper,
            node.container.id,
            start,
            run.at,
            {
                "openinference.span.kind": "CHAIN",
                "metadata": dumps(metadata),
                "session.id": run.session,
                "dify.wrapper.synthetic": True,
                "dify.wrapper.type": "iteration",
                "dify.wrapper.index": str(index),
                "dify.wrapper.container_execution_id": container,
            },
            status=(OK, ""),
        )
    )


def _graph_node_id(span: SampleSpan) -> str:
    """Return an id as those in Dify's graphs are: the milliseconds at which the node was drawn."""
    return str(1_760_000_000_000 + int.from_bytes(span.name.encode()[-4:]) % 900_000_000)
