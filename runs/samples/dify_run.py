"""Runs as Dify's Phoenix trace provider sends them (1.14 and later).

What is peculiar to it, and kept here: the root is made when the trace is dispatched, after its
children; a node hangs under its predecessor; the iterations of a container hang under made-up spans
`iteration[0]`; `node_id` in `metadata` is the execution's id and `app_name` the node's title; a
handled failure has the same OTLP status as one that ended the run; a retried attempt has status OK
and says `retry` in `metadata` alone.
"""

import random
from decimal import Decimal
from typing import Any

from runs.samples.calls import ModelCall
from runs.samples.dify_attributes import (
    dify_failure,
    dify_producer,
    dify_usage,
    input_and_output,
    model_attributes,
    plugin_name,
    usage_totals,
)
from runs.samples.schedule import SECOND
from runs.samples.spans import OK, SampleRun, SampleSpan, dumps, span_id, trace_id, uuid_of

SPAN_KINDS = {"llm": "LLM", "knowledge-retrieval": "RETRIEVER", "tool": "TOOL", "agent": "AGENT"}
CONTAINER_FIELDS = ("loop_id", "loop_index", "iteration_id", "iteration_index")


class DifyRun:
    """A run that is being built: each call adds the next node at the cursor `at` (microseconds)."""

    def __init__(
        self,
        name: str,
        project: str,
        start_us: int,
        rng: random.Random,
        *,
        version: str,
        user: str,
        inputs: dict[str, Any],
        conversation: str = "",
        message: str = "",
        query: str = "",
        trigger: str = "app-run",
    ) -> None:
        self.name, self.project, self.rng = name, project, rng
        self.start_us = self.at = start_us
        self.version, self.query = version, query
        self.conversation, self.message = conversation, message
        self.user, self.trigger = user, trigger
        self.run_id = uuid_of(f"run/{name}")
        self.session = conversation or self.run_id
        self.app_id, self.workflow_id = uuid_of(f"app/{project}"), uuid_of(f"workflow/{project}")
        self.tenant_id = uuid_of("tenant")
        self.inputs = inputs | {
            "sys.user_id": self.user,
            "sys.app_id": self.app_id,
            "sys.workflow_id": self.workflow_id,
            "sys.workflow_run_id": self.run_id,
            "sys.files": [],
        }
        self.trace = trace_id(name)
        self.workflow_span = span_id(f"{name}/workflow")
        self.parent = self.workflow_span
        self.nodes: list[SampleSpan] = []
        self.wrappers: list[SampleSpan] = []
        self.tokens, self.price = 0, Decimal(0)
        self.inside: dict[str, Any] = {}  # the iteration, as nodes name it

    def node(
        self,
        kind: str,
        title: str,
        inputs: dict[str, Any],
        outputs: dict[str, Any],
        took_us: int,
        *,
        status: str = "succeeded",
        error: str = "",
        metadata: dict[str, Any] | None = None,
        attributes: dict[str, Any] | None = None,
    ) -> SampleSpan:
        """Add the next node; `metadata` is Dify's execution_metadata, `attributes` overwrite the
        usual ones."""
        self.at += self.rng.randrange(8_000, 45_000)
        start, self.at = self.at, self.at + took_us
        node_span = span_id(f"{self.name}/{len(self.nodes)}")
        execution = uuid_of(f"{self.name}/node/{len(self.nodes)}")
        span = SampleSpan(
            f"{kind}_{title}",
            self.trace,
            node_span,
            self.parent,
            start,
            self.at,
            self._node_values(inputs, outputs)
            | {
                "openinference.span.kind": SPAN_KINDS.get(kind, "CHAIN"),
                "metadata": dumps(
                    self.metadata(execution, kind, title, status, error, metadata or {})
                ),
                "dify.node.execution_id": execution,
            }
            | (attributes or {}),
            status=(OK, ""),
        )
        if status in ("failed", "exception"):
            span.status, span.events = dify_failure(error, self.at)
        self.nodes.append(span)
        if not self.inside:
            self.parent = span.id
        return span

    def metadata(
        self, execution: str, kind: str, title: str, status: str, error: str, more: dict[str, Any]
    ) -> dict[str, Any]:
        """Return the `metadata` of a node; `more` is Dify's execution_metadata."""
        container = {name: None for name in CONTAINER_FIELDS}
        return (
            more
            | {
                "node_id": execution,
                "node_type": kind,
                "node_status": status,
                "tenant_id": self.tenant_id,
                "app_id": self.app_id,
                "app_name": title,
                "status": status,
                "status_message": error,
                "level": "ERROR" if status == "failed" else "DEFAULT",
            }
            | container
            | self.inside
        )

    def _node_values(self, inputs: dict[str, Any], outputs: dict[str, Any]) -> dict[str, Any]:
        return input_and_output(inputs, outputs) | {
            "session.id": self.session,
            "dify.node.loop_id": "",
            "dify.node.loop_index": "",
            "dify.node.iteration_id": self.inside.get("iteration_id", ""),
            "dify.node.iteration_index": self.inside.get("iteration_index", ""),
        }

    def llm(
        self,
        title: str,
        call: ModelCall,
        prompts: list[dict[str, Any]],
        answer: str,
        *,
        outputs: dict[str, Any] | None = None,
        took_us: int | None = None,
        status: str = "succeeded",
        error: str = "",
        metadata: dict[str, Any] | None = None,
    ) -> SampleSpan:
        """Add a model node. Without an answer nothing was used: it failed, and `outputs` are what
        an error strategy put in its place."""
        model = {"ls_provider": plugin_name(call), "ls_model_name": call.model.name}
        metadata = dict(metadata or {}) | model
        attributes = model_attributes(call, prompts)
        if answer:
            usage = dify_usage(call)
            metadata |= usage_totals(usage)
            metadata |= {name: usage[name] for name in ("prompt_tokens", "completion_tokens")}
            attributes |= {
                "llm.token_count.total": call.total_tokens,
                "llm.token_count.prompt": call.input_tokens,
                "llm.token_count.completion": call.output_tokens,
            }
            outputs = {"text": answer, "usage": usage, "finish_reason": "stop", "files": []}
            self.spend(usage)
        return self.node(
            "llm",
            title,
            {},
            outputs or {},
            call.took_us if took_us is None else took_us,
            status=status,
            error=error,
            metadata=metadata,
            attributes=attributes,
        )

    def spend(self, usage: dict[str, Any]) -> None:
        self.tokens += usage["total_tokens"]
        self.price += Decimal(usage["total_price"])


