"""Requests to model APIs and their responses (OpenAI, Anthropic, Gemini, Bedrock, or as LangChain
writes them), with their messages in the form of `chat_messages`."""

from typing import Any

from runs.recording.decoding.dialects.chat_messages import (
    ChatMessage,
    chat_messages,
    system_message,
    tool_call_part,
    tool_response_part,
)
from runs.recording.decoding.dialects.langchain import langchain_message
from runs.recording.records.json_text import list_or_empty, object_or_empty, objects_in, readable

SYSTEM_KEYS = ("system", "system_prompt", "instructions", "system_instruction")
INPUT_KEYS = ("messages", "prompts", "prompt", "contents", "input")
PARAMETER_KEYS = frozenset(
    {
        "temperature", "top_p", "top_k", "max_tokens", "max_completion_tokens", "max_output_tokens",
        "seed", "stop", "stop_sequences", "frequency_penalty", "presence_penalty", "n",
        "reasoning_effort", "tool_choice", "response_format", "stream",
    }
)  # fmt: skip


def model_request(value: Any) -> dict[str, Any] | None:
    """Return a request as {"messages", "tools", "parameters"}, of which only "messages" is always
    there; None when `value` is no request."""
    if not isinstance(value, dict) or "role" in value:
        messages = _messages_or_texts(value, "user")
        return {"messages": messages} if messages else None
    inputs = (_messages_or_texts(value.get(key), "user") for key in INPUT_KEYS)
    messages = next(filter(None, inputs), None) or api_messages([value], "user")
    if not messages:
        return None
    system = system_message(next((value[key] for key in SYSTEM_KEYS if value.get(key)), None))
    request: dict[str, Any] = {"messages": [system, *messages] if system else messages}
    if tools := tool_names(value.get("tools") or value.get("functions")):
        request["tools"] = tools
    if parameters := request_parameters(value):
        request["parameters"] = parameters
    return request


def model_response(value: Any) -> dict[str, Any] | None:
    """Return a response as {"messages"}; None when `value` is no response."""
    reply = _response_messages(value) if isinstance(value, dict) else value
    messages = _messages_or_texts(reply, "assistant")
    return {"messages": messages} if messages else None


def request_parameters(request: Any) -> dict[str, Any]:
    """Return the entries of a request that are parameters of the model, as "temperature"."""
    if not isinstance(request, dict):
        return {}
    return {
        key: request[key] for key in request if key in PARAMETER_KEYS and request[key] is not None
    }


def tool_names(definitions: Any) -> list[str]:
    """Return the names in a list of tool definitions in the forms of OpenAI, Anthropic and
    Haystack."""
    names = []
    for tool in list_or_empty(definitions):
        for key in ("function", "data"):
            if isinstance(tool, dict) and isinstance(tool.get(key), dict):
                tool = tool[key]
        name = tool.get("name") if isinstance(tool, dict) else tool
        if isinstance(name, str) and name:
            names.append(name)
    return names


def api_messages(value: Any, role: str = "user") -> list[ChatMessage] | None:
    """Return messages in the form of any of the APIs; None when one item is no message. Messages
    without a role get `role`."""
    if isinstance(value, list) and len(value) == 1 and _is_batch(value[0]):
        value = value[0]  # LangChain: a batch of one
    if not isinstance(value, list):
        return None
    items = [_message_in_parts(item, role) for item in value]
    return chat_messages(items) if all(items) else None


def _messages_or_texts(value: Any, role: str) -> list[ChatMessage] | None:
    if isinstance(value, str):
        return [{"role": role, "content": value}] if value else None
    if isinstance(value, dict):
        value = [value]
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return [{"role": role, "content": text} for text in value]
    return api_messages(value, role)


def _is_batch(item: Any) -> bool:
    return isinstance(item, list) and bool(item) and not isinstance(item[0], str)


