"""Redact secrets: recognise them by their name or by their form, and put REDACTED in their place.
Pure.

`redact_settings` is for what people configure, before it is stored; `redact_value` for recorded
values, before they are shown; `redact_text` for plain texts such as errors. A reference to a
variable ({{#env.KEY#}}) is no secret and stays. Every repetition in a pattern has a bound, so that
no text takes long.
"""

import re
from collections.abc import Collection
from typing import Any

REDACTED = "••••••"

_SECRET_NAME = re.compile(
    r"api[-_ ]?key|secret|passw|passphrase|token(?!s|i[sz])|authori[sz]ation|credential|cookie"
    r"|private[-_ ]?key|access[-_ ]?key|signature|webhook_?(debug_?)?url|subscription_id"
    r"|^(key|auth|pwd|sig)$|x-[\w-]*key$",
    re.IGNORECASE,
)
_REFERENCE = re.compile(r"\{\{#?[^{}]*#?\}\}")
_AUTH_SCHEME = re.compile(r"\b(bearer|basic|token|apikey)\b", re.IGNORECASE)
# Below a secret name: words that say what the value is, not the value.
_DESCRIPTIVE_KEYS = frozenset({
    "type", "header", "name", "key", "variable", "label", "var_type", "value_type", "form",
})  # fmt: skip
# A pair of a name and its value, as lists of headers, parameters and fields hold them.
_PAIR_NAMES = ("key", "name", "variable", "label")
_PAIR_VALUES = ("value", "default", "data")
_LINE_SETTINGS = frozenset({"headers", "params"})
# The first line of an HTTP request or answer: headers follow.
_HTTP_MESSAGE = re.compile(r"[A-Z]{3,10} \S{1,4000} HTTP/\d|HTTP/\d(?:\.\d)? \d{3}")
_SECRET_FORMS = [
    (
        re.compile(r"\b(bearer|basic)\s{1,9}(?!\{\{)[\w.~+/=-]{8,}", re.IGNORECASE),
        rf"\1 {REDACTED}",
    ),
    (re.compile(r"(://)[^/\s:@{}]{1,200}:[^/\s@{}]{1,200}@"), rf"\1{REDACTED}@"),
    (
        re.compile(
            r"([?&][\w-]{0,40}(?:key|token|secret|password|passwd|sig|signature)=)(?!\{\{)[^&\s\"'#]+",
            re.IGNORECASE,
        ),
        rf"\1{REDACTED}",
    ),
    (
        re.compile(
            r"((?:api_?key|secret|passw(?:or)?d|access_?token|auth_?token|authorization)"
            r"[\w-]{0,40}[\"']?\s{0,9}[:=]\s{0,9})([\"'])(?!\{\{)[^\"'\n]{4,4000}\2",
            re.IGNORECASE,
        ),
        rf"\1\2{REDACTED}\2",
    ),
    (
        re.compile(
            r"\b(?:sk|pk|rk)[-_][\w-]{16,}|\bgh[opusr]_\w{20,}|\bgithub_pat_\w{20,}"
            r"|\bxox[abeprs]-[\w-]{10,}|\bA[KS]IA[0-9A-Z]{16}\b|\bAIza[\w-]{30,}"
            r"|\beyJ[\w-]{10,200}\.[\w-]{10,4000}\.[\w-]*|\bglpat-[\w-]{16,}|\bhf_\w{20,}"
            r"|\b(?:app|dataset)-\w{20,}"
        ),
        REDACTED,
    ),
    (
        re.compile(
            r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}-----|\Z)",
            re.DOTALL,
        ),
        REDACTED,
    ),
]


def is_secret_name(name: str) -> bool:
    return bool(_SECRET_NAME.search(name))


def redact_text(text: str, known_secret: str = "") -> str:
    """Return `text` without keys, tokens and passwords that their form or their place gives away.
    `known_secret` is redacted wherever it stands."""
    if known_secret:
        text = text.replace(known_secret, REDACTED)
    for form, replacement in _SECRET_FORMS:
        text = form.sub(replacement, text)
    return text


def redact_settings(value: Any, name: str = "") -> Any:
    """Return configured JSON without what its names or its form show to be secret. `name` is the
    name that `value` itself stands under. Words that describe a secret (its type, its header's
    name) stay."""
    if isinstance(value, dict):
        return _redact_settings_object(value, is_secret_name(name))
    if isinstance(value, list):
        return [redact_settings(item, name) for item in value]
    if is_secret_name(name):
        return _redact_scalar(value, name)
    if not isinstance(value, str):
        return value
    in_lines = name in _LINE_SETTINGS or _HTTP_MESSAGE.match(value)
    return _redact_lines(value) if in_lines else redact_text(value)


def redact_value(value: Any, name: str = "") -> Any:
    """Return recorded JSON without what stands under the name of a secret, and without texts that
    look like one. `name` is the name that `value` itself stands under. Counts of tokens are no
    secret."""
    if isinstance(value, dict):
        secret = is_secret_name(name) and "usage" not in name
        fields = _secret_fields(value)
        return {
            key: redact_value(inner, name if secret else "secret" if key in fields else key)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [redact_value(item, name) for item in value]
    return redact_settings(value, name)


def _secret_fields(value: dict[str, Any]) -> Collection[str]:
    """Return the keys of a pair of a name and its value that hold a secret: the name or the type
    beside them says so."""
    names = [value[key] for key in _PAIR_NAMES if isinstance(value.get(key), str)]
    is_secret = any(is_secret_name(name) for name in names) or value.get("value_type") == "secret"
    is_secret = is_secret or value.get("type") in ("secret", "secret-input")
    return _PAIR_VALUES if is_secret else ()


def _redact_settings_object(value: dict[str, Any], secret: bool) -> dict[str, Any]:
    """Redact an object's fields: all of them where the object's own name is that of a `secret`."""
    fields = _secret_fields(value)
    redacted = {}
    for key, inner in value.items():
        if key in _DESCRIPTIVE_KEYS and not isinstance(inner, (dict, list)):
            redacted[key] = redact_text(inner) if isinstance(inner, str) else inner
        elif secret or key in fields:
            redacted[key] = redact_settings(inner, "secret")
        else:
            redacted[key] = redact_settings(inner, key)
    return redacted


def _redact_scalar(value: Any, name: str) -> Any:
    if value is None or value == "" or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value if _only_refers(value) else REDACTED
    return value if "token" in name.lower() else REDACTED  # a number of tokens is no secret


def _only_refers(text: str) -> bool:
    """Return whether a text is nothing but references to variables and the word for the kind of key
    (Bearer)."""
    rest = _REFERENCE.sub("", text)
    return rest != text and not _AUTH_SCHEME.sub("", rest).strip()


def _redact_lines(text: str) -> str:
    """Redact headers or parameters as Dify keeps them: `name: value`, one a line."""
    lines = []
    for line in text.split("\n"):
        name, _, value = line.partition(":")
        if is_secret_name(name.strip()) and value.strip() and not _only_refers(value):
            line = f"{name}: {REDACTED}"
        lines.append(redact_text(line))
    return "\n".join(lines)
