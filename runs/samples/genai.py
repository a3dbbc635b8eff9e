"""Runs as OpenTelemetry's GenAI conventions tell them (1.37 and later)."""

import random
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.trace.v1 import trace_pb2

from runs.samples.calls import ModelCall
from runs.samples.spans import (
    CLIENT,
    ERROR,
    INTERNAL,
    Producer,
    SampleEvent,
    SampleRun,
    SampleSpan,
    dumps,
    span_id,
    trace_id,
)

SCOPE = ("invoice_intake.telemetry", "1.0")
PROVIDERS = {"openai": "openai", "anthropic": "anthropic", "google": "gcp.gemini"}


def text_message(role: str, text: str) -> str:
    return dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])


class GenAIRun:
    """One run while it is told: its spans in the order in which they were opened."""

    def __init__(self, name: str, user: str, rng: random.Random) -> None:
        self.name, self.user, self.rng = name, user, rng
        self.trace = trace_id(name)
        self.spans: list[SampleSpan] = []

    def whole(self, workflow: str, at_us: int) -> SampleSpan:
        """The root: `invoke_workflow`."""
        attributes = {
            "gen_ai.operation.name": "invoke_workflow",
            "gen_ai.workflow.name": workflow,
            "user.id": self.user,
        }
        return self.add(f"invoke_workflow {workflow}", b"", at_us, attributes)

    def add(
        self,
        name: str,
        parent: bytes,
        at_us: int,
        attributes: dict[str, Any],
        kind: "trace_pb2.Span.SpanKind.ValueType" = INTERNAL,
    ) -> SampleSpan:
        own = span_id(f"{self.name}/{len(self.spans)}")
        span = SampleSpan(name, self.trace, own, parent, at_us, at_us, attributes, kind)
        self.spans.append(span)
        return span

    def finished(self, whole: SampleSpan, at_us: int, producer: Producer) -> SampleRun:
        whole.end_us = at_us + self.rng.randrange(400, 2_000)
        return SampleRun(producer, sorted(self.spans, key=lambda span: span.end_us))

    def failed(
        self, whole: SampleSpan, at_us: int, kind: str, message: str, producer: Producer
    ) -> SampleRun:
        fail(whole, at_us, kind, message)
        return self.finished(whole, at_us, producer)


def fail(span: SampleSpan, at_us: int, kind: str, message: str) -> None:
    """The exception `kind` left the span."""
    span.status = (ERROR, f"{kind}: {message}")
    span.attributes["error.type"] = kind
    trace = f"Traceback (most recent call last):\n  ...\n{kind}: {message}\n"
    told = {
        "exception.type": kind,
        "exception.message": message,
        "exception.stacktrace": trace,
        "exception.escaped": "True",
    }
    span.events.append(SampleEvent("exception", at_us, told))


@dataclass(slots=True)
class Branch:
    """A line of spans with a cursor of its own, so that branches overlap in time."""

    run: GenAIRun
    root: SampleSpan
    at: int
    inside: list[SampleSpan] = field(default_factory=list)

    def fork(self) -> "Branch":
        """A branch that starts now, beside this one."""
        return Branch(self.run, self.root, self.at + self.run.rng.randrange(200, 1_800))

    def open(
        self,
        name: str,
        attributes: dict[str, Any],
        kind: "trace_pb2.Span.SpanKind.ValueType" = INTERNAL,
    ) -> SampleSpan:
        parent = self.inside[-1] if self.inside else self.root
        self.at += self.run.rng.randrange(300, 2_500)
        span = self.run.add(name, parent.id, self.at, attributes, kind)
        self.inside.append(span)
        return span

    def close(self, span: SampleSpan, error: tuple[str, str] | None = None) -> None:
        assert self.inside.pop() is span
        span.end_us = self.at
        self.at += self.run.rng.randrange(200, 900)
        if error:
            fail(span, span.end_us, *error)

    def agent(self, name: str, asked: str) -> SampleSpan:
        told = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": name,
            "gen_ai.input.messages": text_message("user", asked),
        }
        return self.open(f"invoke_agent {name}", told)

    def answered(self, agent: SampleSpan, text: str) -> None:
        """Close an agent with its last words."""
        agent.attributes["gen_ai.output.messages"] = text_message("assistant", text)
        self.close(agent)

    def chat(self, call: ModelCall, system: str, asked: str, answer: list[dict[str, Any]]) -> None:
        """One model call; `answer` are the parts of the one message that came back."""
        calls_tool = any(part["type"] == "tool_call" for part in answer)
        reason = "tool_calls" if calls_tool else "stop"
        told = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": PROVIDERS[call.model.provider],
            "gen_ai.request.model": call.model.name,
            "gen_ai.response.model": call.model.name,
            "gen_ai.request.temperature": 0.1,
            "gen_ai.request.max_tokens": 2048,
            "gen_ai.system_instructions": dumps([{"type": "text", "content": system}]),
            "gen_ai.input.messages": asked,
            "gen_ai.output.messages": dumps(
                [{"role": "assistant", "parts": answer, "finish_reason": reason}]
            ),
            "gen_ai.response.finish_reasons": [reason],
            "gen_ai.usage.input_tokens": call.input_tokens,
            "gen_ai.usage.output_tokens": call.output_tokens,
        }
        span = self.open(f"chat {call.model.name}", told, CLIENT)
        self.at += call.took_us
        self.close(span)

    def tool(self, name: str, arguments: dict[str, Any], call_id: str) -> SampleSpan:
        """Open `execute_tool`; the caller closes it."""
        told = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": name,
            "gen_ai.tool.type": "function",
            "gen_ai.tool.call.id": call_id,
            "gen_ai.tool.call.arguments": dumps(arguments),
        }
        return self.open(f"execute_tool {name}", told)

    def http(self, method: str, url: str, took_us: int, status: int = 200) -> SampleSpan:
        """Open an HTTP request; the caller closes it. Status 0: no answer came."""
        host = url.split("/")[2].split(":")[0]
        told: dict[str, Any] = {
            "http.request.method": method,
            "url.full": url,
            "server.address": host,
        }
        if status:
            told["http.response.status_code"] = status
        span = self.open(method, told, CLIENT)
        self.at += took_us
        return span
