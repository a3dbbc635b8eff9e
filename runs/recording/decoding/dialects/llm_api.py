"""What was asked of a model and what it answered, as its own API (OpenAI, Anthropic, Gemini) or
LangChain writes it, in the one form of `messages`."""

from typing import Any

from runs.recording.decoding.dialects.chat_messages import (
    ChatMessage,
    chat_messages,
    system_message,
)
from runs.recording.decoding.dialects.indexed_attributes import nested_object
from runs.recording.decoding.dialects.langchain import langchain_message
from runs.recording.records.json_text import readable

SYSTEM = ("system", "system_prompt", "instructions", "system_instruction")
QUESTIONS = ("messages", "prompts", "prompt", "contents", "input")
PARAMETERS = frozenset(
    {
        "temperature", "top_p", "top_k", "max_tokens", "max_completion_tokens", "max_output_tokens",
        "seed", "stop", "stop_sequences", "frequency_penalty", "presence_penalty", "n",
        "reasoning_effort", "tool_choice", "response_format", "stream",
    }
)  # fmt: skip


def model_request(value: Any) -> dict[str, Any] | None:
    """A request as {"messages", "tools", "parameters"}; None when it is none."""
    if not isinstance(value, dict) or "role" in value:
        messages = _said(value, "user")
        return {"messages": messages} if messages else None
    messages = next(
        (found for key in QUESTIONS if (found := _said(value.get(key), "user"))), None
    ) or api_messages([value], "user")
    if not messages:
        return None
    system = next((value[key] for key in SYSTEM if value.get(key)), None)
    first = system_message(system)
    request: dict[str, Any] = {"messages": [first, *messages] if first else messages}
    if tools := tool_names(value.get("tools") or value.get("functions")):
        request["tools"] = tools
    if told := request_parameters(value):
        request["parameters"] = told
    return request


def model_response(value: Any) -> dict[str, Any] | None:
    """A response as {"messages"}; None when it is none."""
    messages = _said(_choices(value) if isinstance(value, dict) else value, "assistant")
    return {"messages": messages} if messages else None


def request_parameters(told: Any) -> dict[str, Any]:
    """The parameters of the call that are among the keys of a request."""
    if not isinstance(told, dict):
        return {}
    return {key: told[key] for key in told if key in PARAMETERS and told[key] is not None}


def tool_names(told: Any) -> list[str]:
    """Names out of a list of tool definitions, in the forms of OpenAI, Anthropic and Haystack."""
    names = []
    for tool in told if isinstance(told, list) else ():
        for key in ("function", "data"):
            if isinstance(tool, dict) and isinstance(tool.get(key), dict):
                tool = tool[key]
        name = tool.get("name") if isinstance(tool, dict) else tool
        if isinstance(name, str) and name:
            names.append(name)
    return names


def api_messages(told: Any, role: str = "user") -> list[ChatMessage] | None:
    """Messages in any of the forms; None when one of them is no message. `role`: of those that tell
    none."""
    if isinstance(told, list) and len(told) == 1 and _is_batch(told[0]):
        told = told[0]  # LangChain: a batch of one
    if not isinstance(told, list):
        return None
    items = [_item(item, role) for item in told]
    return chat_messages(items) if all(items) else None


def _said(told: Any, role: str) -> list[ChatMessage] | None:
    if isinstance(told, str):
        return [{"role": role, "content": told}] if told else None
    if isinstance(told, dict):
        told = [told]
    if isinstance(told, list) and told and all(isinstance(item, str) for item in told):
        return [{"role": role, "content": text} for text in told]
    return api_messages(told, role)


def _is_batch(item: Any) -> bool:
    return isinstance(item, list) and bool(item) and not isinstance(item[0], str)


