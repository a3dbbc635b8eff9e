"""A stored value as parts, as a tree and raw; parts are recognised by shape."""

from base64 import b64encode
from typing import Any
from uuid import uuid4

import orjson
import pytest

from nodes.compression import pack
from nodes.content.json_tree import tree_marks
from nodes.content.limits import Limits
from nodes.content.parts import ContentPart, present
from nodes.content.payloads import head_text, load_value, present_payload
from nodes.models import Payload


def payload(value: Any, *, text: bool = False, compressed: bool = False) -> Payload:
    body = value.encode() if text else orjson.dumps(value)
    packed, stored = pack(body) if compressed else (False, body)
    return Payload(
        id=uuid4(),
        encoding="text" if text else "json",
        size=len(body),
        body=stored,
        compressed=packed,
    )


def field(part: ContentPart, name: str) -> ContentPart:
    return dict(part.items)[name]


MESSAGES = [
    # OpenAI chat
    [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "c1", "function": {"name": "look", "arguments": '{"id": 7}'}}]},
        {"role": "tool", "tool_call_id": "c1", "content": '{"found": true}'},
    ],
    # OpenTelemetry GenAI parts
    [
        {"role": "user", "parts": [{"type": "text", "content": "hi"}]},
        {"role": "assistant", "parts": [
            {"type": "tool_call", "id": "c1", "name": "look", "arguments": {"id": 7}}]},
        {"role": "tool", "parts": [
            {"type": "tool_call_response", "id": "c1", "response": {"found": True}}]},
    ],
    # Anthropic blocks
    [
        {"role": "user", "content": [{"type": "text", "text": "hi"}]},
        {"role": "assistant", "content": [
            {"type": "tool_use", "id": "c1", "name": "look", "input": {"id": 7}}]},
        {"role": "tool", "content": [
            {"type": "tool_result", "tool_use_id": "c1", "content": {"found": True}}]},
    ],
    # LangChain
    [
        {"type": "human", "data": {"content": "hi"}},
        {"lc": 1, "type": "constructor", "id": ["langchain", "schema", "AIMessage"], "kwargs": {
            "content": "", "tool_calls": [{"name": "look", "args": {"id": 7}, "id": "c1"}]}},
        {"type": "tool", "content": '{"found": true}', "tool_call_id": "c1"},
    ],
    # Gemini contents
    [
        {"role": "user", "parts": [{"text": "hi"}]},
        {"role": "model", "parts": [
            {"function_call": {"id": "c1", "name": "look", "args": {"id": 7}}}]},
        {"role": "tool", "parts": [
            {"function_response": {"id": "c1", "response": {"found": True}}}]},
    ],
    # OpenAI Responses
    [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]},
        {"type": "function_call", "name": "look", "arguments": '{"id": 7}', "call_id": "c1"},
        {"type": "function_call_output", "call_id": "c1", "output": '{"found": true}'},
    ],
    # as earlier versions stored all of them
    [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "", "tool_calls": [
            {"id": "c1", "name": "look", "arguments": {"id": 7}}]},
        {"role": "tool", "content": '{"found":true}', "tool_call_id": "c1"},
    ],
    # OpenInference, without its indexes
    [
        {"role": "user", "contents": [{"message_content": {"type": "text", "text": "hi"}}]},
        {"role": "assistant", "tool_calls": [{"tool_call": {
            "id": "c1", "function": {"name": "look", "arguments": '{"id": 7}'}}}]},
        {"role": "tool", "tool_call_id": "c1", "content": '{"found": true}'},
    ],
    # Bedrock's Converse
    [
        {"role": "user", "content": [{"text": "hi"}]},
        {"role": "assistant", "content": [
            {"toolUse": {"toolUseId": "c1", "name": "look", "input": {"id": 7}}}]},
        {"role": "tool", "content": [{"toolResult": {
            "toolUseId": "c1", "status": "success", "content": [{"json": {"found": True}}]}}]},
    ],
    # Vercel AI SDK
    [
        {"role": "user", "content": [{"type": "text", "text": "hi"}]},
        {"role": "assistant", "content": [
            {"type": "tool-call", "toolCallId": "c1", "toolName": "look", "input": {"id": 7}}]},
        {"role": "tool", "content": [{"type": "tool-result", "toolCallId": "c1", "output": {
            "type": "json", "value": {"found": True}}}]},
    ],
    # Genkit
    [
        {"role": "user", "content": [{"text": "hi"}]},
        {"role": "model", "content": [
            {"toolRequest": {"ref": "c1", "name": "look", "input": {"id": 7}}}]},
        {"role": "tool", "content": [
            {"toolResponse": {"ref": "c1", "output": {"found": True}}}]},
    ],
    # Haystack
    [
        {"_role": "user", "_content": [{"text": "hi"}], "_meta": {}},
        {"role": "assistant", "content": [
            {"tool_call": {"id": "c1", "tool_name": "look", "arguments": {"id": 7}}}]},
        {"role": "tool", "content": [{"tool_call_result": {
            "result": '{"found": true}', "origin": {"id": "c1"}, "error": False}}]},
    ],
    # LlamaIndex
    [
        {"role": "user", "blocks": [{"block_type": "text", "text": "hi"}]},
        {"role": "assistant", "blocks": [{"block_type": "tool_call", "tool_call_id": "c1",
                                          "tool_name": "look", "tool_kwargs": {"id": 7}}]},
        {"role": "tool", "blocks": [{"block_type": "text", "text": '{"found": true}'}],
         "additional_kwargs": {"tool_call_id": "c1"}},
    ],
    # pydantic-ai's own
    [
        {"role": "user", "parts": [{"part_kind": "user-prompt", "content": "hi"}]},
        {"role": "assistant", "parts": [{"part_kind": "tool-call", "tool_name": "look",
                                         "args": '{"id": 7}', "tool_call_id": "c1"}]},
        {"role": "tool", "parts": [{"part_kind": "tool-return", "content": {"found": True},
                                    "tool_call_id": "c1"}]},
    ],
]  # fmt: skip


