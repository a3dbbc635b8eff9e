"""Iterations: the container, its passes and the made-up spans between them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from runs.samples.dify_attributes import failure
from runs.samples.dify_run import DifyRun
from runs.samples.schedule import SECOND
from runs.samples.spans import OK, SampleSpan, dumps, span_id


@dataclass(slots=True)
class Iteration:
    """An iteration that is open. Whoever tells the run fills `outputs`, or `error` if it failed."""

    container: SampleSpan
    outputs: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    seconds: dict[str, Any] = field(default_factory=dict)  # by pass, as Dify writes them


@contextmanager
def iteration(run: DifyRun, title: str, inputs: dict[str, Any]) -> Iterator[Iteration]:
    """An iteration over what is told inside."""
    span = run.node("iteration", title, inputs, {}, 0)
    loop = Iteration(span)
    tokens, price = run.tokens, run.price
    yield loop
    span.end_us = run.at
    told = {
        "total_tokens": run.tokens - tokens,
        "total_price": format(run.price - price, "f"),
        "currency": "USD",
        "iteration_duration_map": loop.seconds,
    }
    execution = span.attributes["dify.node.execution_id"]
    status = "failed" if loop.error else "succeeded"
    told = run.metadata(execution, "iteration", title, status, loop.error, told)
    span.attributes |= {"output.value": dumps(loop.outputs), "metadata": dumps(told)}
    if loop.error:
        span.status, span.events = failure(loop.error, run.at)


@contextmanager
def iteration_pass(run: DifyRun, index: int, loop: Iteration) -> Iterator[None]:
    """One pass of the open iteration: its nodes hang under a made-up span."""
    container = loop.container.attributes["dify.node.execution_id"]
    outer, start = run.parent, run.at
    wrapper = span_id(f"{run.name}/pass/{index}")
    run.parent = wrapper
    run.inside = {"iteration_id": _graph_id(loop.container), "iteration_index": index}
    yield
    run.parent, run.inside = outer, {}
    loop.seconds[str(index)] = (run.at - start) / SECOND
    told = {
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
            loop.container.id,
            start,
            run.at,
            {
                "openinference.span.kind": "CHAIN",
                "metadata": dumps(told),
                "session.id": run.session,
                "dify.wrapper.synthetic": True,
                "dify.wrapper.type": "iteration",
                "dify.wrapper.index": str(index),
                "dify.wrapper.container_execution_id": container,
            },
            status=(OK, ""),
        )
    )


def _graph_id(span: SampleSpan) -> str:
    """Ids in Dify's graphs are the milliseconds at which the node was drawn."""
    return str(1_760_000_000_000 + int.from_bytes(span.name.encode()[-4:]) % 900_000_000)
