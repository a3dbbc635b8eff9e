"""Runs of a LangGraph graph as OpenInference's LangChain instrumentation sends them."""

import random
from typing import Any

from runs.samples.calls import MODELS, ModelCall
from runs.samples.spans import (
    ERROR,
    OK,
    SEED,
    Producer,
    SampleEvent,
    SampleRun,
    SampleSpan,
    dumps,
    span_id,
    trace_id,
    uuid_of,
)

SCOPE = ("openinference.instrumentation.langchain", "0.1.80")
JSON_TYPE = "application/json"
CLASSES = {"openai": "ChatOpenAI", "anthropic": "ChatAnthropic"}
MESSAGES = {
    "system": "SystemMessage",
    "human": "HumanMessage",
    "ai": "AIMessage",
    "tool": "ToolMessage",
}
ROLES = {"system": "system", "human": "user", "ai": "assistant", "tool": "tool"}
Message = dict[str, Any]


def message(kind: str, content: str, **more: Any) -> Message:
    """Return a LangChain message as `messages_to_dict` writes it."""
    data = {"content": content, "additional_kwargs": {}, "response_metadata": {}, "type": kind}
    return {"type": kind, "data": data | {"name": None, "id": None} | more}


def ai_message(
    content: str, call: ModelCall, tool_calls: list[dict[str, Any]], run_id: str
) -> Message:
    counts = {
        "prompt_tokens": call.input_tokens,
        "completion_tokens": call.output_tokens,
        "total_tokens": call.total_tokens,
    }
    return message(
        "ai",
        content,
        id=f"lc_run--{run_id}-0",
        response_metadata={
            "model_name": call.model.name,
            "token_usage": counts,
            "finish_reason": "tool_calls" if tool_calls else "stop",
        },
        tool_calls=tool_calls,
        invalid_tool_calls=[],
        usage_metadata={
            "input_tokens": call.input_tokens,
            "output_tokens": call.output_tokens,
            "total_tokens": call.total_tokens,
        },
    )


def flattened_messages(prefix: str, messages: list[Message]) -> dict[str, Any]:
    """Return messages as OpenInference's numbered attributes."""
    flat: dict[str, Any] = {}
    for number, item in enumerate(messages):
        data, key = item["data"], f"{prefix}.{number}.message"
        flat[f"{key}.role"] = ROLES[item["type"]]
        if data["content"]:
            flat[f"{key}.content"] = data["content"]
        if "tool_call_id" in data:
            flat[f"{key}.tool_call_id"] = data["tool_call_id"]
        for call_number, call in enumerate(data.get("tool_calls", [])):
            call_key = f"{key}.tool_calls.{call_number}.tool_call"
            flat[f"{call_key}.id"] = call["id"]
            flat[f"{call_key}.function.name"] = call["name"]
            flat[f"{call_key}.function.arguments"] = dumps(call["args"])
    return flat