@pytest.mark.parametrize("messages", MESSAGES, ids=range(len(MESSAGES)))
def test_messages_of_every_producer_read_alike(messages: list[dict[str, Any]]) -> None:
    part = present(messages)
    assert part.form == "messages"
    question, request, response = part.items
    assert [message.role for message in part.items] == ["user", "assistant", "tool"]
    (said,), (call,), (result,) = question.pieces, request.pieces, response.pieces
    assert (said.form, said.content.text) == ("text", "hi")
    assert (call.form, call.name, call.id) == ("call", "look", "c1")
    assert field(call.content, "id").text == "7"
    assert (result.form, result.id, result.is_error) == ("result", "c1", False)
    assert field(result.content, "found").text == "true"


def test_a_call_that_stands_twice_in_a_message_counts_once() -> None:
    (message,) = present(
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "c1", "name": "look", "input": {}}],
            "tool_calls": [{"id": "c1", "name": "look", "args": {}}],
        }
    ).items
    assert len(message.pieces) == 1


def test_a_dict_becomes_labelled_fields_with_messages_inside() -> None:
    part = present({"messages": MESSAGES[0], "temperature": 0.2, "stop": None})
    assert part.form == "fields"
    assert [(label, inner.form) for label, inner in part.items] == [
        ("messages", "messages"),
        ("temperature", "scalar"),
        ("stop", "empty"),
    ]


@pytest.mark.parametrize(
    "document",
    [
        {"content": "text", "score": 0.91234, "metadata": {"title": "FAQ"}},
        {"page_content": "text", "metadata": {"source": "FAQ", "score": 0.91234}},
        {"document": {"content": "text", "score": 0.91234, "metadata": {"title": "FAQ"}}},
        {"document.content": "text", "document.score": 0.91234, "title": "FAQ"},
    ],
)
def test_documents_are_cards(document: dict[str, Any]) -> None:
    part = present([document])
    assert part.form == "documents"
    ((result, content, _),) = part.items
    assert (result.title, result.score, content.text) == ("FAQ", "0.912", "text")


def test_flat_rows_are_a_table() -> None:
    part = present([{"sku": "a", "n": 1}, {"sku": "b", "price": None}])
    assert (part.form, part.columns) == ("table", ["sku", "n", "price"])
    assert part.items == [["a", "1", ""], ["b", "", ""]]
    assert present([{"a": {"b": 1}}, {"a": 2}]).form == "list"


