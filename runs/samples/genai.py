"""Runs as OpenTelemetry's GenAI conventions describe them (1.37 and later)."""

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
    """A run that is being built: its spans in the order in which they were opened."""

    def __init__(self, name: str, user: str, rng: random.Random) -> None:
        self.name, self.user, self.rng = name, user, rng
        self.trace = trace_id(name)
        self.spans: list[SampleSpan] = []

    def open_root(self, workflow: str, at_us: int) -> SampleSpan:
        """Add the root: `invoke_workflow`."""
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
        own_id = span_id(f"{self.name}/{len(self.spans)}")
        span = SampleSpan(name, self.trace, own_id, parent, at_us, at_us, attributes, kind)
        self.spans.append(span)
        return span

    def finish(self, root: SampleSpan, at_us: int, producer: Producer) -> SampleRun:
        """End the root, and return the spans in the order of their end."""
        root.end_us = at_us + self.rng.randrange(400, 2_000)
        return SampleRun(producer, sorted(self.spans, key=lambda span: span.end_us))

    def finish_failed(
        self, root: SampleSpan, at_us: int, exception: str, message: str, producer: Producer
    ) -> SampleRun:
        """End the run as `finish` does, with the exception that left the root."""
        raise_from(root, at_us, exception, message)
        return self.finish(root, at_us, producer)


def raise_from(span: SampleSpan, at_us: int, exception: str, message: str) -> None:
    """Mark the span as one that an exception, named by its type, has left."""
    span.status = (ERROR, f"{exception}: {message}")
    span.attributes["error.type"] = exception
    trace = f"Traceback (most recent call last):\n  ...\n{exception}: {message}\n"
    attributes = {
        "exception.type": exception,
        "exception.message": message,
        "exception.stacktrace": trace,
        "exception.escaped": "True",
    }
    span.events.append(SampleEvent("exception", at_us, attributes))


@dataclass(slots=True)
class Branch:
    """Spans with a cursor `at` of their own (microseconds), so that branches overlap in time."""

    run: GenAIRun
    root: SampleSpan
    at: int
    open_spans: list[SampleSpan] = field(default_factory=list)

    def fork(self) -> "Branch":
        """Return a branch that starts now, beside this one."""
        return Branch(self.run, self.root, self.at + self.run.rng.randrange(200, 1_800))

    def open(
        self,
        name: str,
        attributes: dict[str, Any],
        kind: "trace_pb2.Span.SpanKind.ValueType" = INTERNAL,
    ) -> SampleSpan:
        parent = self.open_spans[-1] if self.open_spans else self.root
        self.at += self.run.rng.randrange(300, 2_500)
        span = self.run.add(name, parent.id, self.at, attributes, kind)
        self.open_spans.append(span)
        return span

    def close(self, span: SampleSpan, error: tuple[str, str] | None = None) -> None:
        assert self.open_spans.pop() is span
        span.end_us = self.at
        self.at += self.run.rng.randrange(200, 900)
        if error:
            raise_from(span, span.end_us, *error)

    def open_agent(self, name: str, request: str) -> SampleSpan:
        attributes = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": name,
            "gen_ai.input.messages": text_message("user", request),
        }
        return self.open(f"invoke_agent {name}", attributes)

    def close_agent(self, agent: SampleSpan, text: str) -> None:
        """Close an agent with its answer."""
        agent.attributes["gen_ai.output.messages"] = text_message("assistant", text)
        self.close(agent)

    def chat(
        self, call: ModelCall, system: str, messages: str, answer: list[dict[str, Any]]
    ) -> None:
        """Add a model call. `messages` is JSON; `answer` are the parts of the one message that came
        back."""
        calls_tool = any(part["type"] == "tool_call" for part in answer)
        reason = "tool_calls" if calls_tool else "stop"
        attributes = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": PROVIDERS[call.model.provider],
            "gen_ai.request.model": call.model.name,
            "gen_ai.response.model": call.model.name,
            "gen_ai.request.temperature": 0.1,
            "gen_ai.request.max_tokens": 2048,
            "gen_ai.system_instructions": dumps([{"type": "text", "content": system}]),
            "gen_ai.input.messages": messages,
            "gen_ai.output.messages": dumps(
                [{"role": "assistant", "parts": answer, "finish_reason": reason}]
            ),
            "gen_ai.response.finish_reasons": [reason],
            "gen_ai.usage.input_tokens": call.input_tokens,
            "gen_ai.usage.output_tokens": call.output_tokens,
        }
        span = self.open(f"chat {call.model.name}", attributes, CLIENT)
        self.at += call.took_us
        self.close(span)

    def open_tool(self, name: str, arguments: dict[str, Any], call_id: str) -> SampleSpan:
        """Open `execute_tool`; the caller closes it."""
        attributes = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": name,
            "gen_ai.tool.type": "function",
            "gen_ai.tool.call.id": call_id,
            "gen_ai.tool.call.arguments": dumps(arguments),
        }
        return self.open(f"execute_tool {name}", attributes)

    def open_http(self, method: str, url: str, took_us: int, status: int = 200) -> SampleSpan:
        """Open an HTTP request; the caller closes it. Status 0: no answer came."""
        host = url.split("/")[2].split(":")[0]
        attributes: dict[str, Any] = {
            "http.request.method": method,
            "url.full": url,
            "server.address": host,
        }
        if status:
            attributes["http.response.status_code"] = status
        span = self.open(method, attributes, CLIENT)
        self.at += took_us
        return span
