"""Secrets are redacted in settings, in recorded values and in texts."""

from typing import Any

import pytest

from runs.redaction.secrets import REDACTED, redact_settings, redact_text, redact_value


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer abcdefgh12345678",
        "https://user:pa55word@host/path",
        "https://host/?x=1&api_key=pa55word",
        "client = OpenAI(api_key='pa55word')",
        '{"password": "pa55word"}',
        "key sk-abcdefghijklmnop1234 is here",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcdefgh12345678",
        "-----BEGIN RSA PRIVATE KEY-----\npa55word\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_secrets_by_their_form(text: str) -> None:
    redacted = redact_text(text)
    assert REDACTED in redacted
    for secret in ("abcdefgh12345678", "pa55word", "sk-abc"):
        assert secret not in redacted


def test_long_texts_are_searched_in_reasonable_time() -> None:
    """Each of these takes minutes where a pattern looks ahead without a bound."""
    for piece in ("a-", "eyJ-", "?a", "&key", "://a", "{{#", "bearer ", "sk-", "-----BEGIN "):
        assert redact_text(piece * 30_000)


def test_secrets_by_their_name() -> None:
    settings = {
        "api_key": "x1", "max_tokens": 5, "password": 123, "client_secret": {"value": "x2"},
        "tool_parameters": [{"name": "auth_token", "type": "string", "value": "x3"}],
        "headers": "X-Api-Key: x4\nAccept: text/plain",
        "token": "{{#env.TOKEN#}}", "authorization": {"type": "api-key", "header": "X-Key"},
        "key": {"type": "secret-input", "value": "x5"}, "url": "https://h/?q={{#sys.query#}}",
    }  # fmt: skip
    assert redact_settings(settings) == {
        "api_key": REDACTED, "max_tokens": 5, "password": REDACTED,
        "client_secret": {"value": REDACTED},
        "tool_parameters": [{"name": "auth_token", "type": "string", "value": REDACTED}],
        "headers": f"X-Api-Key: {REDACTED}\nAccept: text/plain",
        "token": "{{#env.TOKEN#}}", "authorization": {"type": "api-key", "header": "X-Key"},
        "key": {"type": "secret-input", "value": REDACTED}, "url": "https://h/?q={{#sys.query#}}",
    }  # fmt: skip


@pytest.mark.parametrize(("value", "redacted"), [
    ({"name": "Authorization", "value": "abc"}, {"name": "Authorization", "value": REDACTED}),
    ([{"key": "api_key", "value": ["abc", {"a": "b"}]}],
     [{"key": REDACTED, "value": [REDACTED, {"a": REDACTED}]}]),
    ({"value_type": "secret", "default": "abc"}, {"value_type": "secret", "default": REDACTED}),
    ({"name": "city", "value": "Ulm"}, {"name": "city", "value": "Ulm"}),
    ({"token_usage": {"prompt_tokens": 7}}, {"token_usage": {"prompt_tokens": 7}}),
])  # fmt: skip
def test_pairs_of_a_name_and_a_value(value: Any, redacted: Any) -> None:
    assert redact_value(value) == redacted


def test_a_secret_that_is_known_is_redacted_wherever_it_stands() -> None:
    assert redact_text("no access with hunter2!", "hunter2") == f"no access with {REDACTED}!"
    assert redact_text("no access") == "no access"


def test_a_redacted_value_has_one_sign() -> None:
    assert REDACTED == "••••••"