def _response_messages(value: dict[str, Any]) -> Any:
    """Return the messages of a response from where its API keeps them."""
    generations = value.get("generations")
    if isinstance(generations, list) and generations:
        batch = generations[0] if isinstance(generations[0], list) else generations
        return [_choice_message(choice) for choice in batch]
    for key in ("choices", "candidates"):
        if isinstance(value.get(key), list):
            return [_choice_message(choice) for choice in value[key]]
    for key in ("messages", "replies", "message", "output"):
        if value.get(key) and "role" not in value:
            return value[key]
    return value


def _choice_message(choice: Any) -> Any:
    if not isinstance(choice, dict):
        return choice
    content = choice.get("message") or choice.get("content") or choice.get("text")
    if isinstance(content, str):
        content = {"role": "assistant", "content": content}
    message = langchain_message(content)
    reason = choice.get("finish_reason") or choice.get("finishReason")
    return {**message, "finish_reason": reason} if isinstance(message, dict) and reason else message


def _message_in_parts(item: Any, default_role: str) -> dict[str, Any] | None:
    """Return a message with OpenTelemetry's parts where its API has parts of its own; None for what
    is no message. An item of OpenAI's Responses API is a message of its own."""
    item = langchain_message(item)
    if not isinstance(item, dict):
        return None
    kind = item.get("type")
    if kind in ("function_call", "function_call_output", "reasoning") and "role" not in item:
        role = "tool" if kind == "function_call_output" else "assistant"
        return {"role": role, "parts": [_part_in_opentelemetry(item)]}
    if not ("content" in item or "parts" in item or "tool_calls" in item):
        return None
    role = item.get("role") or default_role
    message: dict[str, Any] = {**item, "role": "assistant" if role == "model" else role}
    parts = message.get("parts", message.get("content"))
    if not isinstance(parts, list):
        return message
    converted = [_part_in_opentelemetry(part) for part in parts]
    has_own_parts = "parts" in message or (converted != parts and not message.get("tool_calls"))
    return {**message, "parts" if has_own_parts else "content": converted}


def _part_in_opentelemetry(part: Any) -> Any:
    """Return a part of a message as OpenTelemetry names it, from Anthropic's, Gemini's and OpenAI's
    forms."""
    if not isinstance(part, dict):
        return part
    kind = part.get("type")
    if kind in ("tool_use", "function_call"):
        arguments = part.get("input", part.get("arguments"))
        return tool_call_part(part.get("call_id") or part.get("id"), part.get("name"), arguments)
    if kind in ("tool_result", "function_call_output"):
        result = part.get("content", part.get("output"))
        return tool_response_part(part.get("tool_use_id") or part.get("call_id"), readable(result))
    if kind == "reasoning" and isinstance(part.get("summary"), list):
        texts = [item.get("text", "") for item in objects_in(part["summary"])]
        return {"type": "reasoning", "content": "\n\n".join(texts)}
    for key in ("function_call", "functionCall"):
        if isinstance(call := part.get(key), dict):
            return tool_call_part(call.get("id"), call.get("name"), call.get("args"))
    for key in ("function_response", "functionResponse"):
        if isinstance(call := part.get(key), dict):
            return tool_response_part(call.get("id"), call.get("response"), call.get("name"))
    return _bedrock_part(part)


def _bedrock_part(part: dict[str, Any]) -> dict[str, Any]:
    """Return a block of Amazon Bedrock's Converse API as OpenTelemetry's part."""
    if isinstance(call := part.get("toolUse"), dict):
        return tool_call_part(call.get("toolUseId"), call.get("name"), call.get("input"))
    if isinstance(call := part.get("toolResult"), dict):
        return tool_response_part(call.get("toolUseId"), _bedrock_tool_result(call.get("content")))
    if isinstance(thought := part.get("reasoningContent"), dict):
        text = object_or_empty(thought.get("reasoningText")).get("text")
        return {"type": "reasoning", "content": text}
    return part


def _bedrock_tool_result(content: Any) -> Any:
    """Return the content of a single block of text or JSON; several blocks as they are."""
    if isinstance(content, list) and len(content) == 1 and isinstance(content[0], dict):
        return content[0].get("text", content[0].get("json", content))
    return content
