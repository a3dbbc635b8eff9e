"""One telling line of any value."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nodes.content.previews import holds_nothing, preview, preview_output

CALL = {
    "id": "c1",
    "type": "function",
    "function": {"name": "lookup", "arguments": '{"id":"A-17"}'},
}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"question": "When do\n you open?"}, "When do you open?"),
        ('{"query": "shoes"}', "shoes"),
        ({"order": "A-17", "amount": 49.9}, "order: A-17 · amount: 49.9"),
        ({"result": False, "score": 0}, "result: false · score: 0"),
        ({"translated": 1000}, "translated: 1000"),
        ({"nothing": None}, ""),
        ([{"role": "system", "content": "s"}, {"role": "user", "content": "hi"}], "hi"),
        ({"messages": [{"type": "human", "data": {"content": "why?"}}]}, "why?"),
        ([{"role": "user", "text": "from Dify", "files": []}], "from Dify"),
        ({"role": "assistant", "content": None, "tool_calls": [CALL]}, "→ lookup(id=A-17)"),
        (
            [
                {"role": "user", "content": "refund please"},
                {"role": "assistant", "content": "", "tool_calls": [CALL]},
                {"role": "tool", "content": "shipped", "tool_call_id": "c1"},
            ],
            "refund please",
        ),
        (
            [{"page_content": "one", "metadata": {}}, {"page_content": "two", "metadata": {}}],
            "one …",
        ),
        (["a", "b"], "a, b"),
        (42, "42"),
        (None, ""),
        ({}, ""),
        ("data:image/png;base64,AAAA", "image/png file"),
        ("a\u202eb\x00c\ud800", "abc"),
        ("{broken", "{broken"),
        ({"schema": {"type": ["string", "null"], "text": "a JSON schema"}}, "a JSON schema"),
        ({"type": {"$ref": "x"}, "role": "user", "content": "typed oddly"}, "typed oddly"),
    ],
)
def test_the_most_telling_text(value: Any, expected: str) -> None:
    assert preview(value) == expected


def test_long_text_is_cut_on_a_character() -> None:
    assert preview("x" * 1000) == "x" * 199 + "…"
    family = "👨\u200d👩\u200d👧"
    cut = preview("x" * 197 + family + "y" * 100)
    assert len(cut) <= 200 and cut == "x" * 197 + "…"


VALUES = st.recursive(
    st.sampled_from([None, "", " ", "word", 0, False]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from("ab") | st.just("result"), inner, max_size=3)
    ),
)


@given(VALUES)
@example({"a": None, "b": ["", ""]})
def test_only_what_holds_nothing_has_no_preview(value: Any) -> None:
    assert (preview(value) == "") == holds_nothing(value)
    assert (preview_output(value) == "") == holds_nothing(value)


def test_hostile_nesting_is_no_trouble() -> None:
    deep: Any = "end"
    for _ in range(10_000):
        deep = [deep]
    assert preview(deep).startswith("[[[")
    assert len(preview("[" * 10_000)) == 200
