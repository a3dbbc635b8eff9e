"""What the user saw of an output: the final answer in the state or the messages that an agent
returns. RESULT and the previews of outputs follow it. Pure."""

from typing import Any

from nodes.content.message_parts import MessageMedia
from nodes.content.messages import read_message, read_messages

# Where the final answer is, in an output that holds more than it; the most telling key first.
# `raw` is CrewAI's, `final_output` the OpenAI Agents SDK's, `structured_response` LangChain's. A
# `summary` beside messages sums up the conversation (langmem) and is not what the user saw.
ANSWER_KEYS = (
    "answer", "final_answer", "final_output", "final_response", "final_report", "finalAnswer",
    "finalOutput", "structured_response", "structuredResponse", "output", "outputs", "result",
    "response", "reply", "report", "messages", "summary", "text", "completion", "final_result",
    "raw", "chat_history",
)  # fmt: skip
MAX_DEPTH = 4
MAX_MESSAGES = 200  # of the newest, among which the assistant's last text is looked for


def final_answer(value: Any, depth: int = MAX_DEPTH) -> Any:
    """Return the final answer in an output: the assistant's last text, or the value of the most
    telling key; None where nothing stands out. A message with files is returned as it is."""
    if isinstance(value, list):
        return _last_words(value)
    if not isinstance(value, dict) or depth == 0 or read_message(value):
        return None
    for key in ANSWER_KEYS:
        inner = value.get(key)
        if not inner or not isinstance(inner, (str, dict, list)):
            continue
        answer = final_answer(inner, depth - 1)
        if answer is None and not _holds_messages(inner):
            answer = inner
        if answer is not None:
            return answer
    return None


def is_state(value: Any, inputs: Any = None, depth: int = MAX_DEPTH) -> bool:
    """Return whether an output is more than what the user saw: messages, a state that holds
    messages or repeats its `inputs` (LangGraph), or a result with those of its tasks (CrewAI)."""
    if isinstance(value, list):
        return _holds_messages(value)
    if not isinstance(value, dict) or depth == 0 or read_message(value):
        return False
    if len(value) == 1:
        return is_state(next(iter(value.values())), None, depth - 1)
    if "tasks_output" in value or any(_holds_messages(inner) for inner in value.values()):
        return True
    repeated = inputs.keys() & value.keys() if isinstance(inputs, dict) else ()
    return any(inputs[key] and inputs[key] == value[key] for key in repeated)


def _holds_messages(value: Any) -> bool:
    return isinstance(value, list) and bool(read_messages(value))


def _last_words(items: list[Any]) -> Any:
    """Return the assistant's last text since the user's last message; None where there is none."""
    if len(items) == 1 and isinstance(items[0], list):
        items = items[0]  # LangChain: a batch of one
    for item in reversed(items[-MAX_MESSAGES:]):
        message = read_message(item)
        if message is None or message.role == "user":
            return None
        if message.role == "assistant" and not message.results:
            if any(isinstance(part, MessageMedia) for part in message.parts):
                return item
            if message.text.strip():
                return message.text
    return None