def _choices(value: dict[str, Any]) -> Any:
    """The messages of a response, wherever its API keeps them."""
    generations = value.get("generations")
    if isinstance(generations, list) and generations:
        batch = generations[0]
        return [_choice(one) for one in (batch if isinstance(batch, list) else generations)]
    for key in ("choices", "candidates"):
        if isinstance(value.get(key), list):
            return [_choice(one) for one in value[key]]
    for key in ("messages", "replies", "message", "output"):
        if value.get(key) and "role" not in value:
            return value[key]
    return value


def _choice(told: Any) -> Any:
    if not isinstance(told, dict):
        return told
    body = langchain_message(told.get("message") or told.get("content") or told.get("text"))
    if isinstance(body, str):
        body = {"role": "assistant", "content": body}
    reason = told.get("finish_reason") or told.get("finishReason")
    return {**body, "finish_reason": reason} if isinstance(body, dict) and reason else body


def _item(told: Any, role: str) -> dict[str, Any] | None:
    """One message with OpenTelemetry's parts where its API has parts of its own; None for what is
    no message. An item of OpenAI's Responses is a message of its own."""
    told = langchain_message(told)
    if not isinstance(told, dict):
        return None
    kind = told.get("type")
    if kind in ("function_call", "function_call_output", "reasoning") and "role" not in told:
        who = "tool" if kind == "function_call_output" else "assistant"
        return {"role": who, "parts": [_part(told)]}
    if not ("content" in told or "parts" in told or "tool_calls" in told):
        return None
    known = told.get("role")
    item: dict[str, Any] = {**told, "role": "assistant" if known == "model" else known or role}
    parts = item.get("parts", item.get("content"))
    if not isinstance(parts, list):
        return item
    converted = [_part(part) for part in parts]
    has_own = "parts" in item or (converted != parts and not item.get("tool_calls"))
    return {**item, "parts" if has_own else "content": converted}


def _part(told: Any) -> Any:
    """A part by its OpenTelemetry name, out of Anthropic's, Gemini's and OpenAI's."""
    if not isinstance(told, dict):
        return told
    kind = told.get("type")
    if kind in ("tool_use", "function_call"):
        arguments = told.get("input", told.get("arguments"))
        return _call(told.get("call_id") or told.get("id"), told.get("name"), arguments)
    if kind in ("tool_result", "function_call_output"):
        result = told.get("content", told.get("output"))
        return _response(told.get("tool_use_id") or told.get("call_id"), readable(result))
    if kind == "reasoning" and isinstance(told.get("summary"), list):
        texts = [one.get("text", "") for one in told["summary"] if isinstance(one, dict)]
        return {"type": "reasoning", "content": "\n\n".join(texts)}
    for key in ("function_call", "functionCall"):
        if isinstance(call := told.get(key), dict):
            return _call(call.get("id"), call.get("name"), call.get("args"))
    for key in ("function_response", "functionResponse"):
        if isinstance(call := told.get(key), dict):
            return _response(call.get("id"), call.get("response"), call.get("name"))
    return _bedrock(told)


def _bedrock(told: dict[str, Any]) -> dict[str, Any]:
    """A block of Amazon Bedrock's Converse."""
    if isinstance(call := told.get("toolUse"), dict):
        return _call(call.get("toolUseId"), call.get("name"), call.get("input"))
    if isinstance(call := told.get("toolResult"), dict):
        return _response(call.get("toolUseId"), _bedrock_result(call.get("content")))
    if isinstance(thought := told.get("reasoningContent"), dict):
        return {"type": "reasoning", "content": nested_object(thought, "reasoningText").get("text")}
    return told


def _bedrock_result(content: Any) -> Any:
    """Of one block of text or JSON its content."""
    if isinstance(content, list) and len(content) == 1 and isinstance(content[0], dict):
        return content[0].get("text", content[0].get("json", content))
    return content


def _call(call_id: Any, name: Any, arguments: Any) -> dict[str, Any]:
    return {"type": "tool_call", "id": call_id, "name": name, "arguments": arguments}


def _response(call_id: Any, result: Any, name: Any = None) -> dict[str, Any]:
    return {"type": "tool_call_response", "id": call_id, "name": name, "result": result}