def test_json_inside_text_is_read() -> None:
    assert field(present('{"answer": {"n": "1"}}'), "answer").form == "fields"
    assert present("{not json").form == "text"


def test_markdown_and_plain_text() -> None:
    assert "<strong>" in str(present("**bold**").html)
    assert present("plain\ntext").html is None


BASE64 = b64encode(bytes(range(250)) * 48).decode()


@pytest.mark.parametrize("text", ["data:image/png;base64," + "A" * 16_000, BASE64])
def test_an_inlined_file_is_described_instead_of_printed(text: str) -> None:
    part = present({"image": text})
    assert field(part, "image").form == "file"
    assert "12.0 KB" in field(part, "image").text


@pytest.mark.parametrize("text", ["w" * 5000, "donaudampfschiff" * 40, "0123456789abcdef" * 40])
def test_a_long_word_is_no_file(text: str) -> None:
    assert present(text).form == "text"


def test_a_file_inlined_in_the_middle_of_a_text_is_named() -> None:
    part = present(f"Look: data:image/png;base64,{BASE64} and say more.")
    assert part.text == "Look: [image/png, 12.0 KB] and say more."


def test_a_long_text_is_cut_with_a_note() -> None:
    part = present("word " * 100_000)
    assert len(part.text) == 20_000 and "20,000 of 500,000" in part.note
    assert present("word " * 100_000, Limits(text=10**6)).note == ""


def test_wide_and_deep_values_stay_bounded() -> None:
    wide = present({str(n): {"a": [n]} for n in range(10_000)})
    assert len(wide.items) < 400 and "more fields" in wide.note
    deep: Any = "end"
    for _ in range(10_000):
        deep = {"next": deep}
    assert present(deep).form == "fields"
    assert len(tree_marks(deep)) < 200


def test_the_tree_is_balanced_and_bounded() -> None:
    for value in ({"a": [1, {"b": None}], "c": "x"}, list(range(5000)), [[[]]], "text", {}):
        marks = tree_marks(value)
        opened = sum(mark.form == "open" for mark in marks)
        assert opened == sum(mark.form == "close" for mark in marks)
        assert len(marks) <= 503
    leaves = [mark for mark in tree_marks([True, None, 1.5, {}, "t"]) if mark.form == "leaf"]
    assert [leaf.text for leaf in leaves] == ["true", "null", "1.5", "{}", "t"]


def test_views_of_a_stored_value() -> None:
    stored = payload({"answer": "yes"})
    assert present_payload(stored).part
    assert present_payload(stored, "tree").marks
    assert present_payload(stored, "raw").text == '{\n  "answer": "yes"\n}'


def test_json_that_no_parser_takes_becomes_text() -> None:
    stored = payload("[" * 10_000 + "]" * 10_000, text=True)
    stored.encoding = "json"
    assert load_value(stored) == "[" * 10_000 + "]" * 10_000
    for view in ("read", "tree", "raw"):
        assert present_payload(stored, view)  # type: ignore[arg-type]


def test_of_a_huge_value_only_the_head_is_unpacked() -> None:
    stored = payload("é" * 3_000_000, text=True, compressed=True)
    assert head_text(stored, 10) == "é" * 10
    view = present_payload(stored)
    assert len(view.text) == 20_000 and view.more


def test_an_image_of_a_safe_type_is_a_picture() -> None:
    def shown(**part: Any) -> ContentPart:
        (message,) = present({"role": "user", "content": [part]}).items
        return message.pieces[0].content  # type: ignore[no-any-return]

    picture = f"data:image/png;base64,{BASE64}"
    blob = shown(type="blob", modality="image", mime_type="image/png", content=BASE64)
    assert (blob.text, blob.picture) == ("image/png, 12.0 KB", picture)
    url = shown(type="image_url", image_url={"url": picture})
    assert (url.text, url.picture) == ("image/png, 12.0 KB", picture)
    for mime_type in ("image/svg+xml", "text/html", 'image/png" onerror="x'):
        source = {"type": "base64", "media_type": mime_type, "data": BASE64}
        assert shown(type="image", source=source).picture == ""
    source = {"type": "text", "media_type": "text/plain", "data": "Plain words."}
    assert shown(type="document", source=source).text == "Plain words."
