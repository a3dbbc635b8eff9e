"""Requests to model APIs and their responses (OpenAI, Anthropic, Gemini, Bedrock, or as LangChain
writes them), with their messages as they came."""

from typing import Any

from nodes.content.messages import is_message
from runs.recording.decoding.dialects.chat_messages import (
    ChatMessage,
    chat_messages,
    system_message,
)
from runs.recording.records.json_text import list_or_empty

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
    messages = next(filter(None, inputs), None) or chat_messages([value])
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


def _messages_or_texts(value: Any, role: str) -> list[ChatMessage] | None:
    if isinstance(value, str):
        return [{"role": role, "content": value}] if value else None
    if isinstance(value, dict):
        value = [value]
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return [{"role": role, "content": text} for text in value]
    return chat_messages(value, role)


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
    """Return a choice, candidate or generation as it is where it is read as a message; else as one
    of the assistant."""
    if not isinstance(choice, dict) or is_message(choice):
        return {"role": "assistant", "content": choice} if isinstance(choice, str) else choice
    if isinstance(choice.get("message"), str):
        return {"role": "assistant", "content": choice["message"], **_without_message(choice)}
    content = choice.get("message") or choice.get("content")
    if isinstance(content, dict):
        return {"role": "assistant", **_without_message(choice), **content}
    return {"role": "assistant", **choice}


def _without_message(choice: dict[str, Any]) -> dict[str, Any]:
    return {key: choice[key] for key in choice if key not in ("message", "content")}
