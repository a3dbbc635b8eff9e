"""Secrets in what people configure: found by name and by form, and replaced before anything is
kept. Pure.

A reference to a variable ({{#env.KEY#}}) is no secret and stays. Every repetition has a bound, so
that no text takes long.
"""

import re
from collections.abc import Collection
from typing import Any

HIDDEN = "••••••"

_NAME = re.compile(
    r"api[-_ ]?key|secret|passw|passphrase|token(?!s|i[sz])|authori[sz]ation|credential|cookie"
    r"|private[-_ ]?key|access[-_ ]?key|signature|webhook_?(debug_?)?url|subscription_id"
    r"|^(key|auth|pwd|sig)$|x-[\w-]*key$",
    re.IGNORECASE,
)
_REFERENCE = re.compile(r"\{\{#?[^{}]*#?\}\}")
_SCHEME = re.compile(r"\b(bearer|basic|token|apikey)\b", re.IGNORECASE)
# Below a secret name: words that say what the value is, not the value.
_ABOUT = frozenset({
    "type", "header", "name", "key", "variable", "label", "var_type", "value_type", "form",
})  # fmt: skip
# A pair of a name and its value, as lists of headers, parameters and fields hold them.
_PAIR_NAMES = ("key", "name", "variable", "label")
_PAIR_VALUES = ("value", "default", "data")
_LINES = frozenset({"headers", "params"})
_FORMS = [
    (re.compile(r"\b(bearer|basic)\s{1,9}(?!\{\{)[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (re.compile(r"(://)[^/\s:@{}]{1,200}:[^/\s@{}]{1,200}@"), rf"\1{HIDDEN}@"),
    (
        re.compile(
            r"([?&][\w-]{0,40}(?:key|token|secret|password|passwd|sig|signature)=)(?!\{\{)[^&\s\"'#]+",
            re.IGNORECASE,
        ),
        rf"\1{HIDDEN}",
    ),
    (
        re.compile(
            r"((?:api_?key|secret|passw(?:or)?d|access_?token|auth_?token|authorization)"
            r"[\w-]{0,40}[\"']?\s{0,9}[:=]\s{0,9})([\"'])(?!\{\{)[^\"'\n]{4,4000}\2",
            re.IGNORECASE,
        ),
        rf"\1\2{HIDDEN}\2",
    ),
    (
        re.compile(
            r"\b(?:sk|pk|rk)[-_][\w-]{16,}|\bgh[opusr]_\w{20,}|\bgithub_pat_\w{20,}"
            r"|\bxox[abeprs]-[\w-]{10,}|\bA[KS]IA[0-9A-Z]{16}\b|\bAIza[\w-]{30,}"
            r"|\beyJ[\w-]{10,200}\.[\w-]{10,4000}\.[\w-]*|\bglpat-[\w-]{16,}|\bhf_\w{20,}"
            r"|\b(?:app|dataset)-\w{20,}"
        ),
        HIDDEN,
    ),
    (
        re.compile(
            r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}-----|\Z)",
            re.DOTALL,
        ),
        HIDDEN,
    ),
]


def is_secret_name(name: str) -> bool:
    return bool(_NAME.search(name))


def masked(value: Any, name: str = "") -> Any:
    """`value` (JSON) without what its names or its form tell to be secret; `name` is its own."""
    if isinstance(value, dict):
        return _of_dict(value, is_secret_name(name))
    if isinstance(value, list):
        return [masked(item, name) for item in value]
    if is_secret_name(name):
        return _hidden(value, name)
    if not isinstance(value, str):
        return value
    return _of_lines(value) if name in _LINES else without_secrets(value)


def secret_fields(value: dict[str, Any]) -> Collection[str]:
    """Of a pair of a name and its value: the fields that hold a secret, by the name or the type
    beside them."""
    named = [value[key] for key in _PAIR_NAMES if isinstance(value.get(key), str)]
    pair = any(is_secret_name(told) for told in named) or value.get("value_type") == "secret"
    pair = pair or value.get("type") in ("secret", "secret-input")
    return _PAIR_VALUES if pair else ()


def _of_dict(value: dict[str, Any], secret: bool) -> dict[str, Any]:
    fields = secret_fields(value)
    found = {}
    for key, inner in value.items():
        if key in _ABOUT and not isinstance(inner, (dict, list)):
            found[key] = without_secrets(inner) if isinstance(inner, str) else inner
        elif secret or key in fields:
            found[key] = masked(inner, "secret")
        else:
            found[key] = masked(inner, key)
    return found


def _hidden(value: Any, name: str) -> Any:
    if value is None or value == "" or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value if _only_refers(value) else HIDDEN
    return value if "token" in name.lower() else HIDDEN  # a number of tokens is no secret


def _only_refers(text: str) -> bool:
    """Nothing but references to variables and the word for the kind of key."""
    rest = _REFERENCE.sub("", text)
    return rest != text and not _SCHEME.sub("", rest).strip()


def _of_lines(text: str) -> str:
    """Headers or parameters as Dify keeps them: `name: value`, one a line."""
    lines = []
    for line in text.split("\n"):
        name, colon, value = line.partition(":")
        if colon and is_secret_name(name.strip()) and value.strip():
            value = value if _only_refers(value) else f" {HIDDEN}"
        lines.append(f"{name}{colon}{without_secrets(value)}")
    return "\n".join(lines)


def without_secrets(text: str) -> str:
    """Text without keys, tokens and passwords that their form or their place gives away."""
    for form, instead in _FORMS:
        text = form.sub(instead, text)
    return text
