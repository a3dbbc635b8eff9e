"""Parts of a message: every kind that producers send, in order, and nothing dropped."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.content.message_parts import MessageMedia, MessageText, OtherPart, ToolCall, ToolResult
from nodes.content.messages import Message, read_message
from nodes.content.parts import present
from nodes.content.previews import preview


def read(*content: Any, **fields: Any) -> Message:
    message = read_message({"role": "assistant", "content": list(content), **fields})
    assert message
    return message


def test_parts_stand_in_their_order() -> None:
    message = read(
        {"type": "thinking", "thinking": "Hm.", "signature": "EqoB"},
        {"type": "text", "text": "First."},
        {"type": "tool_use", "id": "t1", "name": "search", "input": {"q": "kiln"}},
        {"type": "tool_result", "tool_use_id": "t1", "content": "none", "is_error": True},
        {"type": "text", "text": "Then."},
    )
    assert message.parts == (
        MessageText("Hm.", "thinking"),
        OtherPart({"signature": "EqoB"}, "Other fields"),
        MessageText("First."),
        ToolCall("search", {"q": "kiln"}, "t1"),
        ToolResult("none", "t1", "", is_error=True),
        MessageText("Then."),
    )
    assert message.text == "First.\n\nThen."


def test_a_sentence_that_citations_part_is_one_sentence() -> None:
    message = read(
        {"type": "text", "text": "Hold the button", "citations": [{"title": "Manual"}]},
        {"type": "text", "text": " for five seconds."},
    )
    assert message.parts == (
        MessageText("Hold the button for five seconds."),
        OtherPart([{"title": "Manual"}], "Citations"),
    )


CALLS: list[tuple[Any, ToolCall, ToolResult | None]] = [
    (
        {"type": "web_search_call", "id": "w", "status": "completed", "action": {"query": "x"}},
        ToolCall("web_search", {"query": "x"}, "w"),
        None,
    ),
    (
        {"type": "mcp_call", "id": "m", "name": "ask", "arguments": '{"q":1}', "error": "refused"},
        ToolCall("ask", {"q": 1}, "m"),
        ToolResult("refused", "m", "ask", is_error=True),
    ),
    (
        {"type": "code_interpreter_call", "id": "c", "code": "6*7", "outputs": ["42"]},
        ToolCall("code_interpreter", "6*7", "c"),
        ToolResult(["42"], "c", "code_interpreter"),
    ),
    (
        {"type": "server_tool_call", "id": "s", "server_tool_call": {"type": "a", "query": "x"}},
        ToolCall("server_tool", {"type": "a", "query": "x"}, "s"),
        None,
    ),
    (
        {"type": "tool-invocation", "toolInvocation": {
            "toolCallId": "v", "toolName": "look", "args": {"id": 7}, "result": "found"}},
        ToolCall("look", {"id": 7}, "v"),
        ToolResult("found", "v", "look"),
    ),
    (
        {"toolUse": {"toolUseId": "b", "name": "look", "input": {"id": 7}}},
        ToolCall("look", {"id": 7}, "b"),
        None,
    ),
    (
        {"toolRequest": {"ref": "g", "name": "look", "input": {"id": 7}}},
        ToolCall("look", {"id": 7}, "g"),
        None,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("part", "call", "result"), CALLS, ids=range(len(CALLS)))
def test_tools_of_every_producer_are_calls(
    part: Any, call: ToolCall, result: ToolResult | None
) -> None:
    message = read(part)
    assert (message.calls, message.results) == ([call], [result] if result else [])


MEDIA = [
    {"type": "image_url", "image_url": {"url": "https://a/b.png", "detail": "low"}},
    {"type": "image", "source": {"type": "url", "url": "https://a/b.png"}},
    {"type": "uri", "modality": "image", "uri": "https://a/b.png"},
    {"image": {"image": {"url": "https://a/b.png"}}, "type": "image"},
    {"media": {"url": "https://a/b.png", "contentType": "image/png"}},
    {"fileData": {"fileUri": "https://a/b.png", "mimeType": "image/png"}},
    {"type": "image", "image": "https://a/b.png"},
]


@pytest.mark.parametrize("part", MEDIA, ids=range(len(MEDIA)))
def test_media_of_every_producer_are_media(part: Any) -> None:
    medium = read(part).parts[0]
    assert isinstance(medium, MessageMedia)
    assert (medium.kind, medium.address) == ("image", "https://a/b.png")


def test_what_stands_beside_the_content_is_read_too() -> None:
    message = read(
        reasoning_content="Because.",
        refusal="No.",
        audio={"id": "a1", "data": "QUJD", "transcript": "Spoken."},
        annotations=[{"title": "Source"}],
        function_call={"name": "old", "arguments": "{}"},
        artifact={"rows": 3},
    )
    assert message.thinking == "Because."
    assert message.text == "No.\n\nSpoken."
    assert [call.name for call in message.calls] == ["old"]
    for word in ("QUJD", "a1", "Source", "rows"):
        assert word in str(message.rest)


UNKNOWN: list[Any] = [
    {"type": "hologram", "beam": 7},
    {"cachePoint": {"type": "default"}},
    {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}},
    {"type": "redacted_thinking", "data": "EncRypt"},
    {"type": "compaction", "encrypted_content": "EncRypt"},
    42,
    [1, 2],
]


@pytest.mark.parametrize("part", UNKNOWN, ids=range(len(UNKNOWN)))
def test_what_no_reader_knows_is_kept(part: Any) -> None:
    values = orjson.dumps([getattr(p, "value", None) for p in read(part).parts]).decode()
    for word in ("beam", "cachePoint", "ephemeral", "EncRypt", "42", "[1,2]"):
        assert word not in orjson.dumps(part).decode() or word in values


NAMES = st.sampled_from(
    sorted(
        {
            "role", "type", "content", "parts", "text", "message", "tool_calls", "function", "id",
            "name", "arguments", "output", "error", "status", "source", "image", "file", "audio",
            "transcript", "thinking", "summary", "citations", "annotations", "refusal", "kwargs",
            "data", "additional_kwargs", "toolUse", "functionResponse", "reasoning", "blocks",
        }
    )
)  # fmt: skip
WORDS = st.sampled_from(
    [
        "user", "tool", "ai", "constructor", "text", "image_url", "tool_use", "tool_result",
        "reasoning", "mcp_call", "document", "refusal", "", "data:image/png;base64,AA", '{"a": 1}',
    ]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=20,
)


@given(st.dictionaries(NAMES, JSON, max_size=6), WORDS, JSON)
def test_odd_messages_are_read_without_an_error(
    fields: dict[str, Any], role: str, content: Any
) -> None:
    value = {**fields, "role": role, "content": content}
    assert read_message(value)
    for shown in (value, fields, [fields]):
        assert present(shown)
        preview(shown)
