"""One run while it is told, node by node."""

import random
from decimal import Decimal
from typing import Any

from runs.samples.calls import ModelCall
from runs.samples.dify_attributes import failure, model_attributes, plugin_of, price_of, usage
from runs.samples.spans import OK, SampleSpan, dumps, span_id, trace_id, uuid_of

SPAN_KINDS = {"llm": "LLM", "knowledge-retrieval": "RETRIEVER", "tool": "TOOL", "agent": "AGENT"}
JSON_TYPE = "application/json"


class DifyRun:
    """One run while it is told: each call adds the next node at the cursor `at` (microseconds)."""

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
        self.inside: dict[str, Any] = {}  # the pass of an iteration, as nodes tell it

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
        """The next node; `metadata` is Dify's execution_metadata, `attributes` overwrite."""
        self.at += self.rng.randrange(8_000, 45_000)
        start, self.at = self.at, self.at + took_us
        own = span_id(f"{self.name}/{len(self.nodes)}")
        execution = uuid_of(f"{self.name}/node/{len(self.nodes)}")
        span = SampleSpan(
            f"{kind}_{title}",
            self.trace,
            own,
            self.parent,
            start,
            self.at,
            self._values(inputs, outputs)
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
            span.status, span.events = failure(error, self.at)
        self.nodes.append(span)
        if not self.inside:
            self.parent = span.id
        return span

    def metadata(
        self, execution: str, kind: str, title: str, status: str, error: str, more: dict[str, Any]
    ) -> dict[str, Any]:
        place = {"loop_id": None, "loop_index": None, "iteration_id": None, "iteration_index": None}
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
            | place
            | self.inside
        )

    def _values(self, inputs: dict[str, Any], outputs: dict[str, Any]) -> dict[str, Any]:
        return {
            "input.value": dumps(inputs),
            "input.mime_type": JSON_TYPE,
            "output.value": dumps(outputs),
            "output.mime_type": JSON_TYPE,
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
        """A model node. Without an answer nothing was used: it failed, and `outputs` are what an
        error strategy put in its place."""
        plugin = plugin_of(call)
        told = dict(metadata or {}) | {"ls_provider": plugin, "ls_model_name": call.model.name}
        attributes = model_attributes(call, prompts)
        if answer:
            used = usage(call)
            told |= price_of(used) | {k: used[k] for k in ("prompt_tokens", "completion_tokens")}
            attributes |= {
                "llm.token_count.total": call.total_tokens,
                "llm.token_count.prompt": call.input_tokens,
                "llm.token_count.completion": call.output_tokens,
            }
            outputs = {"text": answer, "usage": used, "finish_reason": "stop", "files": []}
            self.spend(used)
        return self.node(
            "llm",
            title,
            {},
            outputs or {},
            call.took_us if took_us is None else took_us,
            status=status,
            error=error,
            metadata=told,
            attributes=attributes,
        )

    def spend(self, used: dict[str, Any]) -> None:
        self.tokens += used["total_tokens"]
        self.price += Decimal(used["total_price"])