# -- the end of the run, and what is traced beside it ---------------------------------------------


def finish(
    run: DifyRun, outputs: dict[str, Any], status: str = "succeeded", error: str = ""
) -> SampleRun:
    """End the run, and return all its spans in the order sent: dispatch root, nodes, made-up spans,
    the workflow last."""
    values = input_and_output(run.inputs, outputs) | {"session.id": run.session}
    sent = run.at + run.rng.randrange(2 * SECOND, 9 * SECOND)
    root = _dispatch_root(run, values, sent)
    workflow = SampleSpan(
        f"workflow_{run.run_id}",
        run.trace,
        run.workflow_span,
        root.id,
        run.start_us,
        run.at + 15_000,
        {
            "openinference.span.kind": "CHAIN",
            **values,
            "metadata": dumps(_run_metadata(run, status, error)),
        },
        status=(OK, ""),
    )
    if error:
        root.status, root.events = dify_failure(error, sent)
        workflow.status, workflow.events = dify_failure(error, workflow.end_us)
    spans = [root, *run.nodes, *run.wrappers, workflow]
    return SampleRun(dify_producer(run.project), spans)


def _dispatch_root(run: DifyRun, values: dict[str, Any], sent_us: int) -> SampleSpan:
    attributes = {
        "openinference.span.kind": "CHAIN",
        "dify_project_name": run.project,
        "dify_trace_id": run.run_id,
    }
    return SampleSpan(
        run.run_id,
        run.trace,
        span_id(f"{run.name}/root"),
        b"",
        sent_us,
        sent_us + 120,
        attributes | values,
        status=(OK, ""),
    )


def _run_metadata(run: DifyRun, status: str, error: str) -> dict[str, Any]:
    elapsed = (run.at + 15_000 - run.start_us) / SECOND
    return {
        "workflow_id": run.workflow_id,
        "conversation_id": run.conversation,
        "workflow_run_id": run.run_id,
        "tenant_id": run.tenant_id,
        "elapsed_time": elapsed,
        "status": status,
        "version": run.version,
        "total_tokens": run.tokens,
        "file_list": "[]",
        "triggered_from": run.trigger,
        "user_id": run.user,
        "app_id": run.app_id,
        "app_name": "",
        "workspace_name": "",
        "created_from": "Dify",
        "trace_id": "",
        "message_id": run.message,
        "status_message": error,
        "level": "ERROR" if error else "DEFAULT",
        "trace_entity_type": "workflow",
        "workflow_app_log_id": "",
        "workflow_run_elapsed_time": elapsed,
        "workflow_run_version": run.version,
        "query": run.query,
    }


def suggested_questions(run: DifyRun, questions: list[str]) -> SampleRun:
    """Return the questions that the chat window offers after the answer. Dify sends them as a trace
    of its own, which the ids in its metadata join to the turn."""
    name = f"{run.name}/suggested"
    trace = trace_id(name)
    start = run.at + 60_000
    end = start + run.rng.randrange(700_000, 1_900_000)
    root = SampleSpan(
        "Dify",
        trace,
        span_id(f"{name}/root"),
        b"",
        end + 2 * SECOND,
        end + 2 * SECOND + 90,
        {
            "openinference.span.kind": "CHAIN",
            "dify_project_name": run.project,
            "dify_trace_id": run.message,
        },
        status=(OK, ""),
    )
    span = SampleSpan(
        "suggested_question",
        trace,
        span_id(f"{name}/span"),
        root.id,
        start,
        end,
        {
            "openinference.span.kind": "TOOL",
            **input_and_output(run.query, questions),
            "metadata": dumps(_suggestion_metadata(run)),
        },
        status=(OK, ""),
    )
    return SampleRun(dify_producer(run.project), [root, span])


def _suggestion_metadata(run: DifyRun) -> dict[str, Any]:
    return {
        "message_id": run.message,
        "ls_provider": "openai",
        "ls_model_name": "gpt-4o-mini",
        "status": "normal",
        "status_message": "",
        "from_account_id": "",
        "agent_based": False,
        "workflow_run_id": run.run_id,
        "from_source": "api",
        "created_from": "Dify",
        "trace_id": "",
        "level": "DEFAULT",
        "trace_entity_type": "suggested_question",
        "total_tokens": 0,
        "model_provider": "",
        "model_id": "",
    }