class GraphRun:
    """A run that is being built. `open` starts a span under the one that is open, `close` ends it
    at the cursor `at` (microseconds)."""

    def __init__(
        self, name: str, at_us: int, user: str, tags: list[str], metadata: dict[str, Any]
    ) -> None:
        self.name, self.at, self.user, self.tags = name, at_us, user, tags
        self.metadata = metadata | {"ls_integration": "langgraph"}
        self.rng = random.Random(f"{SEED}/{name}")
        self.trace = trace_id(name)
        self.spans: list[SampleSpan] = []
        self.open_spans: list[SampleSpan] = []
        self.step = 0
        self.node_metadata: dict[str, Any] = {}

    def open(self, name: str, kind: str, attributes: dict[str, Any]) -> SampleSpan:
        parent = self.open_spans[-1].id if self.open_spans else b""
        own_id = span_id(f"{self.name}/{len(self.spans)}")
        common = {
            "user.id": self.user,
            "tag.tags": self.tags,
            "metadata": dumps(self.metadata | self.node_metadata | attributes.pop("metadata", {})),
            "openinference.span.kind": kind,
        }
        span = SampleSpan(name, self.trace, own_id, parent, self.at, self.at, attributes | common)
        self.spans.append(span)
        self.open_spans.append(span)
        self.at += self.rng.randrange(300, 1_500)
        return span

    def close(self, output: Any = None, error: tuple[str, str] | None = None) -> None:
        """End the open span; `error` is (type, message) of the exception that left it."""
        span = self.open_spans.pop()
        self.at += self.rng.randrange(200, 900)
        span.end_us, span.status = self.at, (OK, "")
        if isinstance(output, str):
            span.attributes["output.value"] = output
        elif output is not None:
            span.attributes |= {"output.value": dumps(output), "output.mime_type": JSON_TYPE}
        if error:
            kind, text = error
            trace = f"Traceback (most recent call last):\n  ...\n{kind}: {text}\n"
            short = kind.rpartition(".")[2]
            span.status = (ERROR, f"{short}({text!r})")
            span.events.append(
                SampleEvent(
                    "exception",
                    self.at,
                    {
                        "exception.type": kind,
                        "exception.message": text,
                        "exception.stacktrace": trace,
                        "exception.escaped": "False",
                    },
                )
            )

    def node(self, name: str, state: dict[str, Any], kind: str = "CHAIN") -> SampleSpan:
        """Open the next step of the graph."""
        self.step += 1
        namespace = f"{name}:{uuid_of(f'{self.name}/{self.step}')}"
        self.node_metadata = {
            "langgraph_step": self.step,
            "langgraph_node": name,
            "langgraph_triggers": [f"branch:to:{name}"],
            "langgraph_path": ["__pregel_pull", name],
            "langgraph_checkpoint_ns": namespace,
        }
        span = self.open(name, kind, {"input.value": dumps(state), "input.mime_type": JSON_TYPE})
        self.node_metadata["checkpoint_ns"] = namespace
        return span

    def router(self, name: str, state: dict[str, Any], chosen: str) -> None:
        """Add the function that chose the next node: a span of the graph itself, without the
        namespace of the node that it follows."""
        namespace = self.node_metadata.pop("checkpoint_ns", None)
        self.open(name, "CHAIN", {"input.value": dumps(state), "input.mime_type": JSON_TYPE})
        self.close(chosen)
        if namespace:
            self.node_metadata["checkpoint_ns"] = namespace

    def model(
        self, call: ModelCall, messages: list[Message], answer: Message, tools: list[str]
    ) -> None:
        """Add the model call itself, with what the instrumentation reads from the callback."""
        name, provider = call.model.name, call.model.provider
        kwargs = {"model_name": name, "temperature": 0.2, "stop": None}
        sent = [
            {
                "lc": 1,
                "type": "constructor",
                "id": _class_path(sent_message),
                "kwargs": sent_message["data"],
            }
            for sent_message in messages
        ]
        attributes = {
            "input.value": dumps({"messages": [sent]}),
            "input.mime_type": JSON_TYPE,
            **flattened_messages("llm.input_messages", messages),
            **flattened_messages("llm.output_messages", [answer]),
            "llm.invocation_parameters": dumps(kwargs | {"tools": tools} if tools else kwargs),
            "llm.provider": provider,
            "llm.system": provider,
            "llm.model_name": name,
            "llm.token_count.prompt": call.input_tokens,
            "llm.token_count.completion": call.output_tokens,
            "llm.token_count.total": call.total_tokens,
            "llm.finish_reason": answer["data"]["response_metadata"]["finish_reason"],
            "metadata": {"ls_provider": provider, "ls_model_name": name, "ls_model_type": "chat"},
        }
        for number, tool in enumerate(tools):
            attributes[f"llm.tools.{number}.tool.json_schema"] = tool
        self.open(CLASSES[MODELS[name].provider], "LLM", attributes)
        self.at += call.took_us
        text = answer["data"]["content"]
        generation = {"text": text, "type": "ChatGeneration", "message": answer["data"]}
        self.close({"generations": [[generation]], "type": "LLMResult"})

    def finish(self, producer: Producer) -> SampleRun:
        """Return all spans in the order of their end, as a batching exporter sends them."""
        return SampleRun(producer, sorted(self.spans, key=lambda span: span.end_us))


def _class_path(sent_message: Message) -> list[str]:
    return ["langchain", "schema", "messages", MESSAGES[sent_message["type"]]]
